"""The documentation site: builds without a warning, no link is broken, nothing is loaded from elsewhere, all is there."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import typer

import liangxin
from liangxin.api.kinds import judge_list, model_list
from liangxin.benchmarks import BENCHMARKS
from liangxin.cli.app import build

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
LANGUAGES = ("", "en/")
Pages = Mapping[str, Any]
"""conftest's, which tests cannot import."""


def target(page: str, link: str) -> tuple[str, str]:
    """(page, anchor) that an internal link leads to."""
    parts = urlsplit(link)
    if not parts.path:
        return page, unquote(parts.fragment)
    steps: list[str] = page.split("/")[:-1]
    for step in unquote(parts.path).split("/"):
        if step == "..":
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps), unquote(parts.fragment)


def test_every_internal_link_and_anchor_is_there(site: Path, pages: Pages) -> None:
    broken = []
    checked = 0
    for name, page in pages.items():
        if name.endswith("404.html"):
            continue  # shown at any address, so its links begin at the root
        for link in page.links:
            if urlsplit(link).scheme:
                continue
            place, anchor = target(name, link)
            checked += 1
            if not (site / place).is_file():
                broken.append(f"{name}: {link}")
            elif anchor and place in pages and anchor not in pages[place].anchors:
                broken.append(f"{name}: {link} (no such anchor)")
    assert checked > 1000
    assert not broken, broken[:20]


def test_external_links_are_secure_and_listed(pages: Pages) -> None:
    """They are not fetched; `pytest -s` lists them for a person to look at."""
    links = sorted({link for page in pages.values() for link in page.links if urlsplit(link).scheme})
    print("", *links, sep="\n")
    assert links
    assert {urlsplit(link).scheme for link in links} == {"https"}


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: Pages) -> None:
    for name, page in pages.items():
        assert not [one for one in page.loads if urlsplit(one).scheme or one.startswith("//")], name
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert "@import" not in text
        assert "url(http" not in text.replace('"', "").replace("'", "")


def test_no_page_is_empty_or_lacks_its_other_language(pages: Pages) -> None:
    chinese = {name for name in pages if not name.startswith("en/")}
    english = {name.removeprefix("en/") for name in pages if name.startswith("en/")}
    assert chinese - {"404.html"} == english - {"404.html"}
    assert len(chinese) > 20
    for name, page in pages.items():
        assert len(page.text) > 300, name
        assert "--8" not in page.text, f"{name}: a snippet was not put in"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_benchmark_has_its_page_with_its_card(pages: Pages, language: str) -> None:
    for name in BENCHMARKS.names():
        one = BENCHMARKS.get(name)
        page = pages[f"{language}benchmarks/{name}.html"]
        assert (one.title.en if language else one.title.zh) in page.text
        for measure in one.measures:
            assert measure.name in page.text
        for scale in one.scales.values():
            for level in scale.levels:
                assert (level.en if language else level.zh) in page.text
        assert f"{name}.html" in " ".join(pages[f"{language}benchmarks/index.html"].links)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_option_is_in_the_reference(pages: Pages, language: str) -> None:
    page = pages[f"{language}reference/cli.html"]
    group: Any = typer.main.get_command(build())
    assert len(group.commands) >= 10
    for name, command in group.commands.items():
        assert name in page.anchors
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert parameter.opts[0] in page.text, f"{name} {parameter.opts[0]}"
    lines = (*model_list().lines, *judge_list().lines)
    assert len(lines) >= 16
    for one in lines:
        assert one.spec in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_public_name_is_in_the_reference(pages: Pages, language: str) -> None:
    page = pages[f"{language}reference/python.html"]
    for name in set(liangxin.__all__) - {"__version__"}:
        assert any(anchor.rpartition(".")[2] == name for anchor in page.anchors), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_terms_of_the_field_are_in_the_glossary(pages: Pages, language: str) -> None:
    text = pages[f"{language}glossary.html"].text
    terms = (
        "拒答率 误拒率 应拒答题库 非拒答题库 合格率 攻击成功率 标注一致性 仲裁 盲评 置信区间 无害率 无害得分"
    )
    for term in terms.split():
        assert term in text


def test_the_sample_is_marked_wherever_it_is_shown(pages: Pages) -> None:
    for name in ("index.html", "en/index.html", "tutorial.html", "en/tutorial.html"):
        assert "样例·非成绩" in pages[name].text


def hook(name: str) -> Any:
    """A module of docs/hooks."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / "hooks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("每个数字都带着分母，\n并能追溯。", "每个数字都带着分母，并能追溯。"),
        ("说完了。\n`code`", "说完了。`code`"),
        ("一。\n\n二。", "一。\n\n二。"),
        ("- 一。\n- 二。", "- 一。\n- 二。"),
        ("1. 一。\n2. 二。", "1. 一。\n2. 二。"),
        ("```text\n甲\n乙\n```\n", "```text\n甲\n乙\n```\n"),
        ("English text\nwrapped", "English text\nwrapped"),
        ("| 甲 |\n|---|\n| 乙 |", "| 甲 |\n|---|\n| 乙 |"),
    ],
)
def test_wrapped_chinese_is_joined(given: str, told: str) -> None:
    assert hook("sources").unwrapped(given) == told
