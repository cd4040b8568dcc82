"""The command line speaks Chinese or English; the two forms that scripts read are English everywhere, JSON is the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from liangxin.cli.layout import width_of
from testbench.command import Done, liangxin, process
from testbench.every_command import COMMANDS, furnish
from testbench.speech.terminals import in_terminal, speaking

CHINESE = re.compile("[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z][A-Za-z-]*")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language")
    furnish(folder)
    return folder


def said(folder: Path, line: str, language: str = "zh") -> Done:
    return liangxin(folder, *line.split(), environment=speaking(language))


@pytest.mark.parametrize("command", [pytest.param(name, id=name or "root") for name in COMMANDS])
def test_help_is_in_one_language(tmp_path: Path, command: str) -> None:
    chinese, english = (said(tmp_path, f"{command} --help", language).stdout for language in ("zh", "en"))
    assert chinese.startswith("用法：liangxin")
    assert english.startswith("Usage: liangxin")
    assert not CHINESE.search(english.replace("量心", "").replace("拒答", "").replace("回复", ""))
    assert "\n选项：\n" in chinese
    for mark in ("[default", "[required]", "Options", "Show this message"):
        assert mark in english or mark in ("[default", "[required]")
        assert mark not in chinese
    assert max(width_of(line) for line in chinese.splitlines()) <= 80
    options = chinese.partition("\n选项：\n")[2], english.partition("\nOptions:\n")[2]
    assert re.findall(r"^  (--[a-z-]+)", options[0], re.M) == re.findall(r"^  (--[a-z-]+)", options[1], re.M)


@pytest.mark.parametrize(
    ("line", "chinese"),
    [
        ("run", "错误：缺少参数 'BENCHMARK...'。"),
        ("run flames", "错误：缺少选项 '--model'。"),
        ("run flames --model", "错误：选项 '--model' 需要一个值。"),
        ("run flames --model x --reasoning-marks y", "错误：选项 '--reasoning-marks' 需要 2 个值。"),
        ("run flames --model x --limit many", "错误：'--limit' 的值无效：应是整数"),
        ("run flames --model x --limit 0", "错误：'--limit' 的值无效：应不小于 1"),
        ("run flames --model x --trials 1001", "错误：'--trials' 的值无效：应不大于 1000"),
        ("decide a --measure asr --at-least much", "错误：'--at-least' 的值无效：应是数"),
        (
            "scores a --format xml",
            "错误：'--format' 的值无效：'xml' 不在可选值之列：'table', 'json', 'csv'。",
        ),
        ("scores a b", "错误：多出了参数（b）"),
        ("scores a --xyzzy", "错误：没有选项 --xyzzy"),
        ("run flames --modell x", "错误：没有选项 --modell（可能是：--model）"),
        ("score", "错误：没有命令 'score'。是不是 'scores', 'scorer', 'compare'？"),
        ("nothing", "错误：没有命令 'nothing'。"),
        ("scores a --format=json --wait=1", "错误：没有选项 --wait"),
        ("judge a --judge rule --wait=1", "错误：选项 '--wait' 不带值。"),
    ],
)
def test_wrong_usage_is_said_in_chinese(tmp_path: Path, line: str, chinese: str) -> None:
    done = said(tmp_path, line)
    assert done.returncode == 2
    assert done.stdout == ""
    assert chinese in done.stderr.splitlines(), done.stderr
    english = said(tmp_path, line, "en")
    assert english.returncode == 2
    assert not CHINESE.search(english.stderr)


def test_a_language_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    done = said(tmp_path, "--lang fr runs")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2, "错误：'--lang' 的值无效：'fr' 不在可选值之列：'zh', 'en'。",
    )  # fmt: skip


@pytest.mark.parametrize("spelled", ["--lang zh", "--lang=zh"])
def test_the_option_is_above_the_locale(tmp_path: Path, spelled: str) -> None:
    other = "--lang=en" if "=" in spelled else "--lang en"
    assert "没有库" in said(tmp_path, f"{spelled} runs", "en").stderr
    assert "no store at" in said(tmp_path, f"{other} runs", "zh").stderr


@pytest.mark.parametrize(
    ("variables", "chinese"),
    [
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "fr_FR.UTF-8"}, False),
        ({}, False),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, True),
    ],
)
def test_the_locale_says_the_language(tmp_path: Path, variables: dict[str, str], chinese: bool) -> None:
    """In a process of its own, as a shell starts it."""
    kept = {
        name: value
        for name, value in speaking("en").items()
        if name not in ("LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES")
    }
    done = process(tmp_path, "runs", environment={**kept, **variables, "PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 1
    assert bool(CHINESE.search(done.stderr)) == chinese


def test_a_row_of_a_file_is_said_in_the_form_that_scripts_read(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"dimension": "Fairness"}\n', encoding="utf-8")
    line = "check flames --data d.jsonl"
    assert said(tmp_path, line).stderr == said(tmp_path, line, "en").stderr
    assert re.fullmatch(r"liangxin: d\.jsonl:1: \w+: found .*, expected .*\n", said(tmp_path, line).stderr)


def test_a_failure_is_said_in_the_form_that_scripts_read(tmp_path: Path, furnished: Path) -> None:
    for name in ("own.toml", "own.jsonl"):
        (tmp_path / name).write_text((furnished / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "one.jsonl").write_text('{"id": "i0", "response": "好。"}\n', encoding="utf-8")
    line = "run own.toml --model replay:one.jsonl --judge rule"
    chinese, english = (said(tmp_path, f"{line} --seed {at}", at_) for at, at_ in ((1, "zh"), (1, "en")))
    assert (chinese.returncode, english.returncode) == (3, 3)
    forms = [
        [one for one in done.stderr.splitlines() if one.startswith("failed: ")] for done in (chinese, english)
    ]
    assert forms[0] == forms[1]
    assert forms[0][0].endswith(" turn 1: no recorded answer")
    assert "失败 7 个；同一条命令只重试这些" in chinese.stderr


def test_json_is_the_same_in_both(furnished: Path) -> None:
    for line in ("scores a", "runs", "plan --margin 5", "leaderboard own.toml",
                 "compare a b --judge labels:safety-a.jsonl --judge labels:safety-b.jsonl"):  # fmt: skip
        chinese, english = (said(furnished, f"{line} --format json", one) for one in ("zh", "en"))
        assert chinese.returncode == 0, chinese.stderr
        assert chinese.stdout == english.stdout, line


@pytest.mark.parametrize(
    ("line", "chinese", "command"),
    [
        ("decide a --measure safe_rate --at-least 50 --judge rule", "不用这样的等级",
         "liangxin judge a --judge scorer"),
        ("decide a --measure refusal_rate --at-least 50 --judge labels:safety-a.jsonl", "不用这样的等级",
         "liangxin judge a --judge rule"),
        ("scores a --judge scorer", "没有评审 'scorer' 判过运行 a", "liangxin judge a --judge SPEC"),
        ("validate a --judge rule --gold labels:safety-a.jsonl", "不用这种量表", "--judge llm:MODELSPEC"),
    ],
)  # fmt: skip
def test_what_is_not_ruled_on_comes_with_the_command_that_brings_it(
    furnished: Path, line: str, chinese: str, command: str
) -> None:
    done = said(furnished, line)
    assert done.returncode == 1
    assert chinese in done.stderr
    assert command in done.stderr
    assert command in said(furnished, line, "en").stderr


def test_the_command_that_brings_it_does(tmp_path: Path) -> None:
    furnish(tmp_path)
    told = said(tmp_path, "decide a --measure refusal_rate --at-least 50 --judge labels:safety-a.jsonl", "en")
    found = re.search(r"`liangxin (judge a --judge rule)`", told.stderr)
    assert found is not None
    assert said(tmp_path, found[1], "en").returncode == 0
    assert said(tmp_path, "decide a --measure refusal_rate --at-least 50 --judge rule", "en").returncode == 0


def test_progress_is_in_the_language(tmp_path: Path, furnished: Path) -> None:
    for name in ("own.toml", "own.jsonl", "own-a.jsonl"):
        (tmp_path / name).write_text((furnished / name).read_text(encoding="utf-8"), encoding="utf-8")
    shown = in_terminal(
        tmp_path, "run own.toml --model replay:own-a.jsonl --judge rule", language="zh", columns=100
    )
    assert "已问 8/8" in shown
    assert re.search(r"rule@[0-9a-f]{12} 已判 8/8", shown)
    assert "asked" not in shown
