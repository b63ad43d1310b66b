/** The list of users: found by the API, kept true by the stream. */
import { startImport } from "controllers/import";
import { makeUserForm } from "controllers/user-form";
import { makeKeyedList } from "lib/keyed-list";
import { makeKnown } from "lib/known";
import { makePhoneWords } from "lib/phone-words";

/** @param {import("lib/page").Page} page */
export function startUsers(page) {
  const { api, store, words, boot, toasts, t } = page;
  const filters = /** @type {HTMLFormElement} */ (document.getElementById("filters"));
  const sites = new Map((boot.data.sites ?? []).map(({ id, name }) => [id, name]));
  /** @type {Map<string, any>} */
  let rows = new Map();
  /** @type {string|null} */
  let next = null;
  let asked = 0;
  let timer = 0;
  const phones = makePhoneWords(t);

  const nameOf = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ") || user.name || user.login;
  const list = makeKeyedList({
    container: document.getElementById("users"), template: "tpl-user", prefix: "user",
    fields: (user) => ({
      avatar: { avatar: nameOf(user) }, name: nameOf(user), login: user.login, role: words.role(user.role),
      site: sites.get(user.site_id) ?? user.site ?? "", extension: user.extension ?? "",
      station: user.extension && user.station ? phones.kind(user.station) : "",
      active: user.active ? { text: t("Active"), tone: "good" } : { text: t("Deactivated"), tone: "neutral" },
    }),
  });

  function show() {
    const seen = [...rows].sort(([, a], [, b]) => nameOf(a).localeCompare(nameOf(b)));
    list.show(seen);
    document.getElementById("users-table").hidden = seen.length === 0;
    document.getElementById("users-empty").hidden = seen.length > 0;
    document.getElementById("more-row").hidden = !next;
  }

  async function load(onward) {
    const query = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
    if (onward && next) query.set("after", next);
    const mine = ++asked;
    try {
      const answer = await api.get(`/api/users?${query}`);
      if (mine !== asked) return;
      if (!onward) rows = new Map();
      for (const user of answer.items) rows.set(user.id, user);
      next = answer.next ?? null;
      show();
    } catch (error) {
      toasts.failed(error);
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = window.setTimeout(() => load(false), 200);
  }

  const known = makeKnown(store, "users");
  const form = makeUserForm(page, { nameOf, find: known.find, saved: soon });
  document.getElementById("users").addEventListener("click", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-key]") : null;
    if (row) form.edit(known.add(rows.get(row.dataset.key)));
  });
  startImport(page, { path: "/api/users/import", imported: soon });
  document.getElementById("new-user").addEventListener("click", () => form.create());
  document.getElementById("more").addEventListener("click", () => load(true));
  filters.addEventListener("input", soon);
  filters.addEventListener("submit", (event) => event.preventDefault());
  // What another page changes: asked for again, because only the API knows whether it matches the filters.
  store.watch(["users"], soon);
  known.onChange(() => form.look());

  /** A link from elsewhere to one user. */
  async function openLinked() {
    const url = new URL(location.href);
    const id = url.searchParams.get("user");
    if (!id) return;
    url.searchParams.delete("user");
    history.replaceState(null, "", url);
    try {
      form.edit(known.add(await api.get(`/api/users/${encodeURIComponent(id)}`)));
    } catch (error) {
      toasts.failed(error);
    }
  }
  void openLinked();
}
