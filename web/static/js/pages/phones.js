import { startLivePage } from "controllers/live-page";
import { startPhones } from "controllers/phones";

startLivePage(startPhones);
