import { startStyleguide } from "controllers/styleguide";
import { makePage } from "lib/page";

startStyleguide(makePage());
