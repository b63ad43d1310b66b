import { startCopies, startOpening, startSearch } from "controllers/reference";
import { makePage } from "lib/page";

const page = makePage();
startCopies(page);
startOpening();
startSearch(page);
