"""What a password must be."""

import secrets

import pytest
from ccserver.domain.errors import Invalid
from ccserver.domain.passwords import ALPHABET, check_password, generate


@pytest.mark.parametrize("password", ["Correct-Horse-7", "une phrase de passe", "éàü-çœß-ñøå", "x9!kQ2#mZp"])
def test_good_passwords(password: str) -> None:
    check_password(password, "anna")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_short"),
        ("123456789", "password_short"),
        ("x" * 129, "password_long"),
        ("anna.lenoir", "password_is_login"),
        ("ANNA.LENOIR", "password_is_login"),
        ("anna.lenoir2026!", "password_is_login"),
        ("azertyuiop", "password_common"),
        ("AZERTYUIOP", "password_common"),
        ("motdepasse123", "password_common"),
        ("aaaaaaaaaaaa", "password_common"),
        ("ababababab", "password_common"),
        ("\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff11\uff12\uff13", "password_common"),
    ],
)
def test_bad_passwords(password: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        check_password(password, "anna.lenoir")
    assert [(e.field, e.code) for e in error.value.errors] == [("new_password", code)]


def test_generated_passwords_pass_and_differ() -> None:
    made = {generate(14, secrets.choice) for _ in range(50)}
    assert len(made) == 50
    for password in made:
        check_password(password, "anna")
        assert set(password) <= set(ALPHABET)
