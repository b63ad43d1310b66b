/** Files made in the page: nothing of them goes through a URL of the server. */

/** @param {string} filename @param {string} text @param {string} [type] */
export function download(filename, text, type = "text/plain;charset=utf-8") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: filename });
  link.click();
  // The browser has read it by then; the text may hold a secret, so it does not stay.
  window.setTimeout(() => URL.revokeObjectURL(url), 1000);
}
