"""Settings from the environment."""

import pytest
from ccserver.settings import SettingsError, read_settings


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port, settings.role) == ("127.0.0.1", 1128, "all")
    assert (settings.log_format, settings.log_level, settings.trusted_proxies) == ("text", "INFO", ())
    assert settings.is_loopback


def test_what_is_set_is_read() -> None:
    settings = read_settings(
        {
            "CCSERVER_PORT": "8080",
            "CCSERVER_ROLE": "web",
            "TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "PUBLIC_URL": "https://calls.example.org",
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "json",
        }
    )
    assert (settings.port, settings.role, settings.log_level) == (8080, "web", "DEBUG")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.public_url == "https://calls.example.org"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CCSERVER_PORT", "many"),
        ("CCSERVER_PORT", "65536"),
        ("CCSERVER_ROLE", "boss"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("PUBLIC_URL", "calls.example.org"),
        ("PUBLIC_URL", "ftp://calls.example.org"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "LOUD"),
        ("SESSION_EXPIRE_HOURS", "0"),
        ("SESSION_OUTAGE_MINUTES", "1441"),
        ("SIP_SERVER", "sip:pbx.example.org"),
        ("SIP_SERVER", "pbx.example.org:5060"),
        ("SIP_SERVER", "10.0.0.300"),
        ("SIP_SERVER", "-pbx"),
        ("SIP_PORT", "0"),
        ("SIP_TRANSPORT", "ws"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value})


@pytest.mark.parametrize(
    ("env", "loopback"),
    [
        ({"CCSERVER_HOST": "localhost"}, True),
        ({"CCSERVER_HOST": "::1"}, True),
        ({"CCSERVER_HOST": "0.0.0.0"}, False),
        ({"CCSERVER_HOST": ""}, False),
        ({"PUBLIC_URL": "https://calls.example.org"}, False),
        ({"TRUSTED_PROXIES": "127.0.0.1"}, False),
    ],
)
def test_what_only_this_machine_can_reach(env: dict[str, str], loopback: bool) -> None:
    assert read_settings(env).is_loopback is loopback


def test_secrets_are_not_shown() -> None:
    names = (
        "DATABASE_URL",
        "REDIS_URL",
        "JWT_SECRET",
        "SECRETS_KEY",
        "BOOTSTRAP_PASSWORD",
        "AMI_SECRET",
        "ARI_SECRET",
    )
    settings = read_settings({name: f"hidden-{name}" for name in names})
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("host", ["pbx.example.org", "pbx", "10.0.0.9", "2001:db8::1", "10-0-0-9.example"])
def test_where_phones_register(host: str) -> None:
    settings = read_settings({"SIP_SERVER": host, "SIP_PORT": "5070", "SIP_TRANSPORT": "tls"})
    assert (settings.sip_server, settings.sip_port, settings.sip_transport) == (host, 5070, "tls")
    assert (read_settings({}).sip_server, read_settings({}).sip_port) == ("", 0)
