"""Access tokens and CSRF tokens."""

import time
from uuid import uuid4

import jwt
import pytest
from ccserver.domain.errors import Unauthenticated
from ccserver.web.csrf import Csrf
from ccserver.web.tokens import AccessTokens

SECRET = "a secret of more than thirty-two bytes"
TOKENS = AccessTokens(SECRET, 15)


def test_a_token_names_its_session() -> None:
    session = uuid4()
    assert TOKENS.read(TOKENS.sign(session)) == session


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="JWT_SECRET"):
        AccessTokens("short", 15)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sid": None},
        {"sid": "not a uuid"},
        {"sid": 1},
        {"iss": "somebody"},
        {"iss": None},
        {"exp": None},
        {"iat": None},
        {"iat": 2**60},
    ],
)
def test_tokens_that_are_not_quite_ours(claims: dict[str, object]) -> None:
    now = int(time.time())
    whole = {"iss": "ccserver", "sid": str(uuid4()), "iat": now, "exp": now + 60, **claims}
    token = jwt.encode({k: v for k, v in whole.items() if v is not None}, SECRET, algorithm="HS256")
    if claims:
        with pytest.raises(Unauthenticated):
            TOKENS.read(token)
    else:
        TOKENS.read(token)


def test_an_old_token_says_so() -> None:
    token = AccessTokens(SECRET, -1).sign(uuid4())
    with pytest.raises(Unauthenticated) as error:
        TOKENS.read(token)
    assert error.value.code == "session_expired"


def test_other_keys_and_algorithms_are_refused() -> None:
    claims = {"iss": "ccserver", "sid": str(uuid4()), "iat": int(time.time()), "exp": int(time.time()) + 60}
    other = SECRET[::-1]
    for token in (
        jwt.encode(claims, other, algorithm="HS256"),
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, SECRET * 2, algorithm="HS512"),
    ):
        with pytest.raises(Unauthenticated):
            TOKENS.read(token)


def test_a_csrf_token_fits_one_session_and_one_secret() -> None:
    csrf, session = Csrf(SECRET), uuid4()
    token = csrf.token(session)
    assert csrf.fits(session, token)
    assert not csrf.fits(uuid4(), token)
    assert not Csrf(SECRET + "x").fits(session, token)
    assert not csrf.fits(session, "")
    assert not csrf.fits(session, "\u00e9\ud800")
