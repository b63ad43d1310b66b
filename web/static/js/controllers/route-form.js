/** The form of a route: numbers that begin with a prefix leave by these lines, in this order. */
import { makeOrderField } from "controllers/order-field";
import { makeSheet } from "controllers/sheet";
import { inOrder } from "controllers/line-state";

/**
 * @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context
 * @param {() => {prefix: string, trunks: string[]}[]} groups
 */
export function makeRouteForm(page, { data, site, confirm }, groups) {
  const { api, toasts, t } = page;
  const root = /** @type {HTMLFormElement} */ (document.getElementById("route-form"));
  const trunks = makeOrderField(root.querySelector("[data-order]"), t);
  const control = (name) => /** @type {HTMLInputElement} */ (root.elements.namedItem(name));

  /** Own lines first, then those of other sites: a call may be cheaper from there. */
  function offer() {
    const others = data.rows("site").filter(({ id }) => id !== site().id).sort((a, b) => a.name.localeCompare(b.name));
    trunks.offer([site(), ...others].flatMap(({ id, name }) => inOrder(data.rows("trunk").filter((trunk) => trunk.site_id === id))
      .map((trunk) => [trunk.id, id === site().id ? trunk.name || trunk.slug : `${name} – ${trunk.name || trunk.slug}`])));
  }

  /** The API takes the whole list; refusals of our group are told at our fields. @param {{prefix: string, trunks: string[]}[]} wanted */
  async function put(wanted) {
    const routes = wanted.flatMap((group) => group.trunks.map((trunk, index) => ({ trunk_id: trunk, prefix: group.prefix, priority: index + 1 })));
    try {
      // Of the list that these groups are made of: somebody else's changes are never written over.
      await api.put(`/api/sites/${site().id}/routes`, { routes }, data.answer("route").versions?.[site().id]);
    } catch (error) {
      // The next press goes by the list as it is now.
      if (error.code === "changed_meanwhile") await data.reload(["route"]);
      error.errors = (error.errors ?? []).map((one) => ({ ...one, field: one.field.split(".").pop() === "trunk_id" ? "trunks" : one.field.split(".").pop() }));
      throw error;
    }
  }

  const sheet = makeSheet(page, {
    id: "route",
    title: (row) => (row ? row.prefix || t("All numbers") : t("New route")),
    show(row) {
      offer();
      control("prefix").value = row?.prefix ?? "";
      trunks.set(row?.trunks ?? []);
      root.querySelector("[data-delete]").hidden = !row;
    },
    body: (values) => ({ prefix: values.prefix.replace(/[\s.\u00a0\u202f-]/g, "").replace(/^00/, "+"), trunks: trunks.get() }),
    async save(changed, row) {
      const group = { ...row, ...changed };
      if (group.prefix !== row?.prefix && groups().some(({ prefix }) => prefix === group.prefix)) {
        throw Object.assign(new Error(t("There is a route for this prefix already.")), { errors: [{ field: "prefix", message: t("There is a route for this prefix already.") }] });
      }
      if (!group.trunks.length) throw Object.assign(new Error(""), { errors: [{ field: "trunks", message: t("Choose at least one trunk.") }] });
      await put([...groups().filter(({ prefix }) => prefix !== row?.prefix), { prefix: group.prefix, trunks: group.trunks }]);
    },
    find: (row) => groups().find(({ prefix }) => prefix === row.prefix),
    fresh: (_, row) => groups().find(({ prefix }) => prefix === row.prefix),
    saved() { toasts.done(t("Saved.")); void data.reload(["route"]); },
  });

  root.querySelector("[data-delete]").addEventListener("click", () => {
    const row = sheet.row();
    confirm.ask({
      title: row.prefix ? t("Delete the route of %(name)s?", { name: row.prefix }) : t("Delete the route of all numbers?"),
      text: t("These calls will then leave by the next route that fits, or by the site’s own trunks."), act: t("Delete"), done: t("The route is deleted."),
      work: () => sheet.act(async () => { await put(groups().filter(({ prefix }) => prefix !== row.prefix)); sheet.dialog.close(); await data.reload(["route"]); }),
    });
  });

  return {
    create: () => sheet.open(null), look: sheet.look,
    /** @param {{prefix: string, trunks: string[]}} group */ edit: (group) => sheet.open(group),
  };
}
