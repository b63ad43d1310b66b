"""Whether Asterisk runs with what the database says: nothing waits to be applied, nothing was left out."""

import time
from collections.abc import AsyncIterator

from ccserver.background import Supervisor
from ccserver.domain.errors import Unavailable
from ccserver.live.pbx_plan import PbxPlanner, PlanFailed
from ccserver.settings import Settings
from ccserver.stack.doctor.finding import Finding, advice, bad, good, unknown
from ccserver.storage.pool import Database
from ccserver.telephony.pbx_layout import PbxLayout

NAME = "configuration"
_APPLY = "scripts/apply-asterisk-config.sh, or the page Asterisk configuration"


async def check_configuration(
    settings: Settings, layout: PbxLayout | None, dsn: str | None
) -> AsyncIterator[Finding]:
    """The rendered configuration against the files that Asterisk reads. ``dsn``: None when the database is away."""
    if layout is None:
        yield advice(
            NAME,
            "ccserver does not configure this Asterisk: there is no asterisk/layout.json in the data folder",
            "ccserver asterisk adopt, or keep its configuration true to the pages by hand",
        )
        return
    if dsn is None:
        yield unknown(NAME, "the database was not reached, or its schema is not this version's")
        return
    supervisor = Supervisor()
    database = Database(dsn, supervisor, pool_size=1)
    try:
        await database.start()
        planned = await PbxPlanner(settings, database, layout, time.time).plan()
    except (PlanFailed, Unavailable, OSError) as error:
        yield bad(NAME, f"cannot be made: {error}", "mend that row, or the files' rights")
        return
    finally:
        await database.close()
        await supervisor.close()
    if planned.difference.names:
        names = ", ".join(planned.difference.names[:5])
        yield bad(
            NAME,
            f"{len(planned.changes) or len(planned.difference.names)} changes are not applied ({names})",
            _APPLY,
        )
    else:
        yield good(NAME, "applied: the files are what the database says")
    if planned.left_out:
        yield bad("configuration complete", f"left out: {planned.left_out[0]}", "mend that row on its page")
    else:
        yield good("configuration complete", "no row was left out")
