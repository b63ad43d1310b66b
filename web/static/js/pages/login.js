import { resume, startLogin } from "controllers/login";
import { makePage } from "lib/page";

const page = makePage();
startLogin(page);
void resume(page);
