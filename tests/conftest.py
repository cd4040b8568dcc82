"""What holds for every test, and a real store that is filled by hand."""

from __future__ import annotations

import functools
import gc
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from sqlalchemy import URL

from liangxin.digests import digest
from liangxin.engine.results import RunResult, run_result
from liangxin.judges import judge_traits
from liangxin.models import model_traits
from liangxin.records import Exchange, Item, Reply, ReplyStatus, Verdict
from liangxin.specs import Benchmark
from liangxin.store import Database, NewRun, RunRecord, Runs, Writer, database, dialogues
from liangxin.store.judgements import AttemptKey
from testbench import postgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"

# A busy machine is no failure, and continuous integration must give one answer for one commit.
# What `make test` tries of an endless number of examples is a third of what `make test-all` tries.
for profile, examples in (("few", 35), ("many", 100)):
    settings.register_profile(
        profile, deadline=None, derandomize=bool(os.environ.get("CI")), max_examples=examples
    )
settings.load_profile("few")

# What is said is compared as it stands in the code, whatever language the machine speaks.
os.environ["LANGUAGE"] = "en"
# pytest-xdist says 80; a pipe has what the command line gives it.
os.environ.pop("COLUMNS", None)

Ask = Callable[[Item, int, int], Reply]
"""(item, turn, trial) -> the reply."""
Rule = Callable[[Item, Exchange], Verdict | None]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long comes first where several processes share the work, so that none ends long after the others."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not (item.get_closest_marker("long") or item.get_closest_marker("slow")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests run in one process, which makes their fixtures once; so do all that need torch, or the docs' site.

    For `--dist loadfile --no-loadscope-reorder`; nothing for other ways.
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    @functools.cache
    def scope(file: str) -> str:
        if file.startswith("tests/docs/"):
            return "docs"
        return "torch" if "tiny_model" in (config.rootpath / file).read_text(encoding="utf-8") else file

    made = LoadFileScheduling(config, log)
    file_of = made._split_scope
    made._split_scope = lambda nodeid: scope(file_of(nodeid))
    return made


def pytest_collection_finish() -> None:
    """Nothing that is loaded by now goes away: to look through it at every collection of garbage costs minutes."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[Any]:
    """Passwords are hashed quickly in tests, a fifth of a second each otherwise; gives the class that sites use."""
    try:
        import argon2
    except ImportError:
        yield None
        return
    real = argon2.PasswordHasher
    quick = functools.partial(real, time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argon2, "PasswordHasher", quick)
        yield real


@pytest.fixture(scope="session", autouse=True)
def stores_begin_as_copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite store is a copy of one that was made from nothing once: making every table takes six times as long."""
    folder = tmp_path_factory.mktemp("new-store")
    made = Database(str(folder / "new.db"))
    made.compact()
    made.close()
    real = database._check_file

    def checked(url: URL, *, create: bool) -> None:
        real(url, create=create)
        if create and url.database and url.database != ":memory:" and not Path(url.database).exists():
            copied = folder / secrets.token_hex(8)
            shutil.copyfile(folder / "new.db", copied)
            # Where a store is already, it stays; two that open one at once find a whole one.
            with suppress(OSError):
                os.link(copied, str(url.database))
            copied.unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_check_file", checked)
        yield


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
            traits=model_traits(model),
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
                    at = AttemptKey(run.key, stored.rank, stored.dialogue.trial, exchange.turn, 1)
                    writer.turn(at, reply)
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
        record = Runs(self.database).add_judge(
            run, identity, spec, subject, manifest or {"kind": "test"}, judge_traits(spec)
        )
        with Writer(self.database) as writer:
            for stored in dialogues(self.database, run):
                for exchange in stored.dialogue.exchanges:
                    for annotator in annotators:
                        verdict = rule(stored.dialogue.item, exchange) if exchange.reply.judgeable else None
                        if verdict is not None:
                            at = AttemptKey(run.key, stored.rank, stored.dialogue.trial, exchange.turn, 1)
                            writer.judgement(at, record.key, annotator, verdict)

    def result(self, run: RunRecord, benchmark: Benchmark) -> RunResult:
        """Counted and scored as the command line does it."""
        return run_result(self.database, run, benchmark, Runs(self.database).judges(run))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    opened = Database(str(tmp_path / "store.db"))
    yield Stage(database=opened)
    opened.close()


@pytest.fixture(scope="module")
def module_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for what a module's tests only look at."""
    opened = Database(str(tmp_path_factory.mktemp("stage") / "store.db"))
    yield Stage(database=opened)
    opened.close()


TinyModel = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """Makes (once for each set of arguments) a tiny Qwen2 model's folder; skips without the extra `hf`."""
    pytest.importorskip("transformers", reason="needs the extra: pip install 'liangxin[hf]'")
    pytest.importorskip("torch", reason="needs the extra: pip install 'liangxin[hf]'")
    from liangxin import benchmarks
    from testbench.tiny_model import make_tiny_model

    made: dict[str, Path] = {}

    def make(**arguments: Any) -> Path:
        key = repr(sorted(arguments.items()))
        if key not in made:
            samples = sorted(Path(benchmarks.__file__).parent.glob("*/sample.jsonl"))
            texts = [line for one in samples for line in one.read_text(encoding="utf-8").splitlines()]
            made[key] = make_tiny_model(tmp_path_factory.mktemp("tiny"), texts, **arguments)
        return made[key]

    return make


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server for this process's tests."""
    if postgres.programs() is None:
        pytest.skip("no PostgreSQL server programs under /usr/lib/postgresql")
    with postgres.postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A fresh, empty database on a real PostgreSQL server."""
    return postgres.fresh(postgres_server, f"test_{secrets.token_hex(6)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def people_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store: SQLite, and a real PostgreSQL."""
    is_file = request.param == "sqlite"
    opened = Database(str(tmp_path / "store.db") if is_file else request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


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


@pytest.fixture(scope="session")
def install() -> Callable[..., Path]:
    """Installs a package of ours into a folder of its own, as pip does; `changes` are made in its pyproject.toml."""

    def installed(source: Path, work: Path, **changes: str) -> Path:
        copied, site = work / "source", work / "site"
        shutil.copytree(source, copied)
        project = copied / "pyproject.toml"
        text = project.read_text(encoding="utf-8")
        for before, after in changes.items():
            assert before in text
            text = text.replace(before, after)
        project.write_text(text, encoding="utf-8")
        words = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
        command = [sys.executable, "-m", "pip", "install", *words, "--target", str(site), str(copied)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return site

    return installed
