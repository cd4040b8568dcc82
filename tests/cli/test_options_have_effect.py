"""Accepted means read: every option and argument of every command, varied, changes what can be seen from outside.

What can be seen: exit status, standard output and error, files, the store's runs, judges and counts, the requests that
a model and a judge get. The parser itself says what there is: an option without an entry in `VARIED` fails.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from liangxin.testing.provider import Provider, running
from testbench.command import liangxin
from testbench.every_command import COMMANDS, JUDGE_KEY, SECRET_KEY, furnish

pytest.importorskip("sklearn")

LATENCY = 0.2
"""Seconds that the provider takes where requests under way at once are counted."""
TYPERS_OWN = {("", "install_completion"), ("", "show_completion")}
_TELLS_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d\S*|\d+(\.\d+)?/s|\d+\.\d s|/\S*pytest\S*/|127\.0\.0\.1:\d+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """Two lines that differ in one option alone."""

    base: str
    more: str = ""
    """Added to the line with the option."""
    line: str = ""
    """The whole line with the option, where it does not come as an addition."""
    counts_at_once: bool = False
    """Whether what is seen is how many requests are under way at once."""

    @property
    def other(self) -> str:
        return self.line or f"{self.base} {self.more}"


def plus(base: str, **options: str) -> dict[str, Varied]:
    """Options that are added to one line."""
    return {name: Varied(base=base, more=more) for name, more in options.items()}


RUN = "run own.toml --model openai:m --judge llm:openai:judge --base-url URL --judge-base-url URL --name new"
JUDGE = "judge a --judge llm:openai:judge --judge-base-url URL"
LLM = "--judge llm:openai:judge --judge-base-url URL"
MARKED = "run own.toml --data marked.jsonl --model openai:m --judge none --base-url URL --name new"
VALIDATE = f"validate a {LLM} --gold labels:safety-a.jsonl"
DECIDE = "decide a --measure safe_rate --at-least 50 --judge labels:safety-a.jsonl"
COMPARE = "compare a b --judge labels:safety-a.jsonl --judge labels:safety-b.jsonl"
SAMPLE = "sample a --for-labels 3 --judge rule"
TRAIN = "scorer train --labels uneven.jsonl --output scorers/mine"
JUDGED = "plan --sensitivity 90 --specificity 80 --rate 70 --items 1000"
EVALUATE = "scorer evaluate --labels pairs.jsonl"


def judging(base: str, broken: str) -> dict[str, Varied]:
    """The options of an LLM judge.

    Args:
        broken: a line of the same command on the run that the judge's provider breaks on.
    """
    return {
        "connections": Varied(base=base, more="--connections 1", counts_at_once=True),
        "timeout": Varied(base=f"{broken} --retries 0", more="--timeout 0.3"),
        "retries": Varied(base=f"{broken} --retries 0", line=f"{broken} --retries 1"),
        **plus(
            base,
            judge_api_key_env=f"--judge-api-key-env {JUDGE_KEY}",
            judge_temperature="--judge-temperature 0.3",
            judge_max_tokens="--judge-max-tokens 99",
        ),
        "judge_base_url": Varied(
            base=base, line=base.replace("--judge-base-url URL", "--retries 0 --judge-base-url DEAD")
        ),
    }


ENTRIES: Mapping[str, Mapping[str, Varied]] = {
    "": {
        "version": Varied(base="", line="--version"),
        "lang": Varied(base="runs", line="--lang zh runs"),
    },
    "run": {
        "benchmarks": Varied(
            base=f"{RUN} --limit 2", line=f"{RUN} --limit 2".replace("own.toml", "cvalues-safety")
        ),
        "model": Varied(base=RUN, line=RUN.replace("openai:m", "openai:n")),
        "connections": Varied(base=RUN, more="--connections 1", counts_at_once=True),
        "timeout": Varied(base=f"{MARKED} --retries 0", more="--timeout 0.3"),
        "retries": Varied(base=f"{MARKED} --retries 0", line=f"{MARKED} --retries 1"),
        "base_url": Varied(base=RUN, line=RUN.replace("--base-url URL", "--retries 0 --base-url DEAD")),
        "judge_base_url": Varied(
            base=RUN, line=RUN.replace("--judge-base-url URL", "--retries 0 --judge-base-url DEAD")
        ),
        "choose_by": Varied(
            base="run cvalues-choice --limit 2 --model openai:m --base-url URL", more="--choose-by label"
        ),
        **plus(
            RUN,
            judge="--judge rule",
            data="--data two.jsonl",
            limit="--limit 3",
            seed="--seed 7",
            trials="--trials 2",
            api_key_env=f"--api-key-env {SECRET_KEY}",
            temperature="--temperature 0.7",
            max_tokens="--max-tokens 99",
            system="--system 你好",
            judge_api_key_env=f"--judge-api-key-env {JUDGE_KEY}",
            judge_temperature="--judge-temperature 0.3",
            judge_max_tokens="--judge-max-tokens 99",
            refusal="--refusal",
            store="--store other.db",
            name="--name another",
            output="--format json",
        ),
    },
    "judge": {
        "run": Varied(base=JUDGE, line=JUDGE.replace("judge a", "judge b", 1)),
        "judges": Varied(base=JUDGE, more="--judge scorer"),
        **judging(JUDGE, JUDGE.replace("judge a", "judge marked", 1)),
        **plus(JUDGE, refusal="--refusal", store="--store portable.db", output="--format json"),
    },
    "scores": {
        "run": Varied(base="scores a", line="scores b"),
        **plus("scores a", judge="--judge rule", store="--store missing.db", output="--format csv"),
    },
    "report": {
        "names": Varied(base="report a --output page.html", line="report a b --output page.html"),
        "output": Varied(base="report a --output page.html", line="report a --output other.html"),
        "store": Varied(base="report a --output page.html", more="--store missing.db"),
    },
    "runs": plus("runs", store="--store portable.db", output="--format json"),
    "export": {
        "run": Varied(base="export a --output rows.jsonl", line="export b --output rows.jsonl"),
        "output": Varied(base="export a --output rows.jsonl", line="export a --output rows.csv"),
        "store": Varied(base="export a --output rows.jsonl", more="--store missing.db"),
    },
    "validate": {
        "run": Varied(base=VALIDATE, line=VALIDATE.replace("validate a", "validate b")),
        "judges": Varied(base=VALIDATE, more="--judge scorer"),
        "gold": Varied(base=VALIDATE, line=VALIDATE.replace("safety-a", "safety-few")),
        "benchmark": Varied(
            base="validate --judge scorer --gold labels:pairs.jsonl --benchmark own.toml",
            line="validate --judge scorer --gold labels:pairs.jsonl --benchmark cvalues-safety",
        ),
        "limit": Varied(base="validate a --judge rule --probe repeat", more="--limit 2"),
        **judging(VALIDATE, f"validate marked {LLM} --gold labels:safety-marked.jsonl"),
        **plus(
            VALIDATE,
            probe="--probe injection",
            refusal="--refusal",
            store="--store missing.db",
            output="--format json",
        ),
    },
    "decide": {
        "run": Varied(
            base=DECIDE, line=DECIDE.replace("decide a", "decide b").replace("safety-a", "safety-b")
        ),
        "measure": Varied(
            base="decide a --measure refusal_rate --at-least 50",
            line="decide a --measure safe_rate --at-least 50",
        ),
        "at_least": Varied(base=DECIDE, line=DECIDE.replace("50", "99")),
        "at_most": Varied(base=DECIDE, line=DECIDE.replace("--at-least 50", "--at-most 50")),
        "judge": Varied(
            base="decide a --measure refusal_rate --at-least 10 --judge rule",
            line="decide a --measure refusal_rate --at-least 10 --judge labels:safety-a.jsonl",
        ),
        "judge_trusted": Varied(
            base="decide a --measure refusal_rate --at-least 10 --judge rule", more="--judge-trusted"
        ),
        "corrected": Varied(
            base="decide a --measure refusal_rate --at-least 10 --judge rule", more="--corrected"
        ),
        **plus(
            DECIDE,
            group="--group 家",
            confidence="--confidence 60",
            sequential="--sequential",
            store="--store missing.db",
            output="--format json",
        ),
    },
    "compare": {
        "first": Varied(base="compare a b --judge rule", line="compare b b --judge rule"),
        "second": Varied(base="compare a b --judge rule", line="compare a a --judge rule"),
        "judge": Varied(base=COMPARE, line="compare a b --judge rule"),
        "mid_p": Varied(base="compare a b --judge rule", more="--mid-p"),
        **plus(COMPARE, store="--store missing.db", output="--format json"),
    },
    "leaderboard": {
        "benchmark": Varied(base="leaderboard own.toml", line="leaderboard flames"),
        **plus(
            "leaderboard own.toml",
            judge="--judge rule",
            samples="--samples",
            store="--store missing.db",
            output="--format json",
        ),
    },
    "sample": {
        "run": Varied(base=SAMPLE, line=SAMPLE.replace("sample a", "sample b")),
        "labels": Varied(base=SAMPLE, line=SAMPLE.replace("3", "4")),
        "judge": Varied(
            base="sample a --for-labels 3 --judge rule",
            line="sample a --for-labels 3 --judge labels:safety-a.jsonl",
        ),
        **plus(
            SAMPLE,
            output_file="--output sheet.csv",
            seed="--seed 5",
            simple_random="--simple-random",
            store="--store missing.db",
        ),
    },
    "plan": {
        "at_least": Varied(base="plan --at-least 90 --rate 95", line="plan --at-least 91 --rate 95"),
        "margin": Varied(base="plan --margin 5", line="plan --margin 3"),
        "difference": Varied(base="plan --difference 5 --rate 60", line="plan --difference 4 --rate 60"),
        "rate": Varied(base="plan --margin 5", more="--rate 90"),
        "discordant": Varied(
            base="plan --difference 5 --discordant 20", line="plan --difference 5 --discordant 30"
        ),
        "sensitivity": Varied(
            base=f"{JUDGED} --labels 100", line=f"{JUDGED} --labels 100".replace("90", "95")
        ),
        "specificity": Varied(
            base=f"{JUDGED} --labels 100", line=f"{JUDGED} --labels 100".replace("80", "85")
        ),
        "items": Varied(base=f"{JUDGED} --labels 100", line=f"{JUDGED} --labels 100".replace("1000", "2000")),
        "labels": Varied(base=f"{JUDGED} --labels 100", line=f"{JUDGED} --labels 200"),
        "confidence": Varied(base="plan --margin 5", more="--confidence 80"),
        "power": Varied(base="plan --at-least 90 --rate 95", more="--power 95"),
        "output": Varied(base="plan --margin 5", more="--format json"),
    },
    "models": {},
    "judges": {},
    "benchmarks": plus("benchmarks", name="own.toml")
    | {"language": Varied(base="benchmarks own.toml", more="--lang zh")},
    "check": {
        "name": Varied(base="check own.toml", line="check flames --data own.jsonl"),
        "data": Varied(base="check own.toml", more="--data two.jsonl"),
    },
    "import": {
        "file": Varied(
            base="import portable.db --store other.db", line="import liangxin.db --store other.db"
        ),
        "store": Varied(base="import portable.db", more="--store other.db"),
    },
    "scorer train": {
        "output": Varied(base=TRAIN, line=TRAIN.replace("mine", "yours")),
        "labels": Varied(base=TRAIN, line=TRAIN.replace("uneven", "levels")),
        "runs": Varied(base=TRAIN, line="scorer train --from a --output scorers/mine"),
        "store": Varied(base="scorer train --from a --output scorers/mine", more="--store missing.db"),
        **plus(
            TRAIN,
            backbone="--backbone hf:nowhere",
            heads="--heads *=safe,unsafe",
            by="--split model",
            seed="--seed 3",
            abstain="--abstain 0.05",
            balanced="--balanced",
            epochs="--epochs 2",
            resume="--resume",
        ),
    },
    "scorer evaluate": {
        "scorer": Varied(base=EVALUATE, line=EVALUATE.replace("evaluate", "evaluate nowhere")),
        "labels": Varied(base=EVALUATE, line=EVALUATE.replace("pairs", "uneven")),
        "run": Varied(base="scorer evaluate", more="--run a"),
        "store": Varied(base="scorer evaluate --run a", more="--store missing.db"),
        "output": Varied(base=EVALUATE, more="--format json"),
    },
    "scorer show": {"scorer": Varied(base="scorer show", more="nowhere")},
}
"""By command: each parameter, and a line with it beside one without."""
VARIED = {(command, name): one for command, entries in ENTRIES.items() for name, one in entries.items()}
KNOWN = {(command, one.name) for command, parsed in COMMANDS.items() for one in parsed.params} - TYPERS_OWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is seen from outside of one command."""

    status: int
    out: str
    err: str
    files: Mapping[str, str]
    store: Mapping[str, object]
    requests: tuple[str, ...]
    at_once: int = 0


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("furnished")
    furnish(place)
    given = (place / "safety-a.jsonl").read_text(encoding="utf-8").splitlines()
    (place / "safety-marked.jsonl").write_text("\n".join(given[:2]), encoding="utf-8")
    (place / "safety-few.jsonl").write_text("\n".join(given[:5]), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    served = Provider()
    served.slow = 1.0
    with running(served):
        yield served


@pytest.fixture(scope="module")
def look(
    furnished: Path, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, bool], Seen]:
    """What is seen of a line in a copy of the furnished folder."""
    found: dict[tuple[str, bool], Seen] = {}

    def look(line: str, counts_at_once: bool = False) -> Seen:
        key = (line, counts_at_once)
        if key not in found:
            found[key] = _look(
                Path(shutil.copytree(furnished, tmp_path_factory.mktemp("look") / "work")), provider, *key
            )
        return found[key]

    return look


