"""Three places on one machine: network namespaces for the central and two sites, and a VPN between them.

    host --- central --- vpn (one bridge a site) --- paris
                                                \\-- lyon

A site is cut off in the middle: both ends keep their interfaces and addresses and hear nothing more, as over a VPN
that fails. Everything has a random name and goes with ``close``, processes first.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass

SITES = ("paris", "lyon")
NEEDS = "This test makes network namespaces: it needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN) and the package iproute2"


@dataclass(frozen=True, slots=True)
class Place:
    """One namespace; ``inside`` begins the command line of a process that is to run there."""

    name: str

    @property
    def inside(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)


class ThreePlaces:
    """``central``, ``paris`` and ``lyon``, each reaching the central only."""

    def __init__(self) -> None:
        self._id = f"c{secrets.token_hex(2)}"
        self._net = _free_net()
        self.central = Place(f"{self._id}-central")
        self.sites = {site: Place(f"{self._id}-{site}") for site in SITES}
        self._vpn = Place(f"{self._id}-vpn")
        self.central_address = f"{self._net}.0.1"
        self.host_address = f"{self._net}.9.2"
        """Where this very process reaches the central's namespace."""

    def gateway_address(self, site: str) -> str:
        return f"{self._net}.{self._number(site)}.2"

    def phone_address(self, site: str) -> str:
        return f"{self._net}.{self._number(site)}.3"

    def subnet(self, site: str) -> str:
        return f"{self._net}.{self._number(site)}.0/24"

    def open(self) -> None:
        """Make them. Raises AssertionError that says what is missing."""
        assert shutil.which("ip"), f"{NEEDS}. There is no `ip`."
        for place in (self.central, self._vpn, *self.sites.values()):
            _ip("netns", "add", place.name)
            _ip("-n", place.name, "link", "set", "lo", "up")
        _ip("-n", self.central.name, "address", "add", f"{self.central_address}/32", "dev", "lo")
        for site in SITES:
            self._connect(site)
        here, there = f"{self._id}h", f"{self._id}c"
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.central.name)
        _ip("address", "add", f"{self._net}.9.1/30", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", self.central.name, "address", "add", f"{self.host_address}/30", "dev", there)
        _ip("-n", self.central.name, "link", "set", there, "up")

    def close(self) -> None:
        """End what runs in them and remove them; never fails half-way."""
        for place in (*self.sites.values(), self.central, self._vpn):
            listed = subprocess.run(
                ["ip", "netns", "pids", place.name], capture_output=True, text=True, check=False
            )
            for pid in listed.stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", place.name], capture_output=True, check=False)

    def cut(self, site: str) -> None:
        """The VPN to a site fails."""
        _ip("-n", self._vpn.name, "link", "set", f"{site}-c", "down")

    def restore(self, site: str) -> None:
        """It is back."""
        _ip("-n", self._vpn.name, "link", "set", f"{site}-c", "up")

    def _connect(self, site: str) -> None:
        place, net, vpn = self.sites[site].name, f"{self._net}.{self._number(site)}", self._vpn.name
        _ip("-n", vpn, "link", "add", site, "type", "bridge")
        _ip("-n", vpn, "link", "set", site, "up")
        for end, name in ((self.central.name, f"{site}-c"), (place, f"{site}-s")):
            _ip("-n", vpn, "link", "add", name, "type", "veth", "peer", "name", site, "netns", end)
            _ip("-n", vpn, "link", "set", name, "master", site, "up")
            _ip("-n", end, "link", "set", site, "up")
        _ip("-n", self.central.name, "address", "add", f"{net}.1/24", "dev", site)
        # Sound too comes from the address that the signalling names.
        _ip(
            "-n",
            self.central.name,
            "route",
            "replace",
            f"{net}.0/24",
            "dev",
            site,
            "src",
            self.central_address,
        )
        for host in (2, 3):
            _ip("-n", place, "address", "add", f"{net}.{host}/24", "dev", site)
        _ip("-n", place, "route", "add", "default", "via", f"{net}.1")

    def _number(self, site: str) -> int:
        return SITES.index(site) + 1


def _free_net() -> str:
    """The beginning of addresses that this machine does not have; a killed run may have left some."""
    shown = subprocess.run(["ip", "-4", "address"], capture_output=True, text=True, check=False).stdout
    free = [net for net in (f"10.{number}" for number in range(100, 200)) if f" {net}." not in shown]
    assert free, (
        "Addresses 10.100 to 10.199 are all this machine's: remove what killed tests have left (ip link)"
    )
    return secrets.choice(free)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{NEEDS}. `ip {' '.join(arguments)}` says: {done.stderr.strip()}"
