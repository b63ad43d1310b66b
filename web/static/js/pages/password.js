import { startMenu } from "controllers/menu";
import { startPassword } from "controllers/password";
import { makePage } from "lib/page";

const page = makePage();
startMenu(page);
startPassword(page);
