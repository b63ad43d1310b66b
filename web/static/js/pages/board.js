import { startBoard } from "controllers/board";
import { startLinkChips } from "controllers/link-chips";
import { startLivePage } from "controllers/live-page";
import { startWall } from "controllers/wall";

startLivePage(startBoard, startLinkChips, startWall);
