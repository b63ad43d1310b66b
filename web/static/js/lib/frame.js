/** Work that waits for the next frame, once however often it is asked for. A page that nobody sees does none of it. */

/**
 * @param {() => void} work
 * @param {number} [restMs] asked for again sooner than this after it was done, it waits: what comes one by one is still
 *   done at once, what comes in a stream is done together
 * @returns {() => void} asks for it
 */
export function inNextFrame(work, restMs = 0) {
  let asked = false;
  let doneAt = -Infinity;

  function run() {
    asked = false;
    doneAt = performance.now();
    work();
  }

  return () => {
    if (asked) return;
    asked = true;
    const rest = doneAt + restMs - performance.now();
    if (rest > 0) window.setTimeout(() => requestAnimationFrame(run), rest);
    else requestAnimationFrame(run);
  };
}
