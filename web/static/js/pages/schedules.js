import { startLivePage } from "controllers/live-page";
import { startScheduleList } from "controllers/schedule-list";
import { startZoneClocks } from "controllers/zone-clocks";

startLivePage(startScheduleList, startZoneClocks);
