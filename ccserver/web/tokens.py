"""Access tokens: short-lived JWTs that name a session; what the session may do is looked up, never carried."""

import time
from uuid import UUID

import jwt

from ccserver.domain.errors import Unauthenticated

MINIMUM_SECRET_BYTES = 32
_ALGORITHM = "HS256"
_ISSUER = "ccserver"


class AccessTokens:
    """Signs and reads access tokens (HS256)."""

    def __init__(self, secret: str, minutes: int) -> None:
        if len(secret.encode()) < MINIMUM_SECRET_BYTES:
            raise ValueError(
                f"JWT_SECRET must be at least {MINIMUM_SECRET_BYTES} bytes. "
                'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
            )
        self._secret = secret
        self.seconds = minutes * 60

    def sign(self, session_id: UUID) -> str:
        """A token for the session, valid for ``seconds``."""
        now = int(time.time())
        claims = {"iss": _ISSUER, "sid": str(session_id), "iat": now, "exp": now + self.seconds}
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def read(self, token: str) -> UUID:
        """The session that a valid token names. Raises Unauthenticated (session_expired when it is old)."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                options={"require": ["exp", "iat", "iss", "sid"]},
            )
            return UUID(claims["sid"])
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("session_expired") from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise Unauthenticated from None
