"""A package that is really installed brings a kind of model, a judge and a benchmark."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import liangxin
from liangxin.benchmarks import BENCHMARKS, open_benchmark, sample_path
from liangxin.engine.identity import identity_fields, manifest, run_id
from liangxin.errors import JudgeError, PluginError, UnknownName, UsageError
from liangxin.judges import JUDGES, JudgeContext, judge_traits, open_judges
from liangxin.measures import FORMULAS
from liangxin.measures.formulas import PASSING, formula_packages
from liangxin.models import MODELS, model_package, model_traits, open_model
from liangxin.models.kinds import SCRIPTED
from liangxin.registry import Registry, checked
from liangxin.specs import Endpoint, RunSpec
from liangxin.store import Database, Runs
from liangxin.traits import ModelTraits

Install = Callable[..., Path]
PLUGIN = Path(__file__).parent / "plugin"
BROUGHT = "liangxin-plugin 0.3.0"
OWN = """
name = "own"
version = "1"
kind = "open"
title = { zh = "自己的", en = "Own" }
[data]
file = "own.jsonl"
[fields]
question = "question"
[scale]
name = "kindness"
levels = [
  { name = "unkind", points = 0, zh = "不善", en = "unkind" },
  { name = "kind", points = 1, zh = "友善", en = "kind" },
]
passing = ["kind"]
[rubric]
ours = true
source = { zh = "测试", en = "test" }
text = "友善就是 kind。"
[[measures]]
name = "warmth"
value = "halved"
title = { zh = "温度", en = "Warmth" }
[card]
overview = "测试"
task = "测试"
data = "测试"
scoring = "测试"
limits = "测试"
citation = "测试"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, install: Install) -> Path:
    return install(PLUGIN, tmp_path_factory.mktemp("plugin"))


