import { startConfig } from "controllers/config";
import { startLivePage } from "controllers/live-page";

startLivePage(startConfig);
