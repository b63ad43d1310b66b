import { startLivePage } from "controllers/live-page";
import { startSystem } from "controllers/system";

startLivePage(startSystem);
