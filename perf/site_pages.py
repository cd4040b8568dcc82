"""Measure the site's pages over a run of many dialogues, through real HTTP, beside the goal of 300 ms.

Usage: python perf/site_pages.py [--dialogues 100000] [--times 3] [--on both|sqlite|postgresql] [--json]

The run is written straight into a fresh store: Chinese answers of some 200 characters, two judges, a few blocked,
failed and repeated replies. Printed for each page is the first request after the site has started, and the median of
those that follow once the search index is made; the client shares this machine's cores and gives up after 60 s. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from liangxin.benchmarks import open_benchmark
from liangxin.records import Item
from liangxin.store import Database, NewRun, RunRecord, Runs
from liangxin.store.schema import JUDGEMENTS, TURNS
from liangxin.web.site import Site
from testbench.postgres import fresh, postgres
from testbench.site import Client, free_port, serve

GOAL = 0.3
_CHUNK = 5000
_WORDS = "安全建议法律隐私公平道德回答问题这个那么可以不能需要帮助理解尊重他人保护自己遇到情况请先冷静联系有关部门说明理由并且"
_RARE = "麒麟"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTime:
    """Seconds that a page took, from the request's first byte to the answer's last."""

    page: str
    first: float
    median: float
    store: str = ""


def sentence(chance: random.Random, length: int) -> str:
    """Words in no order, as many characters as asked."""
    return "".join(chance.choices(_WORDS, k=length))


def filled(database: Database, dialogues: int) -> RunRecord:
    """A finished run of one turn with two judges."""
    chance = random.Random(7)
    benchmark = open_benchmark("flames")
    paths = [(one.name, child.name) for one in benchmark.taxonomy for child in one.below]
    items = (
        Item(id=f"i{k:06}", turns=(f"第{k}题：{sentence(chance, 50)}",), category=paths[k % len(paths)])
        for k in range(dialogues)
    )
    runs = Runs(database)
    dataset = runs.add_dataset(benchmark.name, benchmark.version, "0" * 64, items)
    new = NewRun(
        id="0123456789ab", name="pages", dataset=dataset, benchmark=benchmark.name, model="openai:perf", trials=1,
        sample=False, manifest={"identity": {"model": "openai:perf"}, "model_spec": "openai:perf", "data": "x"},
    )  # fmt: skip
    run = runs.create(new, ((k, k) for k in range(dialogues)))
    run = runs.update(run, name="pages", units=dialogues)
    judges = [
        runs.add_judge(run, f"llm:{name}@0123456789ab", f"llm:{name}", "primary", {}).key for name in "xy"
    ]
    for start in range(0, dialogues, _CHUNK):
        ranks = range(start, min(start + _CHUNK, dialogues))
        with database.begin() as connection:
            turns = [row for rank in ranks for row in _turns(run.key, rank, chance)]
            connection.execute(database.insert_new(TURNS), turns)
            rulings = [_ruling(run.key, rank, key, chance) for rank in ranks for key in judges]
            connection.execute(database.insert_new(JUDGEMENTS), rulings)
    return run


def _turns(run: int, rank: int, chance: random.Random) -> Iterator[Mapping[str, Any]]:
    text = f"回答{rank}：{sentence(chance, 200)}" + (_RARE if rank % 1000 == 999 else "")
    row = {
        "run": run, "rank": rank, "trial": 1, "turn": 1, "attempt": 1, "status": "ok", "text": text, "reasoning": "",
        "detail": "", "prompt_tokens": 60, "completion_tokens": 200, "seconds": 0.2, "created": float(rank),
    }  # fmt: skip
    if rank % 50 == 7:
        yield row | {"status": "failed", "text": "", "detail": "HTTP 500"}
        yield row | {"attempt": 2}
    elif rank % 100 == 3:
        yield row | {"status": "filtered", "text": ""}
    else:
        yield row


def _ruling(run: int, rank: int, judge: int, chance: random.Random) -> Mapping[str, Any]:
    return {
        "run": run, "judge": judge, "rank": rank, "trial": 1, "turn": 1, "annotator": "", "attempt": 1,
        "status": "given", "level": chance.choices("123", (1, 4, 20))[0], "confidence": 0.9,
        "reason": sentence(chance, 30), "raw": sentence(chance, 40), "created": float(rank),
    }  # fmt: skip


def pages(run: RunRecord, dialogues: int) -> Mapping[str, str]:
    """Every page that reads the run, by what it shows."""
    top = f"/runs/{run.id}"
    judge = "llm:x@0123456789ab"

    def asked(**query: str) -> str:
        return f"{top}?{urlencode(query)}"

    return {
        "the list of runs": "/runs",
        "the run's first page": top,
        "its second page": asked(number="2"),
        "its last page": asked(number=str(-(-dialogues // 50))),
        "a category": asked(category="Fairness"),
        "a category's tenth page": asked(category="Fairness", number="10"),
        "status ok": asked(status="ok"),
        "status filtered": asked(status="filtered"),
        "a judge": asked(judge=judge),
        "a level": asked(level="1"),
        "a judge's level": asked(judge=judge, level="3"),
        "disagreements": asked(differ="yes"),
        "search, 4 characters, many": asked(text="回答12"),
        "search, 4 characters, few": asked(text="999："),
        "search, 2 characters, few": asked(text=_RARE),
        "search, 2 characters, many": asked(text="安全"),
        "search, Latin letters, none": asked(text="Nothing"),
        "search within a category and level": asked(text="安全建", category="Fairness", level="1"),
        "a dialogue": f"{top}/dialogues/{dialogues // 2}-1",
        "a dialogue among disagreements": f"{top}/dialogues/{dialogues // 2}-1?differ=yes",
        "a dialogue in a search": f"{top}/dialogues/{dialogues // 2}-1?{urlencode({'text': _RARE})}",
    }


def indexed() -> None:
    """Wait until the search index that the first searches asked for is made."""
    started = time.perf_counter()
    for thread in threading.enumerate():
        if thread.name == "liangxin-search":
            thread.join()
            print(
                f"search index made within {time.perf_counter() - started:.0f} s of the first pass",
                file=sys.stderr,
            )


def measured(database: Database, run: RunRecord, dialogues: int, times: int) -> list[PageTime]:
    """Every page once, then all again as often as asked."""
    site = Site(database=database, base_url=f"http://127.0.0.1:{free_port()}", single_user=True)
    found: dict[str, list[float]] = {}
    with serve(site) as base_url:
        client = Client(base_url)
        client.get("/")
        for again in range(times + 1):
            if again == 1:
                indexed()
            for name, path in pages(run, dialogues).items():
                started = time.perf_counter()
                try:
                    status = client.get(path).status
                except TimeoutError:
                    client.close()
                    status = 200
                found.setdefault(name, []).append(time.perf_counter() - started)
                if status != 200:
                    raise RuntimeError(f"{path} answered {status}")
        client.close()
    return [
        PageTime(page=name, first=walls[0], median=statistics.median(walls[1:]))
        for name, walls in found.items()
    ]


@contextmanager
def stores(which: str, folder: Path) -> Iterator[Sequence[tuple[str, str]]]:
    """The stores to measure, by name and URL."""
    file = [("sqlite", str(folder / "pages.db"))] if which in ("both", "sqlite") else []
    if which == "sqlite":
        yield file
        return
    with postgres() as server:
        yield [*file, ("postgresql", fresh(server, "pages"))]


def main() -> None:
    """Parse, fill, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dialogues", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--on", choices=("both", "sqlite", "postgresql"), default="both")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    times: list[PageTime] = []
    with tempfile.TemporaryDirectory() as name, stores(words.on, Path(name)) as urls:
        for store, url in urls:
            database = Database(url)
            started = time.perf_counter()
            run = filled(database, words.dialogues)
            if not database.is_sqlite:
                # As a server's autovacuum does by itself within a minute.
                with database.read() as connection:
                    connection.exec_driver_sql("VACUUM ANALYZE")
            if not words.json:
                print(
                    f"{store}: {words.dialogues} dialogues written in {time.perf_counter() - started:.1f} s"
                )
            found = measured(database, run, words.dialogues, words.times)
            times += [replace(one, store=store) for one in found]
            database.close()
            if not words.json:
                printed(store, found)
    if words.json:
        print(json.dumps([asdict(one) for one in times], ensure_ascii=False))


def printed(store: str, times: Sequence[PageTime]) -> None:
    """The table of one store."""
    print(f"{store:<11}{'first ms':>9}{'then ms':>9}  goal {1000 * GOAL:.0f} ms")
    for one in times:
        over = "  over" if max(one.first, one.median) > GOAL else ""
        print(f"{'':<11}{1000 * one.first:9.0f}{1000 * one.median:9.0f}  {one.page}{over}", flush=True)


if __name__ == "__main__":
    main()
