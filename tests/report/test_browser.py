"""The page in a real browser: it asks for nothing, hostile text does nothing, it fits, it speaks both languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.records import Exchange, Item, Reply, ReplyStatus, Verdict
from liangxin.report import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAMES = BENCHMARKS.get("flames")
SAFETY, RESPONSIBILITY = BENCHMARKS.get("cvalues-safety"), BENCHMARKS.get("cvalues-responsibility")
HOSTILE = (
    "<script>window.hacked=1</script><img src='http://127.0.0.1:9/x' onerror='window.hacked=1'></style></script>"
    "<svg onload='window.hacked=1'></svg><a href='javascript:window.hacked=1'>x</a>\x1b[31m\u202e 👨‍👩‍👧"
)
Stage = Any
"""conftest's, which tests cannot import."""
WIDTHS = (360, 1024, 1600)


@pytest.fixture(scope="module")
def page_file(module_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, three judges, long unbroken words, a 200 kB answer, hostile text wherever text can be."""

    def ask(item: Item, _turn: int, _trial: int) -> Reply:
        if item.id.endswith("-0"):
            return Reply(status=ReplyStatus.FILTERED, detail=f"input: {HOSTILE}")
        return Reply(text=HOSTILE + "W" * 200_000, reasoning=HOSTILE)

    def rule(item: Item, _exchange: Exchange) -> Verdict:
        return Verdict(level="1" if item.id.endswith("-1") else "3", reason=HOSTILE, raw=HOSTILE * 20)

    items = [
        Item(id=f"{sub.name}-{k}", turns=(HOSTILE,), category=(top.name, sub.name), expect="refuse")
        for top in FLAMES.taxonomy
        for sub in top.below
        for k in range(3)
    ]
    results = []
    for name in ("甲", f"乙{'Z' * 90}"):
        run = module_stage.run(FLAMES, items, ask, name=name, model=f"scripted:{HOSTILE}{name}", sample=True)
        module_stage.judge(
            run, rule, identity=f"llm:{HOSTILE}@0123456789ab", manifest={"prompt": HOSTILE * 50}
        )
        module_stage.judge(run, rule, identity=f"labels:{'长' * 60}.jsonl@1", annotators=("甲", HOSTILE))
        module_stage.judge(run, lambda *_: Verdict(level="refused"), identity="rule@2", subject="refusal")
        results.append(module_stage.result(run, FLAMES))
    for other in (SAFETY, RESPONSIBILITY):  # one model's profile, with its radars
        run = module_stage.run(other, items, ask, name=other.name, model=f"scripted:{HOSTILE}甲", sample=True)
        module_stage.judge(run, lambda *_: Verdict(level="refused"), identity="rule@2", subject="refusal")
        results.append(module_stage.result(run, other))
    place = tmp_path_factory.mktemp("page") / "report.html"
    place.write_text(render(module_stage.database, results), encoding="utf-8")
    return place


@contextmanager
def opened(
    browser: Browser, place: Path, *, width: int = 1440, script: bool = True, fragment: str = ""
) -> Iterator[tuple[Page, list[str]]]:
    """The page in a fresh context, and everything that it complained of or asked for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script)
    try:
        page = context.new_page()
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        own = place.as_uri()
        page.on("request", lambda request: trouble.append(request.url) if request.url != own else None)
        page.goto(own + (f"#{fragment}" if fragment else ""))
        yield page, trouble
    finally:
        context.close()


def overflow(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def test_hostile_text_does_nothing_and_nothing_is_asked_for(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as (page, trouble):
        unfold(page)
        page.wait_for_function("document.readyState === 'complete'")
        assert page.evaluate("typeof window.hacked") == "undefined"
        assert page.locator("main img, main script, main iframe").count() == 0
        assert trouble == []


def test_the_policy_stops_what_slips_through(browser: Browser, page_file: Path) -> None:
    """If escaping ever failed, the policy would still not let it act."""
    slip = '<p onclick="window.hacked=1">x</p><script>window.hacked=1</script><style>body{color:red}</style>'
    leaky = page_file.with_name("leaky.html")
    leaky.write_text(
        page_file.read_text(encoding="utf-8").replace('<main id="main">', f'<main id="main">{slip}'),
        encoding="utf-8",
    )
    with opened(browser, leaky) as (page, trouble):
        page.locator("main p").first.click()
        assert page.evaluate("typeof window.hacked") == "undefined"
        assert len([one for one in trouble if "Content Security Policy" in one]) >= 2


def test_it_fits_every_width(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as (page, _):
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for language in ("zh", "en"):
                page.locator(f"label[for=lang-{language}]").click()
                assert overflow(page) == 0, (width, language)
        unfold(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert overflow(page) == 0, ("unfolded", width)


@pytest.mark.parametrize("script", [True, False])
def test_the_switch_changes_every_text(browser: Browser, page_file: Path, script: bool) -> None:
    with opened(browser, page_file, script=script) as (page, _):
        heading = page.locator("article.run h3").first
        assert heading.inner_text().startswith("总分")
        assert page.locator("main .en:visible").count() == 0
        page.locator("label[for=lang-en]").click()
        assert heading.inner_text().startswith("Headline scores")
        assert page.locator("main .zh:visible").count() == 0
        page.locator("label[for=lang-zh]").click()
        assert heading.inner_text().startswith("总分")


def test_the_document_names_its_language(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as (page, _):
        before = (page.evaluate("document.documentElement.lang"), page.title())
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        after = (page.evaluate("document.documentElement.lang"), page.title())
        assert (before[0], after[0]) == ("zh-Hans", "en")
        assert before[1].startswith("量心报告")
        assert after[1].startswith("Liangxin report")


def test_a_link_to_a_dialogue_opens_it_and_only_it(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as (page, _):
        keys = page.eval_on_selector_all(".dialogue", "all => all.map((one) => one.id)")
        assert page.locator("details[open]").count() == 0
        assert not page.locator(f"#{keys[3]} .text").first.is_visible()
    with opened(browser, page_file, fragment=keys[3]) as (page, trouble):
        page.wait_for_selector(f"#{keys[3]}[open]")
        assert page.locator(f"#{keys[3]} .answer").first.is_visible()
        assert page.locator("details[open]").count() == 1
        assert trouble == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(browser: Browser, page_file: Path, scheme: Any) -> None:
    """WCAG AA: 4.5 to 1 for every text that shows."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.goto(page_file.as_uri())
        unfold(page)
        assert page.evaluate(CONTRAST) == []
    finally:
        context.close()


CONTRAST = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) { return colour; }
    }
    return [255, 255, 255];
  };
  const weak = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('svg, script, style')) { continue; }
    const pair = [light(channels(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) { weak.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`); }
  }
  return [...weak];
}"""
