/** Sites, lines and direct numbers: three lists and three forms of one kind. */
import { clearErrors, onSubmit } from "lib/form";
import { makeKeyedList } from "lib/keyed-list";
import { formatNumber } from "lib/phone-number";

/** @param {import("lib/page").Page} page */
export function startSites({ api, store, boot, toasts, t }) {
  const place = (id) => document.getElementById(id);
  const users = new Map((boot.data.users ?? []).map(({ id, name }) => [id, name]));
  /** @type {Map<string, string>} */
  let sites = new Map();

  const nouns = {
    sites: {
      path: "/api/sites",
      cells: (row) => [row.name, row.slug, row.zone, row.country, formatNumber(row.caller_id ?? "")],
      start: { zone: "Europe/Paris", country: "FR" },
      body: (values) => ({ ...values, country: values.country.toUpperCase() }),
    },
    trunks: {
      path: "/api/trunks",
      cells: (row) => [row.slug, sites.get(row.site_id) ?? "", `${row.host}:${row.port}`, (row.codecs ?? []).join(", ")],
      start: { port: "5060", codecs: "alaw, ulaw" },
      body: (values) => ({ ...values, port: Number(values.port), codecs: values.codecs.split(",").map((c) => c.trim()).filter(Boolean) }),
    },
    dids: {
      path: "/api/dids",
      cells: (row) => [formatNumber(row.number), row.label, sites.get(row.site_id) ?? "", users.get(row.user_id) ?? t("Nobody")],
      start: {},
      body: (values) => ({ ...values, user_id: values.user_id || null }),
    },
  };

  function offer(select, pairs) {
    const blank = [...select.options].filter((option) => option.value === "");
    select.replaceChildren(...blank, ...[...pairs].map(([id, name]) => new Option(name, id)));
  }

  function makeNoun(noun, { path, cells, start, body }) {
    const form = /** @type {HTMLFormElement} */ (place(`${noun}-form`));
    const dialog = /** @type {HTMLDialogElement} */ (place(`${noun}-dialog`));
    const list = makeKeyedList({
      container: place(noun), template: `tpl-${noun}`, prefix: noun,
      fields: (row) => Object.fromEntries(cells(row).map((text, index) => [`c${index}`, text ?? ""])),
    });

    async function load() {
      const { items } = await api.get(path);
      if (noun === "sites") sites = new Map(items.map(({ id, name }) => [id, name]));
      list.show(items.map((row) => [row.id, row]));
      list.refill();
      place(`${noun}-table`).hidden = items.length === 0;
      place(`${noun}-empty`).hidden = items.length > 0;
    }

    function open() {
      clearErrors(form);
      form.reset();
      for (const [name, value] of Object.entries(start)) form.elements.namedItem(name).value = value;
      for (const select of form.querySelectorAll("select[name=site_id]")) offer(select, sites);
      for (const select of form.querySelectorAll("select[name=user_id]")) offer(select, users);
      dialog.showModal();
    }

    document.querySelector(`[data-new="${noun}"]`).addEventListener("click", open);
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
    onSubmit(form, async (values) => {
      await api.post(path, body(values));
      dialog.close();
      toasts.done(t("Saved."));
      await load();
    });
    return load;
  }

  const loads = Object.entries(nouns).map(([noun, kind]) => makeNoun(noun, kind));

  async function loadAll() {
    try {
      for (const load of loads) await load();
    } catch (error) {
      toasts.failed(error);
    }
  }

  let timer = 0;
  // One change often comes with others: ask once for all of them.
  store.watch(["sites"], () => { clearTimeout(timer); timer = window.setTimeout(loadAll, 50); });
}
