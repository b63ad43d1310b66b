/**
 * The first data of the page, inlined by the server.
 * @typedef {object} Me
 * @property {string} id
 * @property {string} login
 * @property {string} name
 * @property {string} role
 * @property {string|null} site_id
 * @property {string|null} extension
 * @property {string[]} abilities
 *
 * @typedef {object} Boot
 * @property {Me|null} me
 * @property {string} locale
 * @property {number} now  server's clock, epoch seconds
 * @property {string[]} topics  what this page subscribes to
 * @property {Record<string, string|string[]>} messages
 * @property {object|null} snapshot  topics by key, as in a snapshot of the stream
 * @property {Record<string, any>} data  the page's own
 */

/** @returns {Boot} */
export function readBoot() {
  return JSON.parse(document.getElementById("boot").textContent);
}
