"""Every sentence has its Chinese, every entry its place, and what stands in a hole is handed on as it is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from liangxin.cli.help import about, help_of
from liangxin.languages import in_language, language
from liangxin.languages.catalogue import Catalogue, Wording, entries_of, files, opened
from testbench.every_command import COMMANDS
from testbench.speech.sentences import catalogued, sentences, texts

CHINESE = catalogued("zh")
ENGLISH = catalogued("en")
OWN = {path.stem: entries_of(path) for path in files("zh")}
SAID = {
    known: said for known, said in CHINESE.items() if known not in OWN["help"] and known not in OWN["typer"]
}
OPEN = sorted(known for known in CHINESE if Wording.of(known).holes)


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= one <= "\u9fff" for one in text)


def test_there_are_sentences() -> None:
    assert sum(one.needed for one in sentences()) > 400


def test_every_sentence_has_its_chinese() -> None:
    """Filled in with the help of `python -m testbench.speech.sentences`."""
    assert not [f"{one.place}: {one.text}" for one in sentences() if one.needed and one.text not in CHINESE]


def test_a_sentence_in_both_languages_is_one_of_them_in_english() -> None:
    mixed = {one.text for one in sentences() if one.needed and has_chinese(one.text) and " " in one.text}
    assert not {one for one in mixed if one not in ENGLISH} - {
        "量心 Liangxin: {site_base_url}  (store {database_shown}; Ctrl-C ends)"
    }


def typers_texts() -> str:
    """The source of typer, and pydantic's messages, which it hands on."""
    folder = Path(inspect.getfile(typer)).parent
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))


def placed(known: str, written: set[str]) -> bool:
    """Whether the code says it, at once or as two constants with a colon between."""
    pieces = known.split(": ")
    cut = ((": ".join(pieces[:at]), ": ".join(pieces[at:])) for at in range(1, len(pieces)))
    return known in written or any(before in written and behind in written for before, behind in cut)


def test_every_entry_has_a_place() -> None:
    written = {one.text for one in sentences()} | texts()
    assert not [known for known in SAID if not placed(known, written)]
    helps = {one.help for command in COMMANDS.values() for one in command.params}
    helps |= {" ".join((command.help or "").split()) for command in COMMANDS.values()}
    helps.add("Light judges trained on labels.")
    assert not [known for known in OWN["help"] if known not in helps]
    source = typers_texts()
    lost = [
        known
        for known in OWN["typer"]
        if not all(text.strip(" .'()\n\t") in source for text in Wording.of(known).texts)
        and not known.startswith(("Input should be", "Value error", "Missing ", "Option {option} requires"))
    ]
    assert not lost


@pytest.mark.parametrize("language_", ["zh", "en"])
def test_holes_are_the_same_on_both_sides(language_: str) -> None:
    entries = catalogued(language_)
    differ = [
        known
        for known, said in entries.items()
        if sorted(Wording.of(known).holes) != sorted(Wording.of(said).holes)
    ]
    assert not differ


def test_no_sentence_is_said_in_two_ways() -> None:
    """Whatever its holes are called; else it would be said in neither."""
    said: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    names = [known for path in files("zh") for known in entries_of(path)]
    for known in names:
        said.setdefault(Wording.of(known).texts, set()).add(Wording.of(CHINESE[known]).texts)
    assert not {known for known, ways in said.items() if len(ways) > 1}
    assert len(names) == len(set(names))


def test_chinese_is_chinese() -> None:
    assert not [known for known, said in CHINESE.items() if not has_chinese(said)] or {
        known for known, said in CHINESE.items() if not has_chinese(said)
    } <= {"CSS", "AUC", "Cohen κ"}


def test_help_is_chinese_wherever_it_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    lacking = [name for name, command in COMMANDS.items() if not has_chinese(about(command))]
    lacking += [
        f"{name} {one.name}"
        for name, command in COMMANDS.items()
        for one in command.params
        if one.help and not has_chinese(help_of(one))
    ]
    assert not lacking


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.GBK", "LC_ALL": ""}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LC_ALL": "POSIX"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANGUAGE": "zh_CN:en", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ({"LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_first_that_is_said(environment: Mapping[str, str], expected: str) -> None:
    assert language(environment) == expected


