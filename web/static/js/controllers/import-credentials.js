/** Passwords of what an import made: a table and a file, once; then they are gone from the page. */
import { makeCsv } from "lib/csv";
import { download } from "lib/download";
import { fill } from "lib/render";

const COLUMNS = ["name", "login", "password", "extension", "label", "sip_secret", "secret"];

/** @param {import("lib/page").Page} page @param {HTMLElement} part */
export function makeCredentials({ t, tn, locale }, part) {
  const place = (id) => document.getElementById(id);
  const names = {
    name: t("Name"), login: t("Login"), password: t("Temporary password"), extension: t("Extension"), label: t("Label"),
    sip_secret: t("SIP password"), secret: t("SIP password"),
  };
  /** @type {{header: string[], rows: string[][]}} */
  let table = { header: [], rows: [] };

  const cell = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

  place("import-save").addEventListener("click", () => {
    download(`${t("passwords")}.csv`, makeCsv(table.header, table.rows, locale), "text/csv;charset=utf-8");
  });

  return {
    /** @param {{created: number, credentials: Record<string, any>[]}} answer */
    show({ created, credentials }) {
      const columns = COLUMNS.filter((column) => credentials.some((row) => row[column]));
      table = { header: columns.map((column) => names[column]), rows: credentials.map((row) => columns.map((column) => String(row[column] ?? ""))) };
      fill(part, { title: tn("%(n)s made.", "%(n)s made.", created) });
      place("import-columns").replaceChildren(...table.header.map((name) => Object.assign(cell("th", name), { scope: "col" })));
      place("import-credentials").replaceChildren(...table.rows.map((row) => {
        const line = document.createElement("tr");
        line.append(...row.map((text) => Object.assign(cell("td", text), { className: "nowrap" })));
        return line;
      }));
    },
    wipe() {
      table = { header: [], rows: [] };
      for (const id of ["import-columns", "import-credentials"]) place(id).replaceChildren();
    },
  };
}
