"""Measure a save while many people annotate at once against one `liangxin serve`, and check that nothing was lost.

Usage: python perf/annotators.py [--people 50] [--seconds 60] [--pause 2] [--items 6000] [--on both]

Two passes on a store each: at a human pace (a mean pause of `--pause` seconds between reading and saving) and with no
pause at all, which no people reach. Printed are the saves, their percentiles as the browser sees them (the server and
the clients share this machine's cores), and every fault found in the store afterwards: double assignments, lost or
invented verdicts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from liangxin.annotation.projects import Project, Projects, ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.people.accounts import Account, Accounts
from liangxin.records import Item, Reply
from liangxin.store import Database
from liangxin.web.site import Site
from testbench.annotators import CrowdOutcome, Pace, crowd, faults, signed_in
from testbench.desk import stored_run
from testbench.postgres import fresh, postgres
from testbench.site import free_port

ANSWER = "这里是一段回答，说明为什么不能这样做，并给出安全而合适的建议。" * 4
GOAL = 0.2


def prepared(database: Database, items: int, people: int) -> tuple[Project, Sequence[Account]]:
    """A project of three annotators an item, and everybody who works at it."""
    tops = ("Fairness", "Safety", "Morality", "Legality", "Data protection")
    made = [
        Item(id=f"i{number}", turns=(f"第 {number} 个问题？",), category=(tops[number % 5],))
        for number in range(items)
    ]
    run = stored_run(
        database, open_benchmark("flames"), made, lambda _item, _turn: Reply(text=ANSWER), "perf"
    )
    owner = Accounts(database).create("owner-of-perf", "", "owner")
    project = Projects(database).create(ProjectSpec(name="perf", runs=(run.id,), annotators=3), owner)
    accounts = [Accounts(database).create(f"person {number}", "", "annotator") for number in range(people)]
    for account in accounts:
        Projects(database).add_member(project, account.key)
    return project, accounts


@contextmanager
def serving(url: str) -> Iterator[str]:
    """`liangxin serve` as a process of its own; gives its address."""
    port = free_port()
    words = [sys.executable, "-m", "liangxin", "serve", "--team", "--port", str(port), "--store", url]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"{address}/static/site.css", timeout=5):
                    break
            except OSError:
                if process.poll() is not None:
                    raise
                signal.sigtimedwait([], 0.1)
        try:
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def measure(url: str, asked: argparse.Namespace, pause: float) -> tuple[CrowdOutcome, list[str]]:
    """One pass."""
    database = Database(url)
    project, accounts = prepared(database, asked.items, asked.people)
    with serving(url) as address:
        cookie = Site(database=database, base_url=address, single_user=False).cookie
        people = signed_in(database, cookie, accounts)
        outcome = asyncio.run(crowd(address, project.key, people, Pace(seconds=asked.seconds, pause=pause)))
    found = faults(database, project.key, outcome.saved)
    database.close()
    return outcome, found


def show(name: str, outcome: CrowdOutcome, found: Sequence[str], seconds: float) -> None:
    """Say what was seen."""
    spoken = {share: f"{1000 * outcome.percentile(share):.0f} ms" for share in (0.5, 0.95, 0.99)}
    goal = "reached" if outcome.percentile(0.99) < GOAL else "missed"
    print(
        f"{name}: {len(outcome.saved)} saves ({len(outcome.saved) / seconds:.0f}/s), "
        f"median {spoken[0.5]}, 95 % {spoken[0.95]}, 99 % {spoken[0.99]} (goal 200 ms: {goal}); "
        f"{outcome.repeated} sent twice, {len(outcome.refused)} refused, {len(found)} faults"
    )
    for one in [*outcome.refused[:5], *found[:10]]:
        print(f"  {one}")


def main() -> None:
    """Both passes on SQLite, and on PostgreSQL where its server is at hand or named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=2.0)
    parser.add_argument("--items", type=int, default=6000)
    parser.add_argument("--on", choices=("sqlite", "postgresql", "both"), default="both")
    asked = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}; {asked.people} people, {asked.seconds:.0f} s a pass")
    wrong = 0
    passes = ((asked.pause, f"SQLite, mean pause {asked.pause:g} s"), (0.0, "SQLite, no pause"))
    for pause, pace in passes if asked.on != "postgresql" else ():
        with tempfile.TemporaryDirectory(prefix="liangxin-annotators-") as folder:
            outcome, found = measure(str(Path(folder) / "store.db"), asked, pause)
            show(pace, outcome, found, asked.seconds)
            wrong += len(found)
    if asked.on != "sqlite":
        with postgres(durable=True) as server:
            outcome, found = measure(fresh(server, "annotators"), asked, asked.pause)
            show(f"PostgreSQL, mean pause {asked.pause:g} s", outcome, found, asked.seconds)
            wrong += len(found)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
