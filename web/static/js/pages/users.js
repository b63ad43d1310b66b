import { startLivePage } from "controllers/live-page";
import { startUsers } from "controllers/users";

startLivePage(startUsers);