def _look(folder: Path, provider: Provider, line: str, counts_at_once: bool) -> Seen:
    before = {path: path.read_bytes() for path in _files(folder)}
    kept = {key: one for key, one in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))}
    keys = {SECRET_KEY: "key-of-the-model", JUDGE_KEY: "key-of-the-judge"}
    provider.requests.clear()
    provider._latency = LATENCY if counts_at_once else 0.0
    words = [
        word.replace("URL", provider.base_url).replace("DEAD", "http://127.0.0.1:9/v1")
        for word in line.split()
    ]
    done = liangxin(folder, *words, environment=kept | keys)
    assert "Traceback" not in done.stderr, done.stderr
    came = sorted(one.at for one in provider.requests)
    seen = Seen(
        status=done.returncode,
        out=_TELLS_TIME.sub("", done.stdout),
        err=_TELLS_TIME.sub("", "\n".join(sorted(done.stderr.splitlines()))),
        files={
            str(path.relative_to(folder)): _content(path)
            for path in _files(folder)
            if before.get(path) != path.read_bytes()
        },
        store={path.name: _held(path) for path in sorted(folder.glob("*.db"))},
        requests=tuple(sorted(f"{one.authorization} {dict(one.payload)}" for one in provider.requests)),
        at_once=sum(at < came[0] + LATENCY * 0.9 for at in came) if came else 0,
    )
    if counts_at_once:
        return Seen(
            status=seen.status, out="", err="", files={}, store={}, requests=(), at_once=min(seen.at_once, 2)
        )
    return replace(seen, at_once=0)


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    )


