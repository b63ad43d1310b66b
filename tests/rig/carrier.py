"""A provider or gateway that only says what it is told to say, and remembers what it was asked.

One UDP socket: it takes registrations (with a digest challenge when it knows accounts), answers every INVITE with one
status, and can call a registered account. Enough SIP for that, and no more.
"""

import asyncio
import hashlib
import re
import uuid
from dataclasses import dataclass, field

from tests.rig.wait import until

REALM = "carrier"


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message: its first line, and its headers by small name (the first of each)."""

    line: str
    headers: dict[str, str]

    @classmethod
    def read(cls, data: bytes) -> "Message":
        first, *rest = data.decode(errors="replace").split("\r\n\r\n", 1)[0].split("\r\n")
        headers: dict[str, str] = {}
        for text in rest:
            name, _, value = text.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        return cls(first, headers)

    @property
    def method(self) -> str:
        return self.line.split(" ", 1)[0]

    @property
    def user(self) -> str:
        """The user part of the request's URI: the number that was dialled."""
        found = re.match(r"\w+ sips?:([^@ ;]*)@", self.line)
        return found.group(1) if found else ""


@dataclass
class Carrier:
    """``status``: the answer to each INVITE, after ``first`` if any. ``accounts``: user name to secret; none: anybody
    may register."""

    address: str
    port: int
    status: str = "503 Service Unavailable"
    first: str = ""
    accounts: dict[str, str] = field(default_factory=dict)
    invites: list[Message] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    contacts: dict[str, str] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    _transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Wire(self), local_addr=(self.address, self.port)
        )

    def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()

    @property
    def dialled(self) -> list[str]:
        """The numbers of the calls that came, each once."""
        return list(dict.fromkeys(message.user for message in self.invites))

    async def called(self, count: int = 1) -> Message:
        """The last of so many calls, once they have come."""
        await until(lambda: len(self.invites) >= count, f"{count} calls at {self.address}")
        return self.invites[-1]

    def call(self, account: str, to: str, central: tuple[str, int]) -> str:
        """An INVITE to the contact that ``account`` registered, for our number ``to``; returns its Call-ID."""
        return self.invite(self.contacts[account], to, central)

    def invite(self, uri: str, to: str, central: tuple[str, int]) -> str:
        """An INVITE without a body to any URI."""
        assert self._transport is not None
        call_id = uuid.uuid4().hex
        here = f"{self.address}:{self.port}"
        text = (
            f"INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{uuid.uuid4().hex}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:+33612345678@{here}>;tag={call_id[:8]}\r\nTo: <sip:{to}@{here}>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <sip:carrier@{here}>\r\nContent-Length: 0\r\n\r\n"
        )
        self.answers[call_id] = []
        self._transport.sendto(text.encode(), central)
        return call_id

    def received(self, data: bytes, sender: tuple[str, int]) -> None:
        """One datagram."""
        message = Message.read(data)
        if message.line.startswith("SIP/2.0"):
            code = int(message.line.split(" ")[1])
            self.answers.setdefault(message.headers["call-id"], []).append(code)
            if code >= 200:
                self._acknowledge(message, sender)
        elif message.method == "INVITE":
            known = {(m.headers["call-id"], m.headers["cseq"]) for m in self.invites}
            if (message.headers["call-id"], message.headers["cseq"]) not in known:
                self.invites.append(message)
            if self.first:
                self._answer(message, self.first, sender)
            self._answer(message, self.status, sender)
        elif message.method == "REGISTER":
            self._register(message, sender)
        elif message.method != "ACK":
            self._answer(message, "200 OK", sender)

    def _acknowledge(self, message: Message, central: tuple[str, int]) -> None:
        assert self._transport is not None
        headers = message.headers
        text = (
            f"ACK sip:{central[0]}:{central[1]} SIP/2.0\r\nVia: {headers['via']}\r\nMax-Forwards: 70\r\n"
            f"From: {headers['from']}\r\nTo: {headers['to']}\r\nCall-ID: {headers['call-id']}\r\n"
            "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
        )
        self._transport.sendto(text.encode(), central)

    def _register(self, message: Message, sender: tuple[str, int]) -> None:
        account = re.search(r"sips?:([^@]+)@", message.headers["to"])
        assert account
        name = account.group(1)
        proof = message.headers.get("authorization")
        if self.accounts and proof is None:
            challenge = (
                f'WWW-Authenticate: Digest realm="{REALM}", nonce="{uuid.uuid4().hex}", algorithm=MD5\r\n'
            )
            self._answer(message, "401 Unauthorized", sender, challenge)
            return
        if self.accounts and not self._proven(name, message, proof or ""):
            self.refused.append(name)
            self._answer(message, "403 Forbidden", sender)
            return
        if message.headers.get("expires") == "0":
            self.contacts.pop(name, None)
            self._answer(message, "200 OK", sender)
            return
        contact = re.search(r"<([^>]+)>", message.headers["contact"])
        assert contact
        self.contacts[name] = contact.group(1)
        self._answer(message, "200 OK", sender, f"Contact: {message.headers['contact']};expires=600\r\n")

    def _proven(self, name: str, message: Message, proof: str) -> bool:
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', proof.removeprefix("Digest ")))

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        ours = md5(f"{said['username']}:{REALM}:{self.accounts.get(name, '')}")
        asked = md5(f"{message.method}:{said['uri']}")
        middle = (
            f"{said['nonce']}:{said['nc']}:{said['cnonce']}:{said['qop']}" if "qop" in said else said["nonce"]
        )
        expected = md5(f"{ours}:{middle}:{asked}")
        return bool(said["username"] == name and said["response"] == expected)

    def _answer(self, message: Message, status: str, to: tuple[str, int], extra: str = "") -> None:
        assert self._transport is not None
        headers = message.headers
        tag = "" if "tag=" in headers["to"] else ";tag=carrier"
        text = (
            f"SIP/2.0 {status}\r\nVia: {headers['via']}\r\nFrom: {headers['from']}\r\nTo: {headers['to']}{tag}\r\n"
            f"Call-ID: {headers['call-id']}\r\nCSeq: {headers['cseq']}\r\n{extra}Content-Length: 0\r\n\r\n"
        )
        self._transport.sendto(text.encode(), to)


class _Wire(asyncio.DatagramProtocol):
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._carrier.received(data, addr)
