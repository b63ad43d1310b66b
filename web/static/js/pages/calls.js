import { startCallList } from "controllers/call-list";
import { startJourney } from "controllers/journey";
import { startLivePage } from "controllers/live-page";

startLivePage((page) => startCallList(page, startJourney(page)));
