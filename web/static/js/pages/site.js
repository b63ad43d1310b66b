import { startLivePage } from "controllers/live-page";
import { startSitePage } from "controllers/site-page";
import { startZoneClocks } from "controllers/zone-clocks";

startLivePage(startSitePage, startZoneClocks);
