/** @param {Element} element its text @returns {Promise<boolean>} false: it is selected instead, the user copies by hand */
export async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // No clipboard outside https.
    getSelection().selectAllChildren(element);
    return false;
  }
}
