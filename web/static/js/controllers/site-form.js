/** The form of a site: a short name made from its name, the zone of its country, and what its phones may do. */
import { makeListField } from "controllers/list-field";
import { makeOrderField } from "controllers/order-field";
import { makeSheet } from "controllers/sheet";
import { formatNumber } from "lib/phone-number";
import { freeSlug, slugOf } from "lib/slug";

const FRESH = { name: "", slug: "", country: "FR", zone: "Europe/Paris", caller_id: "", area: "", subnets: [], codecs: ["alaw", "ulaw"], allowed_prefixes: [] };
const PLAIN = ["name", "slug", "country", "zone", "caller_id", "area"];
export const CODECS = [["alaw", "G.711 A-law"], ["ulaw", "G.711 µ-law"], ["g722", "G.722 (HD)"], ["opus", "Opus (HD)"], ["g729", "G.729"], ["gsm", "GSM"]];

/**
 * @param {import("lib/page").Page} page @param {import("controllers/admin-data").AdminData} data
 * @param {(site: any, before: any) => void} saved
 */
export function makeSiteForm(page, data, saved) {
  const { api, t } = page;
  const root = document.getElementById("site-form");
  const lists = Object.fromEntries([...root.querySelectorAll("[data-list]")].map((field) => [field.dataset.list, makeListField(field, t)]));
  const codecs = makeOrderField(root.querySelector("[data-order]"), t);
  codecs.offer(CODECS);

  const sheet = makeSheet(page, {
    id: "site",
    title: (row) => (row ? row.name : t("New site")),
    show(row, form) {
      const values = row ?? FRESH;
      for (const name of PLAIN) {
        const control = /** @type {HTMLInputElement|HTMLSelectElement} */ (form.elements.namedItem(name));
        const value = name === "caller_id" ? formatNumber(values[name] ?? "", false) : values[name] ?? "";
        // What this list of choices does not know is kept as it is.
        if (control instanceof HTMLSelectElement && value && ![...control.options].some((o) => o.value === value)) control.append(new Option(value, value));
        control.value = value;
      }
      for (const [name, field] of Object.entries(lists)) field.set(values[name] ?? []);
      codecs.set(values.codecs ?? []);
      /** @type {HTMLInputElement} */ (form.elements.namedItem("slug")).readOnly = Boolean(row);
      for (const part of form.querySelectorAll("details")) part.open = Boolean(row);
    },
    body: (values) => ({
      ...Object.fromEntries(PLAIN.map((name) => [name, values[name].trim()])),
      ...Object.fromEntries(Object.entries(lists).map(([name, field]) => [name, field.get()])), codecs: codecs.get(),
    }),
    save: (body, row, version) => (row ? api.patch(`/api/sites/${row.id}`, body, version) : api.post("/api/sites", body)),
    find: (row) => data.find("site", row.id),
    words: { caller_id: (number) => formatNumber(number) },
    saved,
  });

  const control = (name) => /** @type {HTMLInputElement} */ (sheet.form.elements.namedItem(name));
  let proposed = "";
  control("name").addEventListener("input", () => {
    if (sheet.row() || control("slug").value !== proposed) return;
    const slug = slugOf(control("name").value);
    proposed = slug ? freeSlug(slug, new Set(data.rows("site").map((site) => site.slug))) : "";
    control("slug").value = proposed;
  });
  control("country").addEventListener("change", (event) => {
    const zone = /** @type {HTMLSelectElement} */ (event.target).selectedOptions[0]?.dataset.zoneOf;
    if (zone) control("zone").value = zone;
  });

  return {
    create() { proposed = ""; sheet.open(null); },
    /** @param {any} site */ edit: (site) => sheet.open(site),
    look: sheet.look,
  };
}
