"""The doctor's looks at settings, certificates and the machine: each sees green and red."""

import asyncio
import os
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ccserver.domain.pbx import PbxDirectories, PbxPorts
from ccserver.settings import Settings
from ccserver.stack.backup import CHECKSUM
from ccserver.stack.doctor import machine
from ccserver.stack.doctor.asterisk import _trunk
from ccserver.stack.doctor.certificates import check_asterisk_certificates, check_public_url
from ccserver.stack.doctor.exposure import check_exposure, listening
from ccserver.stack.doctor.finding import Finding, Level, advice, bad, exit_status, good, unknown
from ccserver.stack.doctor.keys import check_secret_file, check_secrets, private_file
from ccserver.stack.doctor.machine import ClockState
from ccserver.stack.doctor.safety import check_backups
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.processes import PidFile, identify
from ccserver.telephony.pbx_layout import PbxLayout
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
SETTINGS = Settings(
    jwt_secret="vM3kq8ZtRw2nXc7LpYs5HdJf9BgTa4Ue",
    secrets_key="Qz6WnEb1KxVy8RmCj3TsGh5LdPf7AuNo",
    ami_secret="f3a91c07be5d42886a17",
    ari_secret="0c5e83b9d7214fa6c1e2",
    public_url="https://calls.example.org",
)


def levels(findings: Iterator[Finding]) -> dict[str, Level]:
    return {finding.name: finding.level for finding in findings}


def test_the_exit_status_tells() -> None:
    fine, hint, red, dark = good("a", ""), advice("b", "", ""), bad("c", "", ""), unknown("d", "")
    assert [exit_status(found) for found in ([fine, hint], [fine, red, dark], [fine, dark])] == [0, 1, 2]


def test_good_secrets_are_green() -> None:
    assert set(levels(check_secrets(SETTINGS)).values()) == {Level.GOOD}


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("JWT_SECRET", {"jwt_secret": ""}),
        ("JWT_SECRET", {"jwt_secret": "short-Xy12"}),
        ("JWT_SECRET", {"jwt_secret": "abababababababababababababababababab"}),
        ("JWT_SECRET", {"jwt_secret": "change-me-change-me-change-me-secret"}),
        ("SECRETS_KEY", {"secrets_key": "0123456789abcdef0123456789abcdef"}),
        ("SECRETS_KEY", {"secrets_key": SETTINGS.jwt_secret}),
        ("SECRETS_KEY", {"secrets_key": SETTINGS.secrets_key + ",short"}),
        ("AMI_SECRET", {"ami_secret": "amp111"}),
        ("AMI_SECRET", {"ami_secret": ""}),
        ("ARI_SECRET", {"ari_secret": "asterisk-asterisk-password"}),
        ("AMI and ARI", {"ari_secret": SETTINGS.ami_secret}),
        ("BOOTSTRAP_PASSWORD", {"bootstrap_password": "admin"}),
        ("CCSERVER_DEVELOPMENT", {"development": True}),
    ],
)
def test_secrets_that_are_none_are_red(name: str, changed: dict[str, object]) -> None:
    findings = list(check_secrets(replace(SETTINGS, **changed)))  # type: ignore[arg-type]
    found = {finding.name: finding for finding in findings}
    assert found[name].level is Level.BAD and found[name].mend
    told = " ".join(finding.detail + finding.mend for finding in findings)
    assert not [
        value for value in changed.values() if isinstance(value, str) and len(value) > 5 and value in told
    ]


def test_a_first_password_of_ones_own_is_green_and_so_is_none_on_loopback() -> None:
    own = levels(check_secrets(replace(SETTINGS, bootstrap_password="Frobnicate-77-gnomes")))
    none = levels(check_secrets(replace(SETTINGS, public_url="")))
    assert (own["BOOTSTRAP_PASSWORD"], none["BOOTSTRAP_PASSWORD"]) == (Level.GOOD, Level.GOOD)


def test_a_secret_file_is_its_owners_only(tmp_path: Path) -> None:
    assert check_secret_file(replace(SETTINGS, data_dir=tmp_path)).level is Level.GOOD
    path = tmp_path / "secrets.json"
    path.touch(mode=0o600)
    assert check_secret_file(replace(SETTINGS, data_dir=tmp_path)).level is Level.GOOD
    path.chmod(0o640)
    assert private_file("x", path).level is Level.BAD
    assert private_file("x", tmp_path / "none").level is Level.UNKNOWN