def test_what_is_not_known_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    assert in_language("nobody ever said this") == "nobody ever said this"
    assert in_language("no run 'a.b' in the store s.db. See `liangxin runs`.") == (
        "库 s.db 里没有运行 'a.b'。见 `liangxin runs`。"
    )
    hinted = "no run 'a.b' in the store s.db. Did you mean 'a.c'? See `liangxin runs`."
    assert in_language(hinted) == "库 s.db 里没有运行 'a.b'。是不是 'a.c'？见 `liangxin runs`。"
    monkeypatch.setenv("LANGUAGE", "en")
    assert in_language(hinted) == hinted


def test_a_sentence_within_a_sentence_is_said_too() -> None:
    said = opened("zh").said(
        "run ab12 is being asked already (me@here, process 7, since 2026-01-01 10:00:00); nothing is asked twice: "
        "--wait waits for its end"
    )
    assert said == (
        "运行 ab12 已在提问（me@here, process 7, since 2026-01-01 10:00:00）；什么都不会问两次：--wait 等它结束"
    )


def test_what_a_provider_says_stands_behind_the_sentence() -> None:
    said = opened("zh").said(
        "api.example.org refused access: check the key in KEY or the variable that --api-key-env names (for a judge "
        "LIANGXIN_JUDGE_API_KEY or --judge-api-key-env) (HTTP 401: no (such) key)"
    )
    assert said.startswith("api.example.org 拒绝访问：")
    assert said.endswith(" (HTTP 401: no (such) key)")


def filled(known: str, values: Mapping[str, str]) -> str:
    wording = Wording.of(known)
    parts = [wording.texts[0]]
    for name, text in zip(wording.holes, wording.texts[1:], strict=True):
        parts += [values[name], text]
    return "".join(parts)


HOSTILE = (
    "", " ", ": ", "; ", "\n", "\r\n", "\x1b[2J", "{", "}", "{0}", "{name}", "%s", "\0", "'", "(", ")", ". ", ", ",
    "data.db", "a.b.c", "运行", "failed: x turn 1: y", "f.jsonl:3: id: found 1, expected a text",
)  # fmt: skip


@st.composite
def values(draw: st.DrawFn, deep: int = 1) -> str:
    """What may stand in a hole: plain words, hostile text, a whole other sentence, or a piece of one."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(st.text(max_size=12))
    if kind == 1:
        return "".join(draw(st.lists(st.sampled_from(HOSTILE), max_size=4)))
    if kind == 2 and deep:
        other = draw(st.sampled_from(OPEN))
        return filled(other, {name: draw(values(deep - 1)) for name in Wording.of(other).holes})
    if kind == 3:
        return draw(st.sampled_from(Wording.of(draw(st.sampled_from(OPEN))).texts))
    return draw(st.sampled_from(("flames", "rule@0123456789ab", "17", "./运行/库.db", "openai:qwen-plus")))


@given(st.data())
def test_what_stands_in_a_hole_is_handed_on_as_it_is(data: st.DataObject) -> None:
    """In a hole of a sentence, a sentence of the package is said in Chinese too; all else stands there as it was."""
    known = data.draw(st.sampled_from(OPEN))
    wording, said = Wording.of(known), Wording.of(CHINESE[known])
    holes = {name: data.draw(values()) for name in wording.holes}
    shown = opened("zh").said(filled(known, holes))
    left = shown
    for name, value in holes.items():
        if name in said.told:
            continue
        assert value in shown, (known, holes, shown)
        left = left.replace(value, "", 1)


@given(st.sampled_from(OPEN))
def test_plain_values_are_translated(known: str) -> None:
    wording = Wording.of(known)
    plain = {name: f"value{at}" for at, name in enumerate(wording.holes)}
    assert has_chinese(opened("zh").said(filled(known, plain))), known


def test_a_long_hostile_sentence_costs_little() -> None:
    """Linear, whatever it looks like: a page of what stands between holes."""
    text = "no run " + "in the store . " * 20_000 + " See `liangxin runs`."
    assert opened("zh").said(text) == text


def test_an_entry_that_says_more_wins() -> None:
    found = Catalogue({"{a} failed": "{a}失败", "{a} failed ({b})": "{a}失败（{b}）", "x failed": "某失败"})
    assert found.said("x failed") == "某失败"
    assert found.said("y failed (z)") == "y失败（z）"
