/**
 * Makes what every controller is given, from the boot data. No module keeps state of its own: it lives here.
 * @typedef {ReturnType<typeof makePage>} Page
 */
import { makeApi } from "lib/api";
import { readBoot } from "lib/boot";
import { makeCauses } from "lib/causes";
import { makeClock } from "lib/clock";
import { makeFormat } from "lib/format";
import { makeI18n } from "lib/i18n";
import { makeSocket } from "lib/socket";
import { makeStore } from "lib/store";
import { makeToasts } from "lib/toasts";
import { makeWords } from "lib/words";

/** Whoever logs in after these is perhaps somebody else: they begin at their own first page. */
const LEFT = new Set(["logged_out", "signed_out", "deactivated"]);

/** @param {string} reason a code that the login page puts into words */
export function goToLogin(reason) {
  const next = location.pathname + location.search;
  const query = new URLSearchParams(reason ? { reason } : {});
  if (next !== "/" && !LEFT.has(reason)) query.set("next", next);
  location.assign(`/login?${query}`);
}

/** The server ended this session, or changed what it may see. @param {string} code */
function sayGoodbye(code) {
  // Changed rights: the server knows what this page may still show, or sends to the login.
  if (code === "role_changed") location.reload();
  else goToLogin(code);
}

/** An answer said so before the stream did: the same reason, so that the login page tells the same. @param {string} code */
function onLoggedOut(code) {
  sayGoodbye(["", "unauthenticated"].includes(code) ? "session_expired" : code);
}

function streamUrl() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}/ws`;
}

export function makePage() {
  // Whoever makes the page goes on to bind its controls before anything else can happen.
  document.documentElement.removeAttribute("data-starting");
  const boot = readBoot();
  const { t, tn, locale } = makeI18n(boot.locale, boot.messages);
  const clock = makeClock(boot.now);
  const store = makeStore();
  const api = makeApi({ t, onLoggedOut });
  const socket = makeSocket({
    url: streamUrl(), topics: boot.topics, store, clock, onBye: sayGoodbye, refresh: api.session.refresh,
  });
  store.load({ ...Object.fromEntries(boot.topics.map((topic) => [topic, {}])), ...boot.snapshot });
  store.watch(["me"], () => {
    for (const notice of store.values("me")) {
      if (notice.kind === "session_ended" && notice.session_id === boot.me?.session_id) sayGoodbye(notice.reason);
    }
  });
  return {
    boot, me: boot.me, locale, t, tn, clock, store, api, socket,
    format: makeFormat(locale), words: makeWords(t), causes: makeCauses(t), toasts: makeToasts(),
    /** @param {string} ability */
    may: (ability) => Boolean(boot.me?.abilities.includes(ability)),
  };
}
