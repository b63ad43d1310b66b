/** The form of a line: what is at its other end fills in the rest. Its password goes in and never comes out. */
import { makeListField } from "controllers/list-field";
import { makeOrderField } from "controllers/order-field";
import { makeSheet } from "controllers/sheet";
import { CODECS } from "controllers/site-form";
import { fill } from "lib/render";
import { freeSlug } from "lib/slug";

const FRESH = {
  name: "", preset: "yeastar_s", mode: "peer", host: "", port: 5060, transport: "udp", username: "", from_domain: "", number_format: "national",
  dial_prefix: "", qualify_seconds: 10, codecs: ["alaw", "ulaw"], addresses: [], active: true, has_secret: false,
};
const TEXTS = ["slug", "name", "host", "transport", "from_domain", "number_format", "dial_prefix"];
const FROM_PRESET = ["mode", "port", "transport", "number_format", "qualify_seconds", "host", "from_domain"];

/** @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context */
export function makeTrunkForm(page, { data, site, trunks, confirm }) {
  const { api, toasts, t } = page;
  const root = /** @type {HTMLFormElement} */ (document.getElementById("trunk-form"));
  const addresses = makeListField(root.querySelector("[data-list]"), t);
  const codecs = makeOrderField(root.querySelector("[data-order]"), t);
  const control = (name) => /** @type {HTMLInputElement} */ (root.elements.namedItem(name));
  /** @type {Map<string, any>} */
  let presets = new Map();
  let proposed = "";
  codecs.offer(CODECS);
  api.get("/api/trunk-presets").then(({ items }) => { presets = new Map(items.map((item) => [item.preset, item])); data.touch(); }, toasts.failed);

  const hints = {
    yeastar_s: t("On the Yeastar: a VoIP trunk of type Peer, towards the address of this server."),
    yeastar_p: t("On the Yeastar: a SIP trunk of type Peer, towards the address of this server."),
    ovh: t("The user name and the password are those of the SIP trunk in the OVHcloud manager."),
    generic: t("Any gateway or operator that speaks SIP."),
  };
  const nameOf = (preset) => (preset === "generic" ? "" : presets.get(preset)?.label ?? "");

  function follow() {
    fill(root, { "preset-hint": hints[control("preset").value] ?? "" });
    for (const part of root.querySelectorAll("[data-mode]")) part.hidden = part.dataset.mode !== control("mode").value;
  }

  function takePreset() {
    const preset = presets.get(control("preset").value);
    for (const name of FROM_PRESET) if (preset?.[name] !== undefined && preset[name] !== "") control(name).value = String(preset[name]);
    if (preset?.codecs?.length) codecs.set(preset.codecs);
    if (control("name").value === proposed) control("name").value = nameOf(control("preset").value);
    proposed = nameOf(control("preset").value);
    follow();
  }

  const sheet = makeSheet(page, {
    id: "trunk",
    title: (row) => (row ? row.name || row.slug : t("New trunk")),
    show(row) {
      const values = row ?? { ...FRESH, slug: freeSlug(site().slug, new Set(data.rows("trunk").map((trunk) => trunk.slug))) };
      for (const name of [...TEXTS, "preset", "mode", "port", "qualify_seconds", "username"]) control(name).value = Number.isNaN(values[name]) ? "" : String(values[name] ?? "");
      control("slug").readOnly = Boolean(row);
      control("active").checked = values.active;
      // Never told by the API: only what was typed here, so that it counts as typed after somebody else's change.
      control("secret").value = values.secret ?? "";
      control("secret").placeholder = values.has_secret ? "••••••••" : "";
      codecs.set(values.codecs ?? []);
      addresses.set(values.addresses ?? []);
      root.querySelector("[data-delete]").hidden = !row;
      proposed = "";
      if (row) follow();
      else takePreset();
    },
    body: (values) => ({
      ...Object.fromEntries(TEXTS.map((name) => [name, values[name].trim()])), preset: values.preset, mode: values.mode, port: Number(values.port || NaN),
      qualify_seconds: Number(values.qualify_seconds || NaN), username: values.mode === "register" ? values.username.trim() : "", active: values.active === "true",
      codecs: codecs.get(), addresses: addresses.get(), ...(values.secret && values.mode === "register" ? { secret: values.secret } : {}),
    }),
    save: (body, row, version) => (row ? api.patch(`/api/trunks/${row.id}`, body, version)
      : api.post("/api/trunks", { ...body, site_id: site().id, priority: Math.max(0, ...trunks().map((trunk) => trunk.priority)) + 1 })),
    find: (row) => data.find("trunk", row.id),
    saved() { toasts.done(t("Saved.")); void data.reload(["trunk"]); },
  });

  sheet.dialog.addEventListener("close", () => { control("secret").value = ""; });
  root.addEventListener("change", (event) => {
    const { name } = /** @type {HTMLInputElement} */ (event.target);
    if (name === "preset") takePreset();
    if (name === "mode") follow();
  });
  root.querySelector("[data-delete]").addEventListener("click", () => {
    const row = sheet.row();
    const routes = data.rows("route").filter((route) => route.trunk_id === row.id).length;
    confirm.ask({
      title: t("Delete %(name)s?", { name: row.name || row.slug }),
      text: routes ? t("Routes use this trunk. Take it out of them first.") : t("No call will take this trunk any more. Calls in progress go on."),
      act: t("Delete"), done: t("%(name)s is deleted.", { name: row.name || row.slug }),
      work: () => sheet.act(async (version) => { await api.del(`/api/trunks/${row.id}`, version); sheet.dialog.close(); await data.reload(["trunk", "route"]); }),
    });
  });

  return {
    create: () => sheet.open(null), look: sheet.look,
    /** @param {any} trunk */ edit: (trunk) => sheet.open(trunk),
    /** @param {string} preset */ presetName: nameOf,
  };
}
