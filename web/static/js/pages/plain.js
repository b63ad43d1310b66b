import { startLivePage } from "controllers/live-page";

startLivePage();