def _content(path: Path) -> str:
    if path.suffix == ".db":
        return "a store"
    return _TELLS_TIME.sub("", path.read_bytes().decode("utf-8", "replace"))


def _held(path: Path) -> dict[str, object]:
    """A store's runs and judges, and how many rows each of its tables has."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
        ]
        counts = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}
        runs = connection.execute("SELECT id, name, units, trials FROM runs ORDER BY id").fetchall()
        judges = connection.execute("SELECT run, identity FROM judges ORDER BY run, identity").fetchall()
    return {"counts": counts, "runs": runs, "judges": judges}


def test_every_parameter_of_every_command_has_an_entry() -> None:
    """A new one is varied in `ENTRIES`; those of `serve` are held in their own test."""
    served = {one for one in KNOWN if one[0] == "serve"}
    assert set(VARIED) == KNOWN - served


@pytest.mark.parametrize(("command", "name"), [pytest.param(*one, id=" ".join(one)) for one in VARIED])
def test_a_parameter_changes_what_is_seen(command: str, name: str, look: Callable[..., Seen]) -> None:
    varied = VARIED[command, name]
    base, other = look(varied.base, varied.counts_at_once), look(varied.other, varied.counts_at_once)
    assert base != other, f"{command} --{name} changes nothing: {varied.other}"


@pytest.mark.parametrize(
    "line",
    [
        "benchmarks --lang zh",
        f"{VALIDATE} --limit 2",
        f"{VALIDATE} --benchmark own.toml",
        f"{TRAIN} --from a",
        f"{TRAIN} --epochs 2",
        f"{TRAIN} --resume",
        "scorer train --from a --output scorers/mine --heads safety",
        f"{EVALUATE} --run a",
        "plan --margin 5 --power 90",
        "plan --margin 5 --items 100",
        "plan --margin 5 --at-least 90",
        "plan --margin 5 --discordant 20",
        "plan --at-least 90 --rate 95 --labels 100",
        "plan --difference 5 --discordant 20 --rate 60",
        f"{JUDGED} --labels 100 --margin 5",
        f"{JUDGED} --labels 100 --power 90",
        f"{DECIDE} --at-most 90",
        "decide a --measure safe_rate --at-least 50 --corrected --judge-trusted",
    ],
)
def test_what_would_not_be_read_beside_another_option_is_refused(
    line: str, look: Callable[..., Seen]
) -> None:
    seen = look(line)
    assert (seen.status, seen.out) == (2, "")
    assert seen.err.startswith("liangxin: ")


@pytest.mark.long
@pytest.mark.parametrize("line", sorted({one.base for one in VARIED.values()}))
def test_a_line_twice_is_seen_alike(
    line: str, furnished: Path, provider: Provider, tmp_path: Path, look: Callable[..., Seen]
) -> None:
    """Else the test above could pass by chance."""
    assert _look(Path(shutil.copytree(furnished, tmp_path / "work")), provider, line, False) == look(line)
