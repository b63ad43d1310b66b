"""The shapes of calls that are kept as golden captures: ``python -m tests.rig.shapes [name...]`` records them.

Each shape drives the call with the commands that our own server uses, in its order (ccserver/live/control.py).
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from ccserver.stack.asterisk_root import default_cache, find_asterisk
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.softphone import CLOSED, ESTABLISHED, INCOMING

from tests.rig.asterisk import (
    PARIS_DID,
    Central,
    make_central,
    make_gateway,
)
from tests.rig.capture import Listener, no_channels
from tests.rig.homes import new_home, remove_home
from tests.rig.stage import ANSWERS, Stage
from tests.rig.wait import until

GOLDEN: Final = Path(__file__).parents[1] / "golden"
HANGS_UP, BUSY, NO_ANSWER, REFUSED = (f"061234567{digit}" for digit in (6, 7, 8, 9))


async def outbound_answered_server_hangs_up(stage: Stage) -> None:
    """Agent first, then customer; hung up from the page."""
    phone = await stage.talking()
    await stage.hang_up(stage.customer)
    await stage.hang_up(stage.agent)
    await phone.event(CLOSED)
    await stage.destroy_bridge()


async def outbound_agent_hangs_up(stage: Stage) -> None:
    phone = await stage.talking()
    await phone.hang_up()
    await stage.heard.event("ChannelDestroyed", stage.agent)
    await stage.hang_up(stage.customer)
    await stage.destroy_bridge()


async def outbound_customer_hangs_up(stage: Stage) -> None:
    await stage.talking(HANGS_UP)
    await stage.customer_is_gone()
    await stage.destroy_bridge()


async def outbound_hold_unhold(stage: Stage) -> None:
    """The agent's phone puts the customer on hold and takes him back."""
    phone = await stage.talking()
    await phone.hold()
    await stage.heard.event("ChannelHold")
    await phone.resume()
    await stage.heard.event("ChannelUnhold")
    await stage.hang_up(stage.customer)
    await stage.hang_up(stage.agent)
    await stage.destroy_bridge()


async def outbound_customer_busy(stage: Stage) -> None:
    await stage.agent_picks_up(BUSY)
    await stage.dial_customer(BUSY)
    await stage.customer_is_gone()


async def outbound_customer_no_answer(stage: Stage) -> None:
    await stage.agent_picks_up(NO_ANSWER)
    await stage.dial_customer(NO_ANSWER)
    await stage.customer_is_gone()


async def outbound_network_refuses(stage: Stage) -> None:
    """The gateway says 503."""
    await stage.agent_picks_up(REFUSED)
    await stage.dial_customer(REFUSED)
    await stage.customer_is_gone()


async def outbound_trunk_down(stage: Stage) -> None:
    """Nobody is at the gateway's address; the dial lasts as long as the server's, so that timer B runs out first."""
    await stage.agent_picks_up(ANSWERS)
    assert await stage.dial_customer(ANSWERS, trunk="lyon", seconds=60) < 300
    await stage.customer_is_gone()


async def outbound_trunk_known_down(stage: Stage) -> None:
    """Nobody is at the gateway's address, and the keep-alive has told so already."""
    await stage.agent_picks_up(ANSWERS)
    await stage.central.process.rx("pjsip qualify trunk-lyon")
    await until(stage.lyon_is_known_down, "trunk lyon known to be down")
    assert await stage.dial_customer(ANSWERS, trunk="lyon") == 500
    await stage.hang_up(stage.agent)


async def outbound_cancelled_by_agent(stage: Stage) -> None:
    """The agent puts the phone down while the customer's rings."""
    phone = await stage.agent_picks_up(NO_ANSWER)
    await stage.dial_customer(NO_ANSWER)
    await stage.heard.event("ChannelStateChange", stage.customer, state="Ringing")
    await phone.hang_up()
    await stage.heard.event("ChannelDestroyed", stage.agent)
    await stage.hang_up(stage.customer)


async def outbound_agent_rejects(stage: Stage) -> None:
    phone = await stage.phone()
    await stage.ring_agent(shows=ANSWERS)
    await phone.event(INCOMING)
    await phone.hang_up()
    await stage.heard.event("ChannelDestroyed", stage.agent)


async def outbound_agent_not_registered(stage: Stage) -> None:
    assert await stage.ring_agent("1002", shows=ANSWERS) >= 400


async def outbound_agent_phone_dead(stage: Stage) -> None:
    """Registered a moment ago, then the power went: nobody answers the INVITE."""
    phone = await stage.phone()
    await phone.kill()
    await stage.ring_agent(shows=ANSWERS, seconds=4)
    await stage.heard.event("ChannelDestroyed", stage.agent)


