import { startLivePage } from "controllers/live-page";
import { startSites } from "controllers/sites";

startLivePage(startSites);
