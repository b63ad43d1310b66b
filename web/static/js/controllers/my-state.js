/** The agent's own state, phone and choice of state. Shown from the stream alone: a click asks, the row answers. */
import { fill } from "lib/render";

const CHOOSABLE = new Set(["offline", "available", "paused", "wrap_up"]);

/** @param {import("lib/page").Page} page */
export function startMyState({ store, me, words, api, toasts, t }) {
  const state = document.getElementById("my-state");
  const phone = document.getElementById("my-phone");
  const buttons = [...document.querySelectorAll("#state-choice button")];

  function phoneLine(row) {
    if (!row?.extension) return { tone: "neutral", text: t("No phone on this account") };
    const place = t("extension %(extension)s", { extension: row.extension });
    return { tone: row.phone === "registered" ? "good" : "bad", text: `${words.phone(row.phone)} · ${place}` };
  }

  function show() {
    const row = store.rows("agents").get(me.id);
    const line = phoneLine(row);
    phone.dataset.tone = line.tone;
    fill(phone, { text: line.text });
    const shown = row ?? { state: "offline", reason: "", since: null, as_of: 0 };
    const reason = shown.state === "paused" && shown.reason ? ` · ${words.reason(shown.reason)}` : "";
    fill(state, {
      state: { text: words.agentState(shown.state) + reason, tone: words.agentTone(shown.state) },
      since: { since: shown.since }, seen: { seen: shown.as_of },
    });
    for (const button of buttons) {
      const mine = button.dataset.state === shown.state && button.dataset.reason === (shown.reason ?? "");
      button.setAttribute("aria-pressed", String(mine));
      button.disabled = !row || !CHOOSABLE.has(shown.state);
    }
  }

  for (const button of buttons) {
    button.addEventListener("click", async () => {
      button.setAttribute("aria-busy", "true");
      try {
        await api.post(`/api/agents/${me.id}/state`, { state: button.dataset.state, reason: button.dataset.reason });
      } catch (error) {
        toasts.failed(error);
      } finally {
        button.removeAttribute("aria-busy");
      }
    });
  }
  store.watch(["agents"], show);
}