async def inbound_answered_agent_hangs_up(stage: Stage) -> None:
    phone = await stage.phone()
    await stage.sipp("caller", number=PARIS_DID)
    caller = await stage.caller_arrives()
    await stage.ring_agent(shows="+33612345678", originator=caller)
    await phone.event(INCOMING)
    await phone.answer()
    await stage.heard.event("StasisStart", stage.agent)
    await stage.listener.rest("POST", f"/channels/{caller}/answer")
    await stage.listener.rest("POST", f"/channels/{caller}/variable", variable="TIMEOUT(absolute)", value="0")
    await stage.join(caller, stage.agent)
    await phone.event(ESTABLISHED)
    await stage.heard.event("ChannelEnteredBridge", stage.agent)
    await phone.hang_up()
    await stage.heard.event("ChannelDestroyed", stage.agent)
    await stage.hang_up(caller)
    await stage.destroy_bridge()


async def inbound_answered_caller_hangs_up(stage: Stage) -> None:
    phone = await stage.phone()
    await stage.sipp("caller", number=PARIS_DID, talk_ms=700)
    caller = await stage.caller_arrives()
    await stage.ring_agent(shows="+33612345678", originator=caller)
    await phone.event(INCOMING)
    await phone.answer()
    await stage.heard.event("StasisStart", stage.agent)
    await stage.listener.rest("POST", f"/channels/{caller}/answer")
    await stage.join(caller, stage.agent)
    await stage.heard.event("StasisEnd", caller)
    await stage.hang_up(stage.agent)
    await stage.destroy_bridge()


async def inbound_missed(stage: Stage) -> None:
    """The caller gives up while the agent's phone rings."""
    phone = await stage.phone()
    await stage.sipp("caller_gives_up", number=PARIS_DID, patience_ms=700)
    caller = await stage.caller_arrives()
    await stage.ring_agent(shows="+33612345678", originator=caller)
    await phone.event(INCOMING)
    await stage.heard.event("StasisEnd", caller)
    await stage.hang_up(stage.agent)


async def inbound_nobody_there(stage: Stage) -> None:
    """No phone of the number is registered: the caller is told so (486)."""
    await stage.sipp("caller", number=PARIS_DID)
    caller = await stage.caller_arrives()
    await stage.ring_agent("1002", shows="+33612345678", originator=caller)
    await stage.listener.rest("DELETE", f"/channels/{caller}", reason_code=17)


async def internal_keypad_call(stage: Stage) -> None:
    """An agent dials on the phone's own keypad: the call arrives as Stasis(outbound)."""
    phone = await stage.phone()
    await phone.dial(ANSWERS)
    channel = (await stage.heard.event("StasisStart"))["channel"]["id"]
    await stage.listener.rest("POST", f"/channels/{channel}/ring")
    stage.agent = channel
    await stage.dial_customer(ANSWERS)
    await stage.heard.event("ChannelStateChange", stage.customer, state="Up")
    await stage.listener.rest("POST", f"/channels/{channel}/answer")
    await stage.join(channel, stage.customer)
    await phone.event(ESTABLISHED)
    await phone.hang_up()
    await stage.heard.event("StasisEnd", channel)
    await stage.hang_up(stage.customer)
    await stage.destroy_bridge()


SHAPES: Final[Mapping[str, Callable[[Stage], Awaitable[None]]]] = {
    shape.__name__: shape
    for shape in (
        outbound_trunk_down,  # first: before the keep-alive has found out
        outbound_answered_server_hangs_up,
        outbound_agent_hangs_up,
        outbound_customer_hangs_up,
        outbound_hold_unhold,
        outbound_customer_busy,
        outbound_customer_no_answer,
        outbound_network_refuses,
        outbound_trunk_known_down,
        outbound_cancelled_by_agent,
        outbound_agent_rejects,
        outbound_agent_not_registered,
        outbound_agent_phone_dead,
        inbound_answered_agent_hangs_up,
        inbound_answered_caller_hangs_up,
        inbound_missed,
        inbound_nobody_there,
        internal_keypad_call,
    )
}


async def record(name: str, number: int, central: Central, gateway: GatewayProcess) -> None:
    """Drive one shape and write its capture."""
    listener = Listener(central)
    async with listener.listening():
        stage = Stage(central, gateway, listener, number)
        async with stage.stack, asyncio.timeout(60):
            try:
                await SHAPES[name](stage)
            except BaseException:
                for line in listener.recording.lines:
                    print(line["src"], line["raw"][:400].replace("\r\n", " | "))
                raise
            await no_channels(central)
            await listener.recording.quiet()
            listener.recording.write(GOLDEN / f"{name}.jsonl")


async def main(names: list[str]) -> None:
    """Record these shapes, or all."""
    binary = find_asterisk(default_cache())
    assert binary is not None, "no Asterisk here yet: run scripts/up once"
    homes = [new_home(), new_home()]
    central = make_central(binary, homes[0])
    gateway = make_gateway(binary, homes[1], central, "paris")
    try:
        await central.process.start()
        await gateway.start()
        await central.process.rx("pjsip qualify trunk-paris")
        for number, name in enumerate(names or SHAPES, start=1):
            await record(name, number, central, gateway)
            print(f"{name}: {sum(1 for _ in (GOLDEN / f'{name}.jsonl').open())} lines")
    finally:
        await gateway.stop()
        await central.process.stop()
        for home in homes:
            remove_home(home)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
