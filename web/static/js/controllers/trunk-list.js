/** The lines of a site in the order in which calls try them; moved by arrows, edited in a dialog. */
import { makeTrunkForm } from "controllers/trunk-form";
import { makeKeyedList } from "lib/keyed-list";

/** @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context */
export function startTrunkList(page, context) {
  const { api, store, toasts, t } = page;
  const { data, state, trunks } = context;
  const place = (id) => document.getElementById(id);
  const form = makeTrunkForm(page, context);
  let moving = Promise.resolve();

  const way = ({ name, preset, mode, host, port, transport, username }) => [
    form.presetName(preset) === name ? "" : form.presetName(preset), mode === "register" ? t("%(user)s at %(host)s", { user: username, host }) : `${host}:${port}`, transport.toUpperCase(),
  ].filter(Boolean).join(" · ");

  const list = makeKeyedList({
    container: place("trunks"), template: "tpl-trunk", prefix: "trunk",
    fields: ({ trunk, index }) => ({
      place: state.place(index), name: trunk.name || trunk.slug, way: way(trunk), state: state.line(trunk), seen: { seen: state.seen(trunk) },
      up: { label: t("Move %(name)s up", { name: trunk.name || trunk.slug }) }, down: { label: t("Move %(name)s down", { name: trunk.name || trunk.slug }) },
    }),
    after(element, { index, last }) {
      element.querySelector("[data-move='-1']").disabled = index === 0;
      element.querySelector("[data-move='1']").disabled = index === last;
    },
  });

  function show() {
    if (!data.loaded()) return;
    const rows = trunks();
    list.show(rows.map((trunk, index) => [trunk.id, { trunk, index, last: rows.length - 1 }]));
    place("trunks-table").hidden = rows.length === 0;
    place("trunks-none").hidden = rows.length > 0;
    form.look();
  }

  /** Priorities are numbered anew; only those that change are sent. */
  async function move(id, step) {
    const order = trunks();
    const from = order.findIndex((trunk) => trunk.id === id);
    if (from < 0 || !order[from + step]) return;
    const [moved] = order.splice(from, 1);
    order.splice(from + step, 0, moved);
    try {
      for (const [index, trunk] of order.entries()) {
        if (trunk.priority !== index + 1) await api.patch(`/api/trunks/${trunk.id}`, { priority: index + 1 }, trunk.version);
      }
    } catch (error) {
      toasts.failed(error);
    }
    await data.reload(["trunk"]);
    const element = place(`trunk-${id}`);
    const button = element?.querySelector(`[data-move='${step}']`);
    (button?.disabled ? element.querySelector("[data-edit]") : button)?.focus();
  }

  place("trunks").addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const id = target.closest("[data-key]")?.dataset.key;
    const button = target.closest("[data-move]");
    // Pressed quickly, each press starts from what the one before has made.
    if (button) moving = moving.then(() => move(id, Number(button.dataset.move)));
    else if (target.closest("[data-edit]")) form.edit(data.find("trunk", id));
  });
  place("new-trunks").addEventListener("click", () => form.create());
  data.onChange(show);
  store.watch(["links"], show);
}
