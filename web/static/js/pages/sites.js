import { startLivePage } from "controllers/live-page";
import { startSiteList } from "controllers/site-list";
import { startZoneClocks } from "controllers/zone-clocks";

startLivePage(startSiteList, startZoneClocks);
