/** Changing one's own password. */
import { Problem } from "lib/api";
import { onSubmit } from "lib/form";

/** @param {import("lib/page").Page} page */
export function startPassword({ api, t }) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("password-form"));
  onSubmit(form, async ({ current_password, new_password, repeat_password }) => {
    if (new_password !== repeat_password) {
      throw new Problem({ errors: [{ field: "repeat_password", code: "different", message: t("The two new passwords differ.") }] });
    }
    await api.post("/api/auth/change-password", { current_password, new_password });
    location.assign("/");
  });
}
