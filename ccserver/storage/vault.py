"""Secrets at rest that must be readable (SIP passwords, tokens), encrypted with a key from outside.

Passwords of people are not kept here: they are hashed and nobody can read them back.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MINIMUM_KEY_LENGTH = 32


class VaultError(Exception):
    """The key is unusable, or is not the one that the secret was encrypted with."""


class Vault:
    """Encrypts with the first of the comma-separated keys, decrypts with any: keys can be rotated."""

    def __init__(self, secrets_key: str) -> None:
        keys = [key.strip() for key in secrets_key.split(",") if key.strip()]
        if not keys or any(len(key) < MINIMUM_KEY_LENGTH for key in keys):
            raise VaultError(
                f"SECRETS_KEY must be at least {MINIMUM_KEY_LENGTH} characters. "
                'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
            )
        self._fernet = MultiFernet([Fernet(_derive(key)) for key in keys])

    def __repr__(self) -> str:
        return "Vault(***)"

    def seal(self, secret: str) -> bytes:
        """The secret, encrypted; different each time."""
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret in clear. Raises VaultError when no key fits."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise VaultError(
                "A stored secret cannot be decrypted: SECRETS_KEY is not the one it was made with"
            ) from None


def _derive(key: str) -> bytes:
    # Any long random string is accepted as a key, so that people need not know Fernet's format.
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ccserver vault 1").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
