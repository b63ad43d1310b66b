"""One call under way, driven with the commands that our own server uses, in its order (ccserver/live/control.py)."""

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final
from uuid import UUID

from ccserver.domain.ids import uuid7
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.softphone import INCOMING, Softphone

from tests.rig.asterisk import Central
from tests.rig.capture import Listener
from tests.rig.homes import new_home, remove_home
from tests.rig.sipp import SippProcess

ANSWERS: Final = "0612345670"
CUSTOMER_RING_SECONDS: Final = 3


class Stage:
    """One call under way: the Asterisk, what listens to it, the agent's phone."""

    def __init__(self, central: Central, gateway: GatewayProcess, listener: Listener, number: int) -> None:
        self.central = central
        self.gateway = gateway
        self.listener = listener
        self.heard = listener.recording
        self.call_id: UUID = uuid7(int(time.time() * 1000), number.to_bytes(10, "big"))
        self.agent = f"cc-{self.call_id}-agent"
        self.customer = f"cc-{self.call_id}-customer"
        self.bridge = f"cc-{self.call_id}"
        self.stack = AsyncExitStack()

    async def phone(self, extension: str = "1001") -> Softphone:
        host, port = self.central.sip
        home = new_home()
        made = Softphone(
            home,
            extension=extension,
            secret=self.central.phone_secret(extension),
            server=host,
            server_port=port,
        )
        self.stack.callback(remove_home, home)
        self.stack.push_async_callback(made.stop)
        await made.start()
        await self.heard.quiet()  # the registration is not part of the call
        self.heard.lines.clear()
        return made

    async def sipp(self, scenario: str, **options: object) -> SippProcess:
        home = new_home()
        made = SippProcess(self.central, scenario, home / "run", **options)  # type: ignore[arg-type]
        self.stack.callback(remove_home, home)
        self.stack.push_async_callback(made.stop)
        await made.start()
        return made

    def variables(self, role: str) -> Mapping[str, Mapping[str, str]]:
        return {"variables": {"CC_CALL": str(self.call_id), "CC_ROLE": role}}

    async def ring_agent(
        self, extension: str = "1001", *, shows: str, originator: str = "", seconds: int = 30
    ) -> int:
        more = {"originator": originator} if originator else {}
        status, _ = await self.listener.rest(
            "POST",
            "/channels",
            self.variables("agent"),
            endpoint=f"PJSIP/{extension}",
            app="ccserver",
            appArgs=f"agent,{self.call_id}",
            channelId=self.agent,
            callerId=shows,
            timeout=seconds,
            **more,
        )
        return status

    async def dial_customer(
        self, number: str, trunk: str = "paris", seconds: int = CUSTOMER_RING_SECONDS
    ) -> int:
        """Create the customer's leg, wait until it is in the application (a dial before that is a 409), dial."""
        rest = self.listener.rest
        await rest("POST", f"/channels/{self.agent}/ring")
        variables = dict(self.variables("customer")["variables"])
        # An outgoing channel shows its connected line as the caller; naming the agent's channel as the dial's
        # "caller" would overwrite it, and the customer would be shown his own number.
        variables["CONNECTEDLINE(num)"] = self.central.model.caller_id("paris")
        status, _ = await rest(
            "POST",
            "/channels/create",
            {"variables": variables},
            endpoint=f"PJSIP/{number}@trunk-{trunk}",
            app="ccserver",
            appArgs=f"customer,{self.call_id}",
            channelId=self.customer,
            originator=self.agent,
        )
        if status >= 300:
            return status
        await self.heard.event("StasisStart", self.customer)
        status, _ = await rest("POST", f"/channels/{self.customer}/dial", timeout=seconds)
        return status

    async def join(self, first: str, second: str) -> None:
        rest = self.listener.rest
        await rest("POST", "/bridges", type="mixing", bridgeId=self.bridge, name=self.bridge)
        await rest("POST", f"/bridges/{self.bridge}/addChannel", channel=f"{first},{second}")

    async def hang_up(self, channel: str) -> None:
        await self.listener.rest("DELETE", f"/channels/{channel}", reason_code=16)

    async def destroy_bridge(self) -> None:
        await self.listener.rest("DELETE", f"/bridges/{self.bridge}")

    async def lyon_is_known_down(self) -> bool:
        lines = (await self.central.process.rx("pjsip show contacts")).splitlines()
        return any("trunk-lyon/" in line and " Unavail " in line for line in lines)

    async def agent_picks_up(self, number: str) -> Softphone:
        """Click to call, up to the moment when the agent has answered."""
        phone = await self.phone()
        await self.ring_agent(shows=number)
        await phone.event(INCOMING)
        await phone.answer()
        await self.heard.event("StasisStart", self.agent)
        return phone

    async def talking(self, number: str = ANSWERS) -> Softphone:
        """Click to call, up to both parties in one bridge."""
        phone = await self.agent_picks_up(number)
        await self.dial_customer(number)
        await self.heard.event("ChannelStateChange", self.customer, state="Up")
        await self.listener.rest("DELETE", f"/channels/{self.agent}/ring")
        await self.join(self.agent, self.customer)
        await self.heard.event("ChannelEnteredBridge", self.customer)
        return phone

    async def customer_is_gone(self) -> None:
        """The customer's leg ended by itself: let the agent go and clean up."""
        await self.heard.event("ChannelDestroyed", self.customer)
        await self.hang_up(self.agent)

    async def caller_arrives(self) -> str:
        """An inbound call is in the application: its channel id. The caller hears ringing."""
        started = await self.heard.event("StasisStart")
        channel: str = started["channel"]["id"]
        await self.listener.rest("POST", f"/channels/{channel}/ring")
        return channel
