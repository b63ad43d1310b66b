"""Proof that an unsafe request of a cookie client came from one of our pages."""

import hashlib
import hmac
from uuid import UUID

HEADER = "X-CSRF-Token"


class Csrf:
    """Tokens bound to a session by HMAC: a token planted in a cookie by somebody else fits no session."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"ccserver csrf\0" + secret.encode()).digest()

    def token(self, session_id: UUID) -> str:
        """The token of a session."""
        return hmac.new(self._key, session_id.bytes, hashlib.sha256).hexdigest()

    def fits(self, session_id: UUID, token: str) -> bool:
        """Whether ``token`` is the session's; in constant time."""
        return hmac.compare_digest(self.token(session_id).encode(), token.encode("utf-8", "replace"))