# ---- certificates


def make_certificate(folder: Path, name: str, *, days: int, host: str = "localhost") -> tuple[Path, Path]:
    """A self-signed certificate, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[dict[str, int]]:
    """TLS servers on loopback: name of the certificate to port."""
    ports, servers = {}, []
    for name, days, host in (
        ("long", 90, "localhost"),
        ("soon", 5, "localhost"),
        ("over", -1, "localhost"),
        ("alien", 90, "other.example"),
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*make_certificate(tmp_path, name, days=days, host=host))
        server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0, ssl=context)
        servers.append(server)
        ports[name] = server.sockets[0].getsockname()[1]
    yield ports
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_what_browsers_are_shown(
    shown: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(name: str, *, trusted: bool = True) -> Finding:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{name if trusted else 'soon'}.pem"))
        port = shown.get(name, 1)
        settings = replace(SETTINGS, public_url=f"https://localhost:{port}")
        return await asyncio.to_thread(check_public_url, settings, NOW)

    assert (await look("long")).level is Level.GOOD
    assert (await look("soon")).level is Level.ADVICE
    for name in ("over", "alien", "nobody"):
        found = await look(name)
        assert found.level is Level.BAD, found
    untrusted = await look("long", trusted=False)
    assert untrusted.level is Level.BAD and "self-signed" in untrusted.detail


def test_without_tls() -> None:
    plain = replace(SETTINGS, public_url="http://calls.example.org")
    assert check_public_url(plain, NOW).level is Level.BAD
    assert check_public_url(replace(SETTINGS, public_url="", host="0.0.0.0"), NOW).level is Level.BAD
    assert check_public_url(replace(SETTINGS, public_url=""), NOW).level is Level.ADVICE


def test_the_certificates_that_asterisk_uses(tmp_path: Path) -> None:
    layout = PbxLayout(
        ports=PbxPorts(),
        directories=PbxDirectories.under(str(tmp_path), modules="/usr/lib/m", data="/usr/share/d"),
    )
    etc = tmp_path / "etc"
    etc.mkdir()
    assert levels(check_asterisk_certificates(layout, NOW)) == {"Asterisk's certificate": Level.GOOD}
    make_certificate(tmp_path, "wss", days=90)
    make_certificate(tmp_path, "sip", days=-3)
    (etc / "http.conf").write_text(f"tlscertfile = {tmp_path}/wss.pem\n; tlscertfile = /commented/out.pem\n")
    (etc / "pjsip.conf").write_text(f"cert_file={tmp_path}/sip.pem\ndtls_cert_file => {tmp_path}/none.pem\n")
    assert levels(check_asterisk_certificates(layout, NOW)) == {
        "Asterisk's certificate wss.pem": Level.GOOD,
        "Asterisk's certificate sip.pem": Level.BAD,
        "Asterisk's certificate": Level.BAD,
    }
    assert levels(check_asterisk_certificates(None, NOW)) == {"Asterisk's certificate": Level.ADVICE}


# ---- the machine


def test_the_clock_is_asked_of_the_kernel() -> None:
    # A container may forbid the question; the answer is then that nobody knows.
    assert machine.check_clock().name == "clock"
    assert machine.judge_clock(ClockState(synchronised=True, error_ms=12.5)).level is Level.GOOD
    assert machine.judge_clock(ClockState(synchronised=False, error_ms=16000)).level is Level.BAD


def test_what_the_kernel_says_of_its_clock_is_plausible() -> None:
    state = machine.read_clock()
    # An unsynchronised kernel says 16 s, its greatest estimate; a synchronised one less.
    assert 0 <= state.error_ms <= 16_000_000 / 1000
    assert state.synchronised is (machine.check_clock().level is Level.GOOD)


def test_open_files(tmp_path: Path) -> None:
    child = subprocess.Popen(["sh", "-c", "ulimit -S -n 300; exec sleep 60"])
    try:
        identity = identify(child.pid)
        assert identity is not None
        deadline = time.monotonic() + 60
        while Path(f"/proc/{child.pid}/comm").read_text() != "sleep\n":
            assert time.monotonic() < deadline
        PidFile(tmp_path / "run/ccserver.pid").write(identity)
        found = machine.check_open_files(replace(SETTINGS, data_dir=tmp_path))
        assert (found.level, found.detail) == (Level.BAD, "300 for the running server")
        subprocess.run(["prlimit", f"--pid={child.pid}", "--nofile=20000:"], check=True)
        assert machine.check_open_files(replace(SETTINGS, data_dir=tmp_path)).level is Level.GOOD
    finally:
        child.kill()
        child.wait()


async def test_the_web_port() -> None:
    async def look(port: int) -> Finding:
        settings = replace(SETTINGS, host="127.0.0.1", port=port)
        return await asyncio.to_thread(machine.check_web_port_is_ours, settings)

    assert (await look(free_tcp_port())).level is Level.GOOD
    answers = iter((b'{"status":"down","node":"n1","parts":{}}', b"<h1>It works!</h1>"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = next(answers)
        writer.write(b"HTTP/1.1 503 x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert (await look(port)).detail == "a ccserver answers there"
        stranger = await look(port)
    assert stranger.level is Level.BAD and f"process {os.getpid()}" in stranger.detail


def test_zones() -> None:
    assert machine.check_zones(["Europe/Paris", "America/Guadeloupe"]).level is Level.GOOD
    found = machine.check_zones(["Europe/Paris", "Europe/Atlantis"])
    assert found.level is Level.BAD and "Atlantis" in found.detail


async def test_who_can_reach_a_port() -> None:
    async def look(*hosts: str) -> tuple[Finding, int]:
        server = await asyncio.start_server(lambda _, w: w.close(), hosts, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            assert await asyncio.to_thread(listening, port)
            return await asyncio.to_thread(check_exposure, "AMI", "127.0.0.1", port, "manager.conf"), port

    assert (await look("127.0.0.1"))[0].level is Level.GOOD
    found, port = await look("0.0.0.0")
    assert (found.level, found.detail) == (Level.BAD, f"port {port} listens on 0.0.0.0")
    assert check_exposure("AMI", "192.0.2.7", 5038, "manager.conf").level is Level.ADVICE


def test_trunks_by_what_asterisk_says() -> None:
    endpoints = {
        "trunk-paris": "online",
        "trunk-lyon": "offline",
        "trunk-ovh": "online",
        "trunk-calm": "unknown",
    }
    registrations = {"trunk-ovh": "Registered"}
    told = {
        slug: _trunk(slug, mode, endpoints, registrations).level
        for slug, mode in (
            ("paris", "peer"),
            ("lyon", "peer"),
            ("nice", "peer"),
            ("calm", "peer"),
            ("ovh", "register"),
        )
    }
    assert told == {
        "paris": Level.GOOD,
        "lyon": Level.BAD,
        "nice": Level.BAD,
        "calm": Level.ADVICE,
        "ovh": Level.GOOD,
    }
    assert _trunk("ovh", "register", endpoints, {"trunk-ovh": "Rejected"}).level is Level.BAD
    assert _trunk("ovh", "register", endpoints, {}).level is Level.BAD


def test_backups(tmp_path: Path) -> None:
    def look() -> list[Level]:
        return [finding.level for finding in check_backups(tmp_path, NOW)]

    def put(hours: int, content: bytes = b"x") -> Path:
        for old in tmp_path.iterdir():
            old.unlink()
        path = tmp_path / f"ccserver-{NOW - timedelta(hours=hours):%Y%m%dT%H%M%SZ}.tar.gz"
        path.write_bytes(content)
        digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        path.with_name(path.name + CHECKSUM).write_text(f"{digest}  {path.name}\n")
        return path

    assert look() == [Level.BAD]
    put(3)
    assert look() == [Level.GOOD, Level.GOOD]
    put(30)
    assert look() == [Level.ADVICE, Level.GOOD]
    put(24 * 9)
    assert look() == [Level.BAD, Level.GOOD]
    put(3, b"y")
    assert look() == [Level.GOOD, Level.BAD]
    path = put(3)
    path.with_name(path.name + CHECKSUM).unlink()
    assert look() == [Level.GOOD, Level.BAD]
