"""What an administrator of a large installation waits for when looking at the differences of a configuration.

    python -m tests.bench.bench_config [--dids 2000] [--phones 500] [--repeat 5]

From a model to the answer of ``GET /api/config/diff``: every file rendered, compared with what lies in the folder, and
the differences line by line with each secret masked. Three folders: an empty one (the very first
configuration), one with every second number, and one with the first five numbers only.

The baseline is Jinja2 alone: the same templates and the same model, without our check of every value. CPU of one
process, each in turn; the cheapest of the repeats counts, for other work on the machine makes every run dearer.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
from ccserver.domain.pbx import PbxModel
from ccserver.domain.pbx_change import describe, fingerprint
from ccserver.live.pbx_plan import Planned, changes_of, diff_of, rendered
from ccserver.telephony.pbx_install import difference
from ccserver.telephony.render import TEMPLATES, context_of, environment
from rich.console import Console
from rich.table import Table

from tests.bench.config_installation import SECRETS_KEY, installation

BASELINE = "Jinja2 alone"


def planned(model: PbxModel, etc: Path) -> Planned:
    """As ``PbxPlanner`` does it."""
    files = rendered(model)
    differing = difference(etc, None, files)
    objects = describe(model, SECRETS_KEY)
    return Planned(
        model=model,
        files=files,
        fingerprint=fingerprint(files),
        machine="",
        objects=objects,
        left_out=(),
        difference=differing,
        changes=changes_of(None, objects, differing),
    )


def bare(model: PbxModel) -> Callable[[], int]:
    """The same templates by Jinja2 with nothing of ours between."""
    made = environment(TEMPLATES)
    made.finalize = None
    context = context_of(model) | {"boxes_of": lambda _phone: ()}
    names = [path.name for path in TEMPLATES.glob("*.j2") if not path.name.startswith("_")]
    return lambda: sum(len(made.get_template(name).render(context)) for name in names)


def put(etc: Path, model: PbxModel) -> Path:
    """A folder with the files of a model."""
    etc.mkdir()
    for name, text in rendered(model).items():
        (etc / name).write_text(text)
    return etc


def measured(works: dict[str, Callable[[], object]], repeat: int) -> dict[str, float]:
    """Seconds of each, the cheapest of the repeats."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeat):
        for name, work in works.items():
            began = time.process_time()
            work()
            found[name].append(time.process_time() - began)
    return {name: min(all_) for name, all_ in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dids", type=int, default=2000)
    parser.add_argument("--phones", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    console = Console(width=max(100, Console().width))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        model = installation(folder, options.dids, options.phones).model
        every_second = replace(model, dids=model.dids[::2])
        folders = {
            "an empty folder": home / "nothing",
            "every second number": put(home / "half", every_second),
            "the first five numbers": put(home / "few", replace(model, dids=model.dids[:5])),
        }

        def looked(etc: Path) -> int:
            return len(msgspec.json.encode(diff_of(planned(model, etc))))

        works: dict[str, Callable[[], object]] = {
            BASELINE: bare(model),
            "the model": lambda: installation(folder, options.dids, options.phones),
            "rendered": lambda: rendered(model),
        }
        for name, etc in folders.items():
            works[f"rendered and compared with {name}"] = lambda etc=etc: looked(etc)  # type: ignore[misc]
        seconds = measured(works, options.repeat)
    table = Table(title=f"{options.dids} numbers, {options.phones} phones")
    for heading in ("what", "CPU ms", "ratio"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for name, took in seconds.items():
        table.add_row(name, f"{took * 1000:.0f}", f"{took / seconds[BASELINE]:.2f}x")
    console.print(table)


if __name__ == "__main__":
    main()
