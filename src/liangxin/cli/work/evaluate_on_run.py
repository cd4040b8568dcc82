"""`scorer evaluate --run`: what a scorer is worth on a run that people labelled in part."""

from __future__ import annotations

import sys

from liangxin.analysis.learning import Usable, usable
from liangxin.cli.opening import open_store
from liangxin.cli.options import OutputFormat
from liangxin.cli.terminal import put, say_json, tell
from liangxin.cli.work.measure_judges import print_validation
from liangxin.engine.session import Session
from liangxin.engine.stored import benchmark_of
from liangxin.store import Runs

SAID = {
    "yes": "use on this run: may be used; its scores are corrected for its error",
    "no": "use on this run: do not use: it tells too little to be corrected",
    "cannot say": "use on this run: cannot say: too few labels",
}


def evaluate_on_run(scorer: str, name: str, store: str | None, output: OutputFormat) -> None:
    """Let the scorer rule on the run, lay it beside people's labels, and say whether it may be used there."""
    database = open_store(store)
    try:
        run = Runs(database).find(name)
        session = Session(database=database, tell=tell, progress=sys.stderr)
        spec = "scorer" if scorer == "default" else f"scorer:{scorer}"
        found = usable(session, run, benchmark_of(run), spec)
    finally:
        database.close()
    for one in found:
        _print(one, output)


def _print(one: Usable, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        say_json({"use": one.verdict, "strength_low": one.strength, **one.fields()})
        return
    print_validation(one.validation)
    put(SAID[one.verdict])
