/** Which way would a call take? Asked of the server, which decides the same for real calls. */
import { clearErrors, onSubmit } from "lib/form";
import { makeKeyedList } from "lib/keyed-list";
import { formatNumber } from "lib/phone-number";
import { fill } from "lib/render";

/** @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context */
export function startRouteProbe({ api, store, t }, { data, state, site }) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("probe"));
  const answer = document.getElementById("probe-answer");
  /** @type {any} */
  let shown = null;
  let ups = "";

  const list = makeKeyedList({
    container: document.getElementById("probe-ways"), template: "tpl-way", prefix: "probe",
    fields: ({ way, index }) => {
      const trunk = data.find("trunk", way.id);
      const told = trunk ? state.line(trunk) : { text: way.up === false ? t("Down") : "", tone: way.up === false ? "bad" : "neutral", hidden: way.up !== false };
      const home = !trunk || trunk.site_id === site().id ? "" : `${data.find("site", trunk.site_id)?.name ?? ""} – `;
      return { place: String(index + 1), name: `${home}${trunk?.name || way.slug}`, state: told };
    },
  });

  function sentence({ number, allowed, trunks }) {
    const shownNumber = formatNumber(number, false);
    if (!allowed) return { text: t("%(number)s is refused: it begins with none of the prefixes that this site may call.", { number: shownNumber }), tone: "bad" };
    if (!trunks.length) return { text: t("%(number)s cannot leave: this site has no trunk in use.", { number: shownNumber }), tone: "bad" };
    // What is not known now (null) is tried like what is up.
    const first = trunks.findIndex(({ up }) => up !== false);
    if (first < 0) return { text: t("%(number)s cannot leave now: every trunk that it could take is down.", { number: shownNumber }), tone: "bad" };
    if (first > 0) return { text: t("%(number)s leaves by trunk %(place)s of this list, as those before it are down.", { number: shownNumber, place: first + 1 }), tone: "warn" };
    return { text: t("%(number)s leaves by the first of these trunks.", { number: shownNumber }), tone: "good" };
  }

  function show() {
    if (!shown) return;
    fill(answer, { said: sentence(shown) });
    list.show((shown.allowed ? shown.trunks : []).map((way, index) => [way.id, { way, index }]));
    answer.hidden = false;
  }

  const ask = (number) => api.get(`/api/sites/${site().id}/ways?${new URLSearchParams({ number })}`);

  onSubmit(form, async ({ number }) => {
    shown = null;
    answer.hidden = true;
    shown = { ...(await ask(number)), asked: number };
    show();
  });
  form.addEventListener("input", () => { shown = null; answer.hidden = true; clearErrors(form); });

  /** Lines, routes and states change while an answer is shown: it is asked for again. */
  async function again() {
    if (!shown) return;
    const { asked } = shown;
    try {
      const fresh = await ask(asked);
      if (shown?.asked === asked) { shown = { ...fresh, asked }; show(); }
    } catch {
      shown = null;
      answer.hidden = true;
    }
  }
  data.onChange(again);
  store.watch(["links"], () => {
    const now = [...store.rows("links")].map(([id, { up }]) => `${id} ${up}`).sort().join();
    if (now !== ups) void again();
    ups = now;
  });
}
