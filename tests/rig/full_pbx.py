"""A central Asterisk with one of everything that can be configured, on ports of its own."""

import datetime
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from ccserver.domain.pbx import (
    DestinationPbx,
    DidPbx,
    MobilePbx,
    PbxModel,
    PbxNat,
    PbxTls,
    PhonePbx,
    RoutePbx,
    SchedulePbx,
    SitePbx,
    SpecialDayPbx,
    TrunkPbx,
    WeeklyHoursPbx,
    ring,
)
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.ports import free_tcp_port, free_udp_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.rig.asterisk import (
    LYON_DID,
    PARIS_DID,
    PARIS_SECOND_DID,
    TRUNK_KEEP_ALIVE_SECONDS,
    demo_model,
)

BACKUP_ADDRESS = "127.0.0.4"
PROVIDER_ADDRESS = "127.0.0.7"
SECURE_ADDRESS = "127.0.0.8"
STREAM_ADDRESS = "127.0.0.9"
INSIDE, OUTSIDE = "127.0.0.5", "127.0.0.6"
VOICEMAIL_DID = "+33145670003"
CLOSED_DID = "+33145670004"
FORWARDED_DID = "+33145670005"
DESK_DID = "+33478670006"
MOBILE_DID = "+33478670007"
PROVIDER_SECRETS = ("s3cr+t.of=one%!*'()", "other:/@secret~two")