def call(folder: Path, site: Path | None, *words: str, status: int = 0) -> tuple[str, str]:
    """What a command prints on standard output and error, in a process that finds the package, or not."""
    paths = [str(Path(liangxin.__file__).parents[1]), *([] if site is None else [str(site)])]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIANGXIN_")}
    done = subprocess.run(
        [sys.executable, "-m", "liangxin", *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def on_the_path(site: Path, patch: pytest.MonkeyPatch) -> None:
    """As installed beside Liangxin in this process."""
    for name in [name for name in sys.modules if name.split(".")[0] == "liangxin_plugin"]:
        patch.delitem(sys.modules, name)
    patch.syspath_prepend(str(site))


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    on_the_path(site, monkeypatch)
    yield site
    for name in [name for name in sys.modules if name.split(".")[0] == "liangxin_plugin"]:
        del sys.modules[name]


BROKEN: Mapping[str, tuple[str, ...]] = {
    "models": (
        "model 'absent' of the package liangxin-plugin cannot be used: ModuleNotFoundError: ",
        "model 'number' of the package liangxin-plugin cannot be used: TypeError: it is a int, expected a ModelKind",
        "model 'openai' of the package liangxin-plugin cannot be used: the name is built in",
        "model 'other' of the package liangxin-plugin cannot be used: ValueError: it calls itself 'parrot'",
        "model 'two:parts' of the package liangxin-plugin cannot be used: a name has small letters",
        "model 'ends' of the package liangxin-plugin cannot be used: SystemExit: 9",
    ),
    "judges": ("judge 'none' of the package liangxin-plugin cannot be used: the name is reserved",),
    "benchmarks": (
        "benchmark 'cvalues' of the package liangxin-plugin cannot be used: the name is reserved",
        "benchmark 'bare' of the package liangxin-plugin cannot be used: FileNotFoundError: its sample ",
    ),
}
USABLE = {
    "models": (f"parrot:WORD              says the word and the question  [{BROUGHT}]", "hollow:NAME"),
    "judges": (f"brevity[:NAME]           a judge of the package liangxin-plugin  [{BROUGHT}]", "hollow"),
    "benchmarks": (f"small-talk               Small talk  [{BROUGHT}]",),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(BROKEN))
def test_what_a_package_brings_is_listed_and_what_is_broken_is_named(
    kind: str, site: Path, tmp_path: Path
) -> None:
    out, err = call(tmp_path, site, kind)
    without, nothing = call(tmp_path, None, kind)
    assert nothing == ""
    assert set(without.splitlines()) < set(out.splitlines())
    added = [line for line in out.splitlines() if line not in without.splitlines()]
    assert len(added) == len(USABLE[kind])
    for line in USABLE[kind]:
        assert any(one.startswith(line) for one in added)
    assert len(err.splitlines()) == len(BROKEN[kind])
    for sentence in BROKEN[kind]:
        assert any(one.startswith(sentence) for one in err.splitlines()), err


def test_a_run_of_a_package_from_beginning_to_end(site: Path, tmp_path: Path) -> None:
    judges = ("brevity:8", "llm:parrot:乙", "jury:brevity:8,llm:parrot:乙")
    words = [word for judge in judges for word in ("--judge", judge)]
    command = ("run", "small-talk", "--model", "parrot:嘿", "--name", "p", *words, "--format", "json")
    out, err = call(tmp_path, site, *command)
    said = json.loads(out)
    assert (said["benchmark"], said["version"], said["sample"]) == (
        "small-talk",
        "1.1+liangxin-plugin",
        True,
    )
    assert said["replies"] == {"ok": 3}
    found = {
        one["judge"].rpartition("@")[0]: one["value"]
        for one in said["scores"]
        if (one["measure"], one["group"]) == ("harmless_rate", "overall")
    }
    warmth = [one["value"] for one in said["scores"] if one["measure"] == "warmth"]
    assert warmth == [pytest.approx(100 / 3), 50.0, 50.0], "by the package's own formula"
    # 嘿早上好 and 嘿吃了吗 are short; the jury is split on the long one, and says so.
    assert found == {"brevity:8": pytest.approx(200 / 3), "llm:parrot:乙": 100.0, judges[2]: 100.0}
    assert all(re.fullmatch(r".+@[0-9a-f]{12}", one["judge"]) for one in said["judges"])
    assert "asked 3/3" in err
    again, err = call(tmp_path, site, *command)
    assert json.loads(again) == said
    scores, _ = call(tmp_path, site, "scores", "p")
    assert "a scripted model is a fake" in scores
    call(tmp_path, site, "report", "p", "--output", "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "寒暄" in page
    assert "Fake model" in page
    database = Database(str(tmp_path / "liangxin.db"))
    run = Runs(database).find("p")
    assert run.traits == ModelTraits(scripted=True)
    assert run.manifest["identity"]["model_package"] == {"name": "liangxin-plugin", "kind_version": "2"}
    assert run.manifest["versions"]["liangxin-plugin"] == "0.3.0"
    kept = {judge.spec: judge for judge in Runs(database).judges(run)}
    assert {judge.traits.asks for judge in kept.values()} == {(), ("parrot:乙",)}
    assert all(judge.manifest["versions"] == {"liangxin-plugin": "0.3.0"} for judge in kept.values())
    database.close()


def test_without_its_package_a_run_says_what_is_missing(site: Path, tmp_path: Path) -> None:
    call(tmp_path, site, "run", "small-talk", "--model", "parrot:嘿", "--name", "p", "--judge", "brevity:8")
    call(tmp_path, site, "run", "cvalues-safety", "--model", "parrot:嘿", "--name", "q", "--judge", "rule")
    _, err = call(tmp_path, None, "scores", "p", status=2)
    assert "comes with the package liangxin-plugin, which is not installed here" in err
    told, _ = call(tmp_path, None, "scores", "q")
    assert "a scripted model is a fake" in told, "what the model is was stored with the run"


def test_a_broken_one_is_an_error_of_its_own_only(site: Path, tmp_path: Path) -> None:
    _, err = call(tmp_path, site, "run", "flames", "--model", "absent:x", status=1)
    assert err.startswith(
        "liangxin: model 'absent' of the package liangxin-plugin cannot be used: ModuleNotFoundError"
    )
    _, err = call(tmp_path, site, "run", "flames", "--model", "hollow:x", status=1)
    assert "opens something of type object, which lacks an identity" in err
    _, err = call(tmp_path, site, "run", "flames", "--model", "parrot:x", "--judge", "hollow", status=1)
    assert "judge 'hollow' of the package liangxin-plugin opens something of type object" in err
    assert "Traceback" not in err


def test_an_update_of_the_package_asks_nothing_again(site: Path, tmp_path: Path, install: Install) -> None:
    command = (
        "run",
        "small-talk",
        "--model",
        "parrot:嘿",
        "--judge",
        "jury:brevity:8,llm:parrot:乙",
        "--format",
        "json",
    )
    first = json.loads(call(tmp_path, site, *command)[0])
    newer = install(PLUGIN, tmp_path / "newer", **{'"0.3.0"': '"0.4.0"'})
    out, err = call(tmp_path, newer, *command)
    assert json.loads(out) == first
    assert not re.search(r"(asked|judged by \S+) [1-9]", err)
    assert "[liangxin-plugin 0.4.0]" in call(tmp_path, newer, "models")[0]
    other = install(PLUGIN, tmp_path / "other", Liangxin_Plugin="Someone-Else")
    out, err = call(tmp_path, other, *command)
    assert json.loads(out)["run"] != first["run"]
    assert json.loads(out)["judges"] != first["judges"]


def test_two_packages_with_one_name_stop_that_name_only(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: Install
) -> None:
    changes = {"Liangxin_Plugin": "second", "hollow =": "alone =", "small-talk =": "small-chat ="}
    monkeypatch.syspath_prepend(str(install(PLUGIN, tmp_path, **changes)))
    with pytest.raises(PluginError, match="'parrot' is brought by liangxin-plugin and second"):
        MODELS.get("parrot")
    with pytest.raises(PluginError, match="'brevity' is brought by liangxin-plugin and second"):
        open_judges("brevity:3", JudgeContext(benchmark=open_benchmark("flames")))
    assert MODELS.get("alone").name == "alone"
    assert MODELS.get("hollow").name == "hollow"
    assert open_benchmark("small-talk").origin is not None


def test_what_is_built_in_wins_and_a_slip_finds_what_a_package_brings(installed: Path) -> None:
    assert MODELS.get("openai").traits.costs
    assert MODELS.origin("openai") is None
    with pytest.raises(UnknownName, match="Did you mean 'parrot'"):
        open_model("parot:x", Endpoint())
    with pytest.raises(UsageError, match="write parrot:NAME"):
        open_model("parrot", Endpoint())
    with pytest.raises(JudgeError, match="write brevity:N"):
        open_judges("brevity:x", JudgeContext(benchmark=open_benchmark("flames")))


def test_the_packages_name_is_in_the_identity_and_its_version_is_not(installed: Path) -> None:
    spec = RunSpec(benchmark="small-talk", model="parrot:x")
    benchmark = open_benchmark("small-talk")
    fields = identity_fields(spec, benchmark, "d" * 64, "parrot:x")
    assert fields["benchmark_version"] == "1.1+liangxin-plugin"
    assert fields["model_package"] == {"name": "liangxin-plugin", "kind_version": "2"}
    assert "0.3.0" not in json.dumps(fields)
    assert manifest(spec, fields, None, benchmark)["benchmark_package"] == "liangxin-plugin"
    assert formula_packages(benchmark) == {"liangxin-plugin": "0.3.0"}
    assert formula_packages(open_benchmark("flames")) == {}
    without = {name: value for name, value in fields.items() if name != "model_package"}
    assert run_id(without) != run_id(fields)
    plain = identity_fields(replace(spec, model="openai:x"), open_benchmark("flames"), "d" * 64, "openai:x")
    assert not [name for name in plain if "package" in name]
    (judge,) = open_judges("brevity:3", JudgeContext(benchmark=benchmark))
    assert judge.manifest()["package"] == {"name": "liangxin-plugin", "kind_version": ""}
    assert "0.3.0" not in json.dumps(judge.manifest())
    assert model_package("openai:x") == {}


def test_a_formula_of_a_package_is_found_and_a_broken_one_is_named(installed: Path) -> None:
    assert FORMULAS.get("passing") is PASSING, "what is built in wins"
    with pytest.raises(
        PluginError, match=r"formula 'numeric' of the package liangxin-plugin .* expected a Formula"
    ):
        FORMULAS.get("numeric")
    with pytest.raises(UnknownName, match="Did you mean 'halved'"):
        FORMULAS.get("halfed")


def test_a_declared_benchmark_may_use_it(site: Path, tmp_path: Path) -> None:
    """The registry is read from the declaration's check to the score."""
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "own.jsonl").write_text('{"question": "早上好"}\n', encoding="utf-8")
    out, _ = call(
        tmp_path, site, "run", "own.toml", "--model", "parrot:嘿", "--judge", "brevity:8", "--format", "json"
    )
    assert [one["value"] for one in json.loads(out)["scores"]] == [50.0]
    _, err = call(tmp_path, None, "check", "own.toml", status=1)
    assert "halved" in err


def test_traits_reach_through_a_jury(installed: Path) -> None:
    assert model_traits("parrot:x") == ModelTraits(scripted=True)
    found = judge_traits("jury:brevity:3,llm:parrot:x,llm:openai:y")
    assert (found.asks, found.costs, found.people) == (("parrot:x", "openai:y"), True, False)


def test_its_sample_lies_beside_its_own_module(installed: Path) -> None:
    path = sample_path(open_benchmark("small-talk"))
    assert path == installed / "liangxin_plugin" / "small_talk.jsonl"
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


def test_python_runs_and_lists_it(installed: Path, tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    result = liangxin.run("small-talk", model="parrot:嘿", judge="brevity:8", store=store, progress=False)
    assert result.scores.filter(group="overall")["value"].to_list() == [
        pytest.approx(200 / 3),
        pytest.approx(100 / 3),
    ]
    with pytest.warns(UserWarning, match="cannot be used") as said:
        listed = liangxin.list_models().filter(package=BROUGHT)["spec"].to_list()
    assert sorted(listed) == ["hollow:NAME", "parrot:WORD"]
    assert len(said) == len(BROKEN["models"])
    with pytest.warns(UserWarning, match="cannot be used"):
        assert liangxin.list_benchmarks().filter(package=BROUGHT)["name"].to_list() == ["small-talk"]
    with pytest.warns(UserWarning, match="cannot be used"):
        assert len(liangxin.list_judges().filter(package=BROUGHT)) == 2


def test_nothing_looks_for_packages_until_a_name_is_not_built_in() -> None:
    code = (
        "import importlib.metadata as m, sys\n"
        "m.entry_points = lambda **_: sys.exit(7)\n"
        "from liangxin.judges import JUDGES, judge_traits\n"
        "from liangxin.models import MODELS, model_traits\n"
        "from liangxin.measures import FORMULAS\n"
        "from liangxin.benchmarks import BENCHMARKS\n"
        "[registry.get(name) for registry in (JUDGES, MODELS, BENCHMARKS, FORMULAS) for name in registry.names()]\n"
        "judge_traits('jury:rule,llm:openai:x'); model_traits('gguf'); MODELS.origin('openai')\n"
        "sys.argv = ['liangxin', '--help']\n"
        "from liangxin.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "MODELS.find('nothing')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr


def test_a_registry_of_plain_records_needs_its_group_alone(installed: Path) -> None:
    plain: Registry[object] = Registry(
        "model",
        {"scripted": "liangxin.models.kinds:SCRIPTED"},
        see="nowhere",
        entry_points="liangxin.models",
        read=lambda name, thing, _: checked(type(SCRIPTED), name, thing),
    )
    assert plain.get("scripted") is SCRIPTED
    assert [one.name for one in plain.entries() if one.thing is not None] == ["scripted", "parrot"]
    assert plain.find("nothing") is None


def test_the_registries_are_the_contracts() -> None:
    assert MODELS.names()[0] == "openai"
    assert set(JUDGES.names()) == {"choice", "rule", "scorer", "llm", "jury", "labels", "people"}
    assert len(BENCHMARKS.names()) == 5
