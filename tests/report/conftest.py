"""A real store filled by hand, the page made from it, and a browser that looks at the page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from liangxin.engine.results import RunResult, run_result
from liangxin.records import Exchange, Item, Reply, ReplyStatus, Verdict
from liangxin.specs import Benchmark
from liangxin.store import Database, NewRun, RunRecord, Runs, Writer, dialogues
from liangxin.store.content import digest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

Ask = Callable[[Item, int, int], Reply]
"""(item, turn, trial) -> the reply."""
Rule = Callable[[Item, Exchange], Verdict | None]


@dataclass
class Stage:
    """Runs made by hand in a store of their own."""

    database: Database

    def run(
        self,
        benchmark: Benchmark,
        items: Sequence[Item],
        ask: Ask,
        *,
        model: str = "openai:甲-7B",
        name: str | None = None,
        sample: bool = False,
        trials: int = 1,
        limit: int | None = None,
        manifest: Mapping[str, Any] | None = None,
        data: str = "d" * 64,
    ) -> RunRecord:
        """Store a run in which every planned turn was asked, as the engine would leave it."""
        runs = Runs(self.database)
        dataset = runs.dataset(benchmark.name, benchmark.version, data) or runs.add_dataset(
            benchmark.name, benchmark.version, data, items
        )
        units = list(dict.fromkeys(item.unit for item in items))
        order = sorted((units.index(item.unit), place) for place, item in enumerate(items))
        new = NewRun(
            id=digest([benchmark.name, model, name, trials, data], length=12),
            name=name,
            dataset=dataset,
            benchmark=benchmark.name,
            model=model,
            trials=trials,
            sample=sample,
            manifest=manifest or {"identity": {"model": model}, "model_spec": model, "data": "items.jsonl"},
        )
        run = runs.create(new, order)
        run = runs.update(run, name=name, units=len(units) if limit is None else limit)
        with Writer(self.database) as writer:
            for stored in dialogues(self.database, run):
                ended = False
                for exchange in stored.dialogue.exchanges:
                    if ended:
                        break
                    reply = ask(stored.dialogue.item, exchange.turn, stored.dialogue.trial)
                    place = (run.key, stored.rank, stored.dialogue.trial, exchange.turn, 1)
                    writer.turn(place, reply)
                    ended = reply.status in (ReplyStatus.FILTERED, ReplyStatus.EMPTY, ReplyStatus.FAILED)
        return run

    def judge(
        self,
        run: RunRecord,
        rule: Rule,
        *,
        identity: str = "llm:openai:乙@0123456789ab",
        subject: str = "primary",
        annotators: Sequence[str] = ("",),
        manifest: Mapping[str, object] | None = None,
    ) -> None:
        """Rule on everything that can be ruled on."""
        spec = identity.rpartition("@")[0]
        record = Runs(self.database).add_judge(run, identity, spec, subject, manifest or {"kind": "test"})
        with Writer(self.database) as writer:
            for stored in dialogues(self.database, run):
                for exchange in stored.dialogue.exchanges:
                    for annotator in annotators:
                        verdict = rule(stored.dialogue.item, exchange) if exchange.reply.judgeable else None
                        if verdict is not None:
                            place = (run.key, stored.rank, stored.dialogue.trial, exchange.turn, 1)
                            writer.judgement(place, record.key, annotator, verdict)

    def result(self, run: RunRecord, benchmark: Benchmark) -> RunResult:
        """Counted and scored as the command line does it."""
        return run_result(self.database, run, benchmark, Runs(self.database).judges(run))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    database = Database(str(tmp_path / "store.db"))
    yield Stage(database=database)
    database.close()


@pytest.fixture(scope="module")
def module_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for what a module's tests only look at."""
    database = Database(str(tmp_path_factory.mktemp("stage") / "store.db"))
    yield Stage(database=database)
    database.close()


@dataclass
class Element:
    """An element of a parsed page."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str = "", *, kind: str = "", **attributes: str) -> list[Element]:
        """Every element below with that tag, class and attributes (`data_x` stands for `data-x`)."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            fits = (not tag or child.tag == tag) and (
                not kind or kind in child.attributes.get("class", "").split()
            )
            if fits and wanted.items() <= child.attributes.items():
                found.append(child)
            found += child.all(tag, kind=kind, **attributes)
        return found

    def one(self, tag: str = "", *, kind: str = "", **attributes: str) -> Element:
        """The only such element."""
        found = self.all(tag, kind=kind, **attributes)
        assert len(found) == 1, (tag, kind, attributes, len(found))
        return found[0]

    def _spoken(self, without: str) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif without not in child.attributes.get("class", "").split():
                yield from child._spoken(without)

    @property
    def text(self) -> str:
        """All text below, as it is."""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def said(self, language: str) -> str:
        """The text below that one language (`zh` or `en`) shows, blanks collapsed."""
        other = {"zh": "en", "en": "zh"}[language]
        return " ".join("".join(self._spoken(other)).split())

    @property
    def words(self) -> str:
        """All text below with blanks collapsed."""
        return " ".join(self.text.split())


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element(tag="", attributes={})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(
            Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        )

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Element]:
    """A page as a tree; every element must be closed where it was opened."""

    def parsed(page: str) -> Element:
        builder = _Builder()
        builder.feed(page)
        builder.close()
        assert builder.open == [builder.root]
        return builder.root

    return parsed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, headless and offline; for one module, since its event loop keeps others from running."""
    place = shutil.which("chromium") or CHROMIUM
    if not Path(place).exists():
        pytest.skip("chromium is not installed: `apt-get install chromium` to look at pages in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=place,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield launched
        launched.close()
