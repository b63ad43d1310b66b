"""What a password must be, and the making of new ones."""

import unicodedata
from collections.abc import Callable

from ccserver.domain.errors import FieldError, Invalid

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 128
"""Longer ones only make hashing slow for an attacker to abuse."""

_WORDS = """
    0123456789 1234567890 12345678910 0987654321 9876543210 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc qwertyuiop
    azertyuiop qsdfghjklm azerty1234 azerty12345 azerty123456 qwerty1234 qwerty12345 qwerty123456 abcdefghij
    abcd123456 abc1234567 password12 password123 password1234 password12345 passw0rd123 p@ssw0rd123
    p@ssword123
    motdepasse motdepasse1 motdepasse12 motdepasse123 monmotdepasse motdepasse! bonjour123 bonjour1234
    soleil1234 doudou1234 marseille13 administrateur administrator admin12345 admin123456 administrateur1
    adminadmin welcome123 welcome1234 bienvenue1 bienvenue12 bienvenue123 changeme12 changeme123 changezmoi
    iloveyou12 iloveyou123 letmein123 letmein1234 football12 football123 superman12 basketball callcenter
    callcenter1 callcenter123 centredappels ccserver12 ccserver123 ccserver1234 asterisk12 asterisk123
    superadmin superviseur superviseur1 supervisor supervisor1 utilisateur utilisateur1 1111111111 0000000000
"""
_COMMON = frozenset(_WORDS.split())

ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without l, I, O, 0, 1, i, o: people copy these by hand, and SIP phones accept all of them."""


def check_password(password: str, login: str, *, field: str = "new_password") -> None:
    """Raises Invalid on ``field``: password_short, password_long, password_is_login, password_common."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    known = login.casefold()
    if len(password) < MINIMUM_LENGTH:
        raise Invalid(FieldError(field, "password_short", (("minimum", str(MINIMUM_LENGTH)),)))
    if len(password) > MAXIMUM_LENGTH:
        raise Invalid(FieldError(field, "password_long", (("maximum", str(MAXIMUM_LENGTH)),)))
    if known and (plain == known or plain.replace(known, "").strip("0123456789!.-_ ") == ""):
        raise Invalid(FieldError(field, "password_is_login"))
    if plain in _COMMON or len(set(plain)) < 4:
        raise Invalid(FieldError(field, "password_common"))


def generate(length: int, choose: Callable[[str], str]) -> str:
    """A new password of ``length`` signs, each picked by ``choose`` (secrets.choice)."""
    return "".join(choose(ALPHABET) for _ in range(length))
