/** The start of every page with a frame: chrome, link, timers, then the page's own controllers, then the socket. */
import { startConfigBadge } from "controllers/config-badge";
import { startConnection } from "controllers/connection";
import { startMenu } from "controllers/menu";
import { startTimers } from "controllers/timers";
import { makePage } from "lib/page";

/** @param {...(page: import("lib/page").Page) => void} controllers */
export function startLivePage(...controllers) {
  const page = makePage();
  startMenu(page);
  startConfigBadge(page);
  for (const start of controllers) start(page);
  startConnection(page);
  startTimers(page);
  page.api.session.keep();
  page.socket.start();
}
