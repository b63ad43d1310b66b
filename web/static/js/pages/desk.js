import { startCurrentCall } from "controllers/current-call";
import { startDial } from "controllers/dial";
import { startLivePage } from "controllers/live-page";
import { startMyState } from "controllers/my-state";
import { startRecent } from "controllers/recent";

startLivePage(startMyState, (page) => startCurrentCall(page, startDial(page)), startRecent);