def certificate(folder: Path) -> PbxTls:
    """A certificate of our own for this machine, which is its own authority."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    addresses = [x509.IPAddress(ip_address(text)) for text in ("127.0.0.1", SECURE_ADDRESS)]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, secret))
    return PbxTls(certificate=f"{folder}/cert.pem", key=f"{folder}/key.pem", authority=f"{folder}/cert.pem")


def full_model(binary: AsteriskBinary, home: Path) -> PbxModel:
    """paris: two peers, hours, colleagues, a border; lyon: a provider with two accounts, a desk phone, a mobile;
    remote: no trunk of its own."""
    demo = demo_model(binary, home)
    ports = replace(
        demo.ports,
        sip_tcp=free_tcp_port(),
        sip_tls=free_tcp_port(),
        https=free_tcp_port(),
    )
    paris, lyon = demo.trunks
    provider = TrunkPbx(
        slug="lyon-one",
        site="lyon",
        host=PROVIDER_ADDRESS,
        port=free_udp_port(PROVIDER_ADDRESS),
        mode="register",
        username="0033478670001",
        secret=PROVIDER_SECRETS[0],
        from_domain="provider.example",
        number_format="e164",
        codecs=("alaw",),
        qualify_seconds=0,
    )
    return replace(
        demo,
        ports=ports,
        tls=certificate(home / "tls"),
        nat=PbxNat(external_address="203.0.113.7", local_networks=("127.0.0.0/8", "10.0.0.0/8")),
        sites=_sites(demo),
        trunks=(
            replace(paris, number_format="national", addresses=("127.0.1.0/24", "fd00:1::/64")),
            TrunkPbx(
                slug="paris-backup",
                site="paris",
                host=BACKUP_ADDRESS,
                port=free_udp_port(BACKUP_ADDRESS),
                dial_prefix="9",
                number_format="digits",
                qualify_seconds=TRUNK_KEEP_ALIVE_SECONDS,
            ),
            replace(lyon, number_format="e164"),
            provider,
            replace(provider, slug="lyon-two", username="0033478670002", secret=PROVIDER_SECRETS[1]),
            TrunkPbx(
                slug="over-tls",
                site="lyon",
                host=SECURE_ADDRESS,
                port=free_tcp_port(SECURE_ADDRESS),
                transport="tls",
                qualify_seconds=0,
            ),
            TrunkPbx(
                slug="over-tcp",
                site="lyon",
                host=STREAM_ADDRESS,
                port=free_tcp_port(STREAM_ADDRESS),
                transport="tcp",
                qualify_seconds=0,
                dial_prefix="*1#",
            ),
        ),
        phones=(
            *demo.phones,
            PhonePbx(
                extension="200", secret="secret-of-200", site="paris", display_name="Accueil", kind="physical"
            ),
            PhonePbx(
                extension="300",
                secret="secret-of-300",
                site="remote",
                display_name="Éloïse",
                agent_id="a-300",
            ),
            PhonePbx(extension="400", secret="secret-of-400", site="bordered", agent_id="a-400"),
        ),
        mobiles=(MobilePbx(extension="1009", site="lyon", number="+33612345670"),),
        schedules=_schedules(),
        dids=_dids(),
    )


def _sites(demo: PbxModel) -> tuple[SitePbx, ...]:
    paris, lyon = demo.sites
    return (
        replace(
            paris,
            trunks=("paris", "paris-backup"),
            allowed_prefixes=("+33", "+4420"),
            routes=(RoutePbx(prefix="+4420", trunk="lyon"), RoutePbx(prefix="+336", trunk="paris-backup")),
        ),
        replace(
            lyon,
            trunks=("lyon", "lyon-one", "lyon-two", "over-tls", "over-tcp"),
            codecs=("g722", "alaw"),
            subnets=("127.0.0.1/32", "fd00:2::/64"),
        ),
        SitePbx(id="site-remote", slug="remote", zone="Indian/Reunion", country="RE"),
        SitePbx(id="site-bordered", slug="bordered", subnets=(f"{INSIDE}/32",)),
    )


def _schedules() -> tuple[SchedulePbx, ...]:
    always = tuple(WeeklyHoursPbx(day=day, opens="00:00", closes="24:00") for day in range(1, 8))
    today = datetime.datetime.now(datetime.UTC).date()
    around = [(today + datetime.timedelta(days=step)).isoformat() for step in (-1, 0, 1)]
    return (
        SchedulePbx(id="always", zone="Europe/Paris", hours=always),
        SchedulePbx(
            id="closed-these-days",
            zone="Europe/Paris",
            hours=always,
            special_days=tuple(SpecialDayPbx(date=day) for day in around),
        ),
        SchedulePbx(
            id="office",
            zone="America/Martinique",
            hours=(
                WeeklyHoursPbx(day=1, opens="08:30", closes="12:00"),
                WeeklyHoursPbx(day=1, opens="14:00", closes="18:00"),
                WeeklyHoursPbx(day=6, opens="09:00", closes="24:00"),
            ),
            special_days=(SpecialDayPbx(date="2031-05-01", hours=(("10:00", "11:00"), ("14:00", "15:00"))),),
        ),
    )


def _dids() -> tuple[DidPbx, ...]:
    voicemail = DestinationPbx(target="voicemail")
    return (
        DidPbx(
            number=PARIS_DID, site="paris", label="Standard Paris", opened=ring("1001"), schedule="always"
        ),
        DidPbx(
            number=PARIS_SECOND_DID, site="paris", opened=ring("1002"), closed=voicemail, schedule="office"
        ),
        DidPbx(number=VOICEMAIL_DID, site="paris", label="Répondeur; [x]", opened=voicemail),
        DidPbx(
            number=CLOSED_DID,
            site="paris",
            opened=ring("1001"),
            closed=voicemail,
            schedule="closed-these-days",
        ),
        DidPbx(
            number=FORWARDED_DID,
            site="paris",
            opened=DestinationPbx(target="number", number="+33145671230", site="paris"),
        ),
        DidPbx(number=LYON_DID, site="lyon", opened=ring("1003")),
        DidPbx(number=DESK_DID, site="lyon", opened=DestinationPbx(target="phone", extension="200")),
        DidPbx(
            number=MOBILE_DID,
            site="lyon",
            opened=DestinationPbx(target="number", number="+33612345670", site="lyon"),
        ),
    )
