"""The certificate that `up` makes: private, renewed in time, never in the place of the operator's own."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ccserver.stack.self_signed import LIFE_DAYS, keep_certificate
from cryptography import x509
from cryptography.hazmat.primitives import serialization

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def test_it_is_made_once_and_its_key_is_private(tmp_path: Path) -> None:
    tls = keep_certificate(tmp_path / "tls", NOW)
    first = Path(tls.certificate).read_bytes()
    made = x509.load_pem_x509_certificate(first)
    key = serialization.load_pem_private_key(Path(tls.key).read_bytes(), None)
    assert key.public_key() == made.public_key()
    assert stat.S_IMODE(Path(tls.key).stat().st_mode) == 0o600
    keep_certificate(tmp_path / "tls", NOW + timedelta(days=300))
    assert Path(tls.certificate).read_bytes() == first


def test_it_is_renewed_before_it_ends(tmp_path: Path) -> None:
    tls = keep_certificate(tmp_path, NOW)
    first = Path(tls.certificate).read_bytes()
    keep_certificate(tmp_path, NOW + timedelta(days=LIFE_DAYS - 10))
    assert Path(tls.certificate).read_bytes() != first


def test_the_operators_own_stays(tmp_path: Path) -> None:
    (tmp_path / "certificate.pem").write_text("a chain of his own")
    (tmp_path / "key.pem").write_text("a key of his own")
    keep_certificate(tmp_path, NOW)
    assert (tmp_path / "certificate.pem").read_text() == "a chain of his own"
