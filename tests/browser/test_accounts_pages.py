"""Login, password change, users: forms that say what is wrong where it is wrong, secrets shown once."""

from playwright.async_api import expect

from tests.browser import scenes
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.witness import forgotten, toasted


def problem(status: int, code: str, detail: str, *errors: tuple[str, str]) -> tuple[int, dict[str, object]]:
    fields = [{"field": field, "code": "x", "message": message} for field, message in errors]
    return status, {"status": status, "code": code, "detail": detail, "errors": fields}


async def test_login_by_keyboard_goes_where_it_was_going(open_page: OpenPage, harness: Harness) -> None:
    user = {"must_change_password": False}
    harness.answers[("POST", "/api/auth/login")] = (
        200,
        {"access_token": "x", "expires_in": 900, "user": user},
    )
    page = await open_page("/login?next=/calls")
    await expect(page.locator("#login")).to_be_focused()
    await page.keyboard.type("camille")
    await page.keyboard.press("Tab")
    await page.keyboard.type("secret")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{harness.url}/calls")
    assert harness.requests[0][2] == {"login": "camille", "password": "secret"}


async def test_login_never_leaves_the_site(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", "/api/auth/login")] = (200, {"user": {"must_change_password": False}})
    for bad in ("//evil.example/x", "https://evil.example", "/\\evil.example"):
        page = await open_page(f"/login?next={bad}")
        await page.locator("#login").fill("a")
        await page.locator("#password").fill("b")
        await page.locator("#password").press("Enter")
        await page.wait_for_url("**/board")
        await page.close()


async def test_login_refused(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", "/api/auth/login")] = problem(401, "wrong_credentials", "Incorrect.")
    page = await open_page("/login")
    await page.locator("#login").fill("a")
    await page.locator("#password").fill("b")
    await page.locator("#password").press("Enter")
    await expect(page.locator("[data-form-error]")).to_have_text("Incorrect.")


async def test_first_login_must_change_the_password(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", "/api/auth/login")] = (200, {"user": {"must_change_password": True}})
    page = await open_page("/login?next=/calls")
    await page.locator("#login").fill("admin")
    await page.locator("#password").fill("admin")
    await page.locator("#password").press("Enter")
    await page.wait_for_url("**/password")
    harness.answers[("POST", "/api/auth/change-password")] = problem(
        422, "invalid", "", ("new_password", "12 caractères au moins.")
    )
    await page.locator("#current_password").fill("admin")
    await page.locator("#new_password").fill("court")
    await page.locator("#repeat_password").fill("autre")
    await page.locator("#repeat_password").press("Enter")
    await expect(page.locator("#repeat_password-error")).to_have_text(
        "Les deux nouveaux mots de passe diffèrent."
    )
    await page.locator("#repeat_password").fill("court")
    await page.locator("#repeat_password").press("Enter")
    await expect(page.locator("#new_password-error")).to_have_text("12 caractères au moins.")
    await expect(page.locator("#new_password")).to_be_focused()
    harness.answers[("POST", "/api/auth/change-password")] = (204, None)
    await page.locator("#repeat_password").press("Enter")
    await page.wait_for_url("**/board")


async def test_an_expired_session_is_refreshed_once_and_silently(
    open_page: OpenPage, harness: Harness
) -> None:
    harness.answers[("GET", "/api/users")] = problem(401, "session_expired", "Expirée.")
    harness.answers[("POST", "/api/auth/refresh")] = problem(401, "session_ended", "Terminée.")
    page = await open_page("/users")
    await page.wait_for_url("**/login?reason=session_expired*")
    assert [path for _, path, _ in harness.requests].count("/api/auth/refresh") <= 2


async def test_a_user_is_created_and_its_secrets_shown_once(open_page: OpenPage, harness: Harness) -> None:
    made = scenes.users()[3]
    harness.answers[("POST", "/api/users")] = (
        201,
        {"user": made | {"name": "Awa Diallo"}, "password": "Vif-Ruisseau-42", "sip_secret": "s1p"},
    )
    page = await open_page("/users")
    await expect(page.locator("#users > tr")).to_have_count(16)
    await page.get_by_role("button", name="Nouvel utilisateur").click()
    await page.locator("#first_name").fill("Awa")
    await page.locator("#user-login").fill("awa")
    await page.locator("#extension").fill("206")
    await page.locator("#user-form button[type=submit]").click()
    secrets = page.locator("#secret-dialog")
    await expect(secrets).to_contain_text("Vif-Ruisseau-42")
    await expect(secrets).to_contain_text("s1p")
    await page.get_by_role("button", name="C’est copié").click()
    await expect(secrets).to_be_hidden()
    await forgotten(page, "Vif-Ruisseau-42")
    body = next(body for method, path, body in harness.requests if (method, path) == ("POST", "/api/users"))
    assert body["login"] == "awa"
    assert body["role"] == "AGENT"
    assert body["extension"] == "206"
    assert body["site_id"] is None


async def test_a_refused_user_says_which_field(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", "/api/users")] = problem(
        422, "invalid", "", ("login", "Cet identifiant est déjà pris.")
    )
    page = await open_page("/users")
    await page.get_by_role("button", name="Nouvel utilisateur").click()
    await page.locator("#user-login").fill("awa")
    await page.locator("#user-form button[type=submit]").click()
    await expect(page.locator("#user-login-error")).to_have_text("Cet identifiant est déjà pris.")
    await expect(page.locator("#user-login")).to_be_focused()


async def test_the_server_away_is_said(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/users")
    await expect(page.locator("#users > tr")).to_have_count(16)
    await page.get_by_role("button", name="Nouvel utilisateur").click()
    await page.route("**/api/users", lambda route: route.abort())
    await page.locator("#user-form button[type=submit]").click()
    await expect(page.locator("#user-form [data-form-error]")).to_contain_text("Le serveur est injoignable")


async def test_a_supervisor_has_sites_and_a_phone_can_get_a_new_secret(
    open_page: OpenPage, harness: Harness
) -> None:
    chosen = scenes.users()[4]
    harness.answers[("PATCH", f"/api/users/{chosen['id']}")] = (200, {"user": chosen})
    harness.answers[("POST", f"/api/users/{chosen['id']}/reset-phone")] = (
        200,
        {"extension": "205", "sip_secret": "nEw"},
    )
    page = await open_page("/users")
    await page.get_by_role("button", name="Jean-Baptiste Le Goff").click()
    await expect(page.locator("#scope")).to_be_hidden()
    await page.select_option("#role", "SUPERVISOR")
    await page.get_by_label("Lyon").check()
    await page.locator("#user-form button[type=submit]").click()
    await toasted(page, "enregistré")
    sent = next(body for method, _, body in harness.requests if method == "PATCH")
    assert (sent["role"], sent["site_ids"]) == ("SUPERVISOR", [scenes.LYON])
    await page.get_by_role("button", name="Jean-Baptiste Le Goff").click()
    await page.get_by_role("button", name="Nouveau mot de passe SIP").click()
    await expect(page.locator("#secret-dialog")).to_contain_text("nEw")
    await expect(page.locator("#secret-dialog [data-field=password]")).to_be_hidden()
