/**
 * How to set up a phone whose password was just made: its settings, and a file or code for each softphone.
 * @typedef {{client: string, label: string, filename: string, text: string, url?: string, qr_svg?: string}} Item
 * @typedef {object} Account
 * @property {any} phone a PhoneRow
 * @property {string} secret
 * @property {{server: string, port: number, transport: string, realm: string, username: string, items: Item[]}|null} provisioning
 */
import { copyText } from "lib/clipboard";
import { makeCsv } from "lib/csv";
import { download } from "lib/download";

/** @param {Pick<import("lib/page").Page, "toasts"|"t"|"locale">} page @param {(secret: string) => void} showSecret */
export function makeProvisioning({ toasts, t, locale }, showSecret) {
  const place = (id) => document.getElementById(id);
  const part = place("provisioning");
  const choice = /** @type {HTMLSelectElement} */ (place("provisioning-phone"));
  const clients = place("provisioning-clients");
  const code = /** @type {HTMLImageElement} */ (place("provisioning-qr"));
  const text = place("provisioning-text");
  /** @type {Account[]} */
  let accounts = [];
  /** @type {Item|null} */
  let shown = null;

  const nameOf = ({ phone }) => [phone.extension, phone.user || phone.label].filter(Boolean).join(" · ");

  /** As an image it cannot run anything, whatever is in it. @param {Item} item */
  function showItem(item) {
    shown = item;
    code.hidden = !item.qr_svg;
    if (item.qr_svg) code.src = `data:image/svg+xml,${encodeURIComponent(item.qr_svg)}`;
    else code.removeAttribute("src");
    place("provisioning-once").hidden = !item.qr_svg || !item.url;
    text.textContent = item.text;
  }

  function showFacts({ server, port, transport, realm, username }) {
    const pairs = [[t("Server"), server], [t("Port"), port], [t("Transport"), transport.toUpperCase()], [t("User name"), username], [t("Realm"), realm]];
    place("provisioning-facts").replaceChildren(...pairs.filter(([, value]) => value).flatMap(([name, value]) => [
      Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: value }),
    ]));
  }

  /** @param {Account} account */
  function showAccount({ secret, provisioning }) {
    showSecret(secret);
    place("provisioning-settings").hidden = !provisioning;
    if (!provisioning) return;
    showFacts(provisioning);
    const before = shown?.client;
    clients.replaceChildren(...provisioning.items.map((item) => {
      const label = document.createElement("label");
      const radio = Object.assign(document.createElement("input"), { type: "radio", name: "client", value: item.client });
      radio.addEventListener("change", () => showItem(item));
      label.append(radio, Object.assign(document.createElement("span"), { textContent: item.label }));
      return label;
    }));
    const first = provisioning.items.find(({ client }) => client === before) ?? provisioning.items[0];
    if (!first) return;
    clients.querySelector(`[value="${CSS.escape(first.client)}"]`).checked = true;
    showItem(first);
  }

  function downloadAll() {
    const header = [t("Extension"), t("Label"), t("User name"), t("Password"), t("Server"), t("Port"), t("Transport"), t("Realm")];
    const rows = accounts.map(({ phone, secret, provisioning: p }) => [
      phone.extension, phone.user || phone.label, p?.username, secret, p?.server, p?.port, p?.transport, p?.realm,
    ]);
    download(`${t("phones")}.csv`, makeCsv(header, rows, locale), "text/csv;charset=utf-8");
  }

  choice.addEventListener("change", () => showAccount(accounts[Number(choice.value)]));
  place("provisioning-all").addEventListener("click", downloadAll);
  place("provisioning-copy").addEventListener("click", async () => { if (await copyText(text)) toasts.done(t("Copied.")); });
  place("provisioning-save").addEventListener("click", () => shown && download(shown.filename, shown.text));

  return {
    /** @param {Account[]} made */
    show(made) {
      accounts = made;
      part.hidden = made.length === 0;
      if (!made.length) return;
      choice.replaceChildren(...made.map((account, index) => new Option(nameOf(account), String(index))));
      place("provisioning-many").hidden = made.length < 2;
      showAccount(made[0]);
    },
    /** Nothing of the secrets stays in the page. */
    wipe() {
      accounts = [];
      shown = null;
      code.removeAttribute("src");
      for (const element of [text, choice, clients, place("provisioning-facts")]) element.replaceChildren();
    },
  };
}
