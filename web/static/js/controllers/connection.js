/**
 * Says whether what the page shows is true now: the pulse in the frame, the banner, and the grey of old rows.
 * A page that lost its own socket is as blind as a server that lost Asterisk, from the last thing heard on.
 */
import { fill } from "lib/render";

/** A blink of the network is said by the pulse alone; after this the page admits that it is blind. */
const GRACE_SECONDS = 2;

/** @param {import("lib/page").Page} page */
export function startConnection({ socket, clock, format, t }) {
  const banner = document.getElementById("blind");
  const pulse = document.getElementById("pulse");

  /** @returns {{since: number, text: string}|null} */
  function blindness(status) {
    if (status.blindSince !== null) {
      return { since: status.blindSince, text: t("The server no longer sees the telephony. What you see is as it was at that moment; calls in progress go on.") };
    }
    const lost = status.state !== "live" && status.lostAt !== null && clock.now() - status.lostAt > GRACE_SECONDS;
    if (!lost) return null;
    return { since: status.lastSeen ?? status.lostAt, text: t("This page lost its link with the server and is looking for it. What you see is as it was at that moment.") };
  }

  function pulseOf(status, blind) {
    if (blind) return { tone: "bad", text: t("Blind since %(time)s", { time: format.time(blind.since) }) };
    if (status.state === "live") return { tone: "good", text: t("Live") };
    return status.state === "connecting" ? { tone: "neutral", text: t("Connecting…") } : { tone: "warn", text: t("Reconnecting…") };
  }

  function show() {
    const blind = blindness(socket.status);
    const { tone, text } = pulseOf(socket.status, blind);
    pulse.dataset.tone = tone;
    fill(pulse, { text });
    document.body.classList.toggle("is-blind", Boolean(blind));
    if (blind) {
      fill(banner, { title: t("Blind since %(time)s.", { time: format.time(blind.since) }), text: blind.text });
      for (const element of document.querySelectorAll(".live [data-field=seen]")) {
        const seen = Math.max(Number(element.dataset.seen ?? 0), blind.since);
        fill(element, { seen: t("seen at %(time)s", { time: format.time(seen) }) });
      }
    }
    banner.hidden = !blind;
  }

  socket.onStatus(show);
  clock.onTick(() => { if (socket.status.state !== "live" || document.body.classList.contains("is-blind")) show(); });
}
