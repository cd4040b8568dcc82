"""The annotating page in a real browser: keys, undo, drafts, a lost connection, evidence, hostile text, widths."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from liangxin.annotation.desk.assignments import Seats
from liangxin.annotation.projects import Project
from liangxin.people.accounts import Accounts
from liangxin.people.sessions import Sessions
from liangxin.records import Item
from liangxin.store import Database
from liangxin.store.people import SESSIONS
from liangxin.web.site import Site
from testbench.annotating import marks_of, project_of, responses_of
from testbench.site import Client

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow

FAIR = ("Fairness", "Regional")
ITEMS = [Item(id=name, turns=(f"邻居{name}说得对吗？",), category=FAIR) for name in "甲乙丙"]
ANSWERS = {(name, 1): f"{name}：这种说法是偏见，不能一概而论。" for name in "甲乙丙"}
Opened = Callable[..., "Page"]
LONG_WAIT = 20_000


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A store on SQLite; on PostgreSQL where a test asks for both."""
    asked = getattr(request, "param", "sqlite")
    url = str(tmp_path / "store.db") if asked == "sqlite" else request.getfixturevalue("postgres_url")
    made = Database(url)
    yield made
    made.close()


both = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)


@pytest.fixture
def context(browser: Browser, client: Client) -> Iterator[BrowserContext]:
    """A browser of its own, with the session of the one user; it must speak to the site alone, without an error."""
    made = browser.new_context(base_url=client.base_url, viewport={"width": 1440, "height": 900})
    made.set_default_timeout(LONG_WAIT)
    place = {"url": client.base_url}
    made.add_cookies([{"name": name, "value": value, **place} for name, value in client.cookies.items()])  # type: ignore[typeddict-item]
    wrong: list[str] = []
    made.on("request", lambda one: None if one.url.startswith(client.base_url) else wrong.append(one.url))
    made.on("weberror", lambda one: wrong.append(str(one.error)))
    yield made
    made.close()
    assert wrong == []


@pytest.fixture
def opened(context: BrowserContext) -> Opened:
    """Opens a project's annotating page and waits for its task."""

    def opens(project: Project, wait: str = ".task-title") -> Page:
        page = context.new_page()
        page.goto(f"/projects/{project.key}/annotate")
        page.wait_for_selector(wait)
        return page

    return opens


def graded(database: Database, items: list[Item] = ITEMS, **settings: Any) -> Project:
    """A graded project with one answer a task."""
    return project_of(database, Accounts(database).local_user(), items, [ANSWERS], **settings)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def number(page: Page, wanted: int) -> None:
    """Wait until that task is on the page and can be judged."""
    page.locator(".task-title", has_text=f"第 {wanted} 题").wait_for()
    page.locator("#task:not([inert])").wait_for()


def levels_in(database: Database) -> list[str | None]:
    return [level for _, _, level, _ in marks_of(database)]


def select_text(page: Page, selector: str, start: int, end: int) -> None:
    """Select UTF-16 units of an element's first text node, as a mouse would."""
    page.evaluate(
        """([selector, start, end]) => {
            const node = document.querySelector(selector).firstChild;
            getSelection().setBaseAndExtent(node, start, node, end);
        }""",
        [selector, start, end],
    )


@both
def test_a_project_is_done_by_keyboard_alone(opened: Opened, database: Database) -> None:
    page = opened(graded(database, goal=2))
    press(page, "3")
    assert page.locator("input:checked").get_attribute("value") == "3"
    press(page, "c")
    page.keyboard.type("1 z 写得好")
    press(page, "Control+Enter")
    number(page, 2)
    assert "已完成 1/3" in page.inner_text("#counts")
    assert "还差 1" in page.inner_text("#counts")
    press(page, "Enter")
    assert "还有 1 处没有判" in page.inner_text("#said")
    press(page, "1", "Enter")
    number(page, 3)
    press(page, "s")
    page.wait_for_selector("#skip-dialog[open]")
    press(page, "4", "Enter")
    page.locator(".thanks", has_text="都做完了").wait_for()
    found = responses_of(database)
    assert [one["comment"] for one in found] == ["1 z 写得好", "", ""]
    assert [one["skip"] for one in found] == [None, None, "需要专业知识"]
    assert sorted(map(str, levels_in(database))) == ["1", "3", "None"]


@both
def test_several_answers_and_turns_are_walked_with_keys(opened: Opened, database: Database) -> None:
    item = Item(id="两轮", turns=("先问", "再问"), category=("传统安全", "财产隐私"))
    first = {("两轮", 1): "第一答", ("两轮", 2): "第二答"}
    second = {("两轮", 1): "另一答"}
    project = project_of(
        database, Accounts(database).local_user(), [item], [first, second], benchmark="sc-safety"
    )
    page = opened(project)
    current = page.locator(".current")
    ids = [one.get_attribute("data-target") for one in page.locator("[data-target]").all()]
    assert len(ids) == 3
    press(page, "j", "ArrowDown")
    assert current.get_attribute("data-target") == ids[2]
    press(page, "k", "ArrowUp")
    assert current.get_attribute("data-target") == ids[0]
    # A level that is called by a digit has that digit's key: 0 is 0, and there is no 3.
    press(page, "3")
    assert current.get_attribute("data-target") == ids[0]
    press(page, "1")
    assert current.get_attribute("data-target") == ids[1]
    press(page, "Tab")
    assert current.get_attribute("data-target") == ids[2]
    press(page, "2")
    assert current.get_attribute("data-target") == ids[1]
    press(page, "0", "Enter")
    page.wait_for_selector(".thanks")
    sent = responses_of(database)[0]["levels"]
    assert [sent[str(one)] for one in ids] == ["1", "0", "2"]
    assert len(marks_of(database)) == 3


@both
def test_undo_takes_back_a_step_and_then_leads_to_the_task_before(opened: Opened, database: Database) -> None:
    page = opened(graded(database))
    press(page, "3", "1", "z")
    assert page.locator("input:checked").get_attribute("value") == "3"
    press(page, "Enter")
    number(page, 2)
    press(page, "z")
    number(page, 1)
    assert page.locator("#correcting").is_visible()
    assert page.locator("input:checked").get_attribute("value") == "3"
    press(page, "2", "Enter")
    number(page, 2)
    assert not page.locator("#correcting").is_visible()
    assert [(level, version) for _, _, level, version in marks_of(database)] == [("2", 2), ("3", 1)]


def test_a_finished_task_is_found_in_the_list_and_left_again(opened: Opened, database: Database) -> None:
    page = opened(graded(database))
    press(page, "3", "Enter")
    number(page, 2)
    page.click("#show-done")
    page.click(".done-one")
    number(page, 1)
    page.click("#correcting button")
    number(page, 2)


def test_a_draft_survives_a_closed_tab(opened: Opened, database: Database) -> None:
    project = graded(database)
    page = opened(project)
    press(page, "2")
    page.fill("#comment", "写到一半，😀")
    select_text(page, ".answer", 0, 3)
    press(page, "Escape")
    press(page, "m")
    page.wait_for_selector(".answer mark")
    page.close()
    again = opened(project)
    assert "已恢复" in again.inner_text("#said")
    assert again.locator("input:checked").get_attribute("value") == "2"
    assert again.input_value("#comment") == "写到一半，😀"
    assert again.inner_text(".answer mark") == again.inner_text(".answer")[:3]
    press(again, "z")
    assert again.locator("mark").count() == 0
    press(again, "Enter")
    number(again, 2)
    assert again.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('liangxin.draft'))") == []
    assert responses_of(database)[0]["comment"] == "写到一半，😀"


@both
def test_a_lost_connection_loses_nothing(opened: Opened, context: BrowserContext, database: Database) -> None:
    page = opened(graded(database))
    context.set_offline(True)
    press(page, "3", "Enter")
    page.locator("#trouble", has_text="连接断开").wait_for()
    assert page.inner_text("#unsynced") == "未同步 1"
    assert page.locator("#task[inert]").count() == 1
    press(page, "1", "Enter")
    assert responses_of(database) == []
    context.set_offline(False)
    number(page, 2)
    assert not page.locator("#unsynced").is_visible()
    assert not page.locator("#trouble").is_visible()
    assert levels_in(database) == ["3"]
    assert len(responses_of(database)) == 1


def test_what_waited_is_sent_after_the_tab_was_closed(
    opened: Opened, context: BrowserContext, database: Database
) -> None:
    project = graded(database)
    page = opened(project)
    page.route("**/api/seats/*", lambda route: route.abort())
    press(page, "1", "Enter")
    page.locator("#unsynced", has_text="未同步 1").wait_for()
    page.close()
    again = opened(project)
    number(again, 2)
    assert levels_in(database) == ["1"]
    assert again.evaluate("localStorage.length") == 0


@both
def test_a_save_whose_answer_was_lost_is_one_save(opened: Opened, database: Database) -> None:
    page = opened(graded(database))
    lost: list[str] = []

    def lose(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(json.loads(route.request.post_data)["token"])
        route.fetch()
        route.abort()

    page.route(re.compile(r"/api/seats/\d+$"), lose)
    press(page, "2", "Enter")
    number(page, 2)
    assert lost
    assert [(level, version) for _, _, level, version in marks_of(database)] == [("2", 1)]


@both
def test_two_tabs_send_what_waits_once(opened: Opened, context: BrowserContext, database: Database) -> None:
    project = graded(database)
    first, second = opened(project), opened(project)
    context.set_offline(True)
    press(first, "3", "Enter")
    first.locator("#unsynced", has_text="未同步 1").wait_for()
    second.locator("#unsynced", has_text="未同步 1").wait_for()
    context.set_offline(False)
    number(first, 2)
    assert len(responses_of(database)) == 1


@both
def test_a_version_from_elsewhere_is_said_and_nothing_is_dropped(opened: Opened, database: Database) -> None:
    project = graded(database)
    first, second = opened(project), opened(project)
    press(first, "3", "Enter")
    number(first, 2)
    press(second, "1")
    second.fill("#comment", "另一个标签页的看法")
    press(second, "Control+Enter")
    second.locator("#outbox", has_text="版").wait_for()
    assert "另一个标签页的看法" in second.inner_text("#outbox-list")
    number(second, 2)
    second.reload()
    second.locator("#outbox", has_text="另一个标签页的看法").wait_for()
    second.get_by_role("button", name="填进这一题").click()
    number(second, 1)
    assert second.input_value("#comment") == "另一个标签页的看法"
    press(second, "Control+Enter") if second.evaluate("document.activeElement.id") else press(second, "Enter")
    number(second, 2)
    assert not second.locator("#outbox").is_visible()
    assert [(level, version) for _, _, level, version in marks_of(database)] == [("1", 2), ("3", 1)]


def test_an_entry_is_thrown_away_only_when_asked_twice(opened: Opened, database: Database) -> None:
    project = graded(database)
    first, second = opened(project), opened(project)
    press(first, "3", "Enter")
    number(first, 2)
    press(second, "1", "Enter")
    second.locator("#outbox").wait_for()
    discard = second.locator("#outbox .danger")
    discard.click()
    assert second.locator("#outbox").is_visible()
    discard.click()
    second.locator("#outbox").wait_for(state="hidden")
    assert levels_in(database) == ["3"]


def test_a_session_that_ended_keeps_the_text_until_somebody_signs_in_again(
    browser: Browser, team_site: Site, serving: Callable[[Site], Client], database: Database
) -> None:
    client = serving(team_site)
    person = Accounts(database).create("标注员", "", "annotator")
    project = project_of(database, person, ITEMS, [ANSWERS])
    sessions = Sessions(database)
    context = browser.new_context(base_url=client.base_url)

    def sign_in(token: str) -> None:
        context.add_cookies([{"name": team_site.cookie, "value": token, "url": client.base_url}])

    sign_in(sessions.open(person.key).token)
    page = context.new_page()
    page.goto(f"/projects/{project.key}/annotate")
    number(page, 1)
    page.fill("#comment", "不能丢的话")
    with database.write() as connection:
        connection.execute(delete(SESSIONS))
    press(page, "Escape", "3", "Enter")
    page.locator("#trouble", has_text="重新登录").wait_for()
    assert page.inner_text("#unsynced") == "未同步 1"
    assert responses_of(database) == []
    stranger = Accounts(database).create("别人", "", "annotator")
    sign_in(sessions.open(stranger.key).token)
    page.click("#retry")
    page.locator("#trouble", has_text="另一个人").wait_for()
    assert responses_of(database) == []
    sign_in(sessions.open(person.key).token)
    page.click("#retry")
    number(page, 2)
    assert [one["comment"] for one in responses_of(database)] == ["不能丢的话"]
    context.close()


def test_marked_evidence_counts_characters(opened: Opened, database: Database) -> None:
    text = "😀好👍🏽的，\u202e不能\r\n一概而论\U00020000，再说一遍。"
    item = Item(id="甲", turns=("问",), category=FAIR)
    project = project_of(database, Accounts(database).local_user(), [item], [{("甲", 1): text}])
    page = opened(project)
    shown = page.inner_text(".answer")
    assert "U+202E" in shown
    page.evaluate(
        """() => {
            const nodes = [];
            const walker = document.createTreeWalker(document.querySelector('.answer'), NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) nodes.push(walker.currentNode);
            const last = nodes.at(-1);
            getSelection().setBaseAndExtent(nodes[0], 2, last, last.data.indexOf('，'));
        }"""
    )
    press(page, "m")
    page.wait_for_selector(".evidence li")
    press(page, "3", "Enter")
    page.wait_for_selector(".thanks")
    (span,) = responses_of(database)[0]["spans"]
    assert (span["place"], span["turn"]) == (0, 1)
    assert text[span["start"] : span["end"]] == "好👍🏽的，\u202e不能\r\n一概而论\U00020000"
    press(page, "z")
    page.wait_for_selector(".answer mark")
    assert "".join(page.locator(".answer mark").all_inner_texts()).startswith("好👍🏽的，")


def test_marks_that_touch_are_one_and_can_be_removed(opened: Opened, database: Database) -> None:
    page = opened(graded(database))
    select_text(page, ".answer", 2, 5)
    page.click("#mark")
    page.locator(".evidence li").wait_for()
    page.evaluate(
        """() => {
            const box = document.querySelector('.answer');
            const mark = box.querySelector('mark').firstChild;
            getSelection().setBaseAndExtent(mark, 1, box.lastChild, 2);
        }"""
    )
    press(page, "m")
    assert page.locator(".evidence li").count() == 1
    assert page.locator(".answer mark").inner_text() == page.inner_text(".answer")[2:7]
    page.click(".remove")
    assert page.locator("mark").count() == 0
    press(page, "m")
    assert "选中" in page.inner_text("#said")


@both
def test_an_expert_chooses_the_best_and_writes(opened: Opened, database: Database) -> None:
    items = [Item(id=name, turns=("孩子不想上学怎么办？",), category=("心理",)) for name in "甲乙"]
    good = {("甲", 1): "先听孩子说。", ("乙", 1): "陪他走走。"}
    other = {("甲", 1): "和老师商量。", ("乙", 1): "找心理老师。"}
    blocked = {("乙", 1): "好好休息。"}
    project = project_of(
        database,
        Accounts(database).local_user(),
        items,
        [good, other, blocked],
        benchmark="cvalues-responsibility",
        kind="expert",
    )
    page = opened(project)
    places = page.locator(".slot").count()
    press(page, "1", "2", "j", "8", "Enter")
    number(page, 2)
    press(page, str(page.locator(".slot").count() + 1), "Tab")
    page.fill("#own-answer", "先停一停，问问他怕什么。")
    press(page, "Control+Enter")
    page.wait_for_selector(".thanks")
    first, second = responses_of(database)
    assert (first["best"], first["points"], first["none_good"]) == ([0, 1], 8, False)
    assert (second["best"], second["points"], second["none_good"]) == ([], None, True)
    assert second["own_answer"] == "先停一停，问问他怕什么。"
    assert {places, 5 - places} == {2, 3}


def test_keys_are_silent_while_somebody_types_or_composes(opened: Opened, database: Database) -> None:
    page = opened(graded(database))
    page.focus("#comment")
    page.keyboard.type("123 zsm?")
    assert page.locator("input:checked").count() == 0
    assert page.locator("dialog[open]").count() == 0
    press(page, "Escape")
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '3', isComposing: true, bubbles: true}))"
    )
    press(page, "Control+3")
    assert page.locator("input:checked").count() == 0
    press(page, "?")
    page.wait_for_selector("#keys-dialog[open]")
    press(page, "3", "Escape")
    assert page.locator("input:checked").count() == 0
    press(page, "3")
    assert page.locator("input:checked").count() == 1


def test_it_works_by_mouse_and_touch(browser: Browser, client: Client, database: Database) -> None:
    project = graded(database)
    context = browser.new_context(
        base_url=client.base_url, viewport={"width": 390, "height": 844}, has_touch=True
    )
    cookies = [
        {"name": name, "value": value, "url": client.base_url} for name, value in client.cookies.items()
    ]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"/projects/{project.key}/annotate")
    number(page, 1)
    page.locator(".option").nth(1).tap()
    page.locator("#save").tap()
    number(page, 2)
    page.locator("#skip").tap()
    page.locator("#skip-dialog .option").nth(0).tap()
    page.locator("#skip-dialog button[type=submit]").tap()
    number(page, 3)
    assert page.evaluate("document.querySelector('.task-title').getBoundingClientRect().top") >= 0
    assert [one["skipped"] for one in responses_of(database)] == [0, 1]
    context.close()


def test_hostile_text_does_not_run(opened: Opened, database: Database) -> None:
    bad = '<script>window.ran=1</script><img src=x onerror="window.ran=1">'
    item = Item(id="甲", turns=(f"问{bad}",), category=(f"类{bad}",))
    project = project_of(
        database,
        Accounts(database).local_user(),
        [item],
        [{("甲", 1): f"答{bad}"}],
        subject="refusal",
        guideline=f"指南{bad}",
    )
    page = opened(project)
    page.fill("#comment", bad)
    select_text(page, ".answer", 0, 40)
    press(page, "Escape", "m", "1", "Enter")
    page.wait_for_selector(".thanks")
    page.click("#show-done")
    page.click(".done-one")
    page.wait_for_selector(".answer mark")
    assert page.input_value("#comment") == bad
    for place in (".prompt-box .text", ".answer", "#guideline-text", ".task-title"):
        assert bad in page.inner_text(place)
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("width", [360, 768, 1600])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_overflows(
    opened: Opened, context: BrowserContext, client: Client, database: Database, width: int, language: str
) -> None:
    cookie = {"name": "liangxin_language", "value": language, "url": client.base_url}
    context.add_cookies([cookie])  # type: ignore[list-item]
    wide = "没有空格也没有标点的长串" + "x" * 300
    items = [Item(id="甲", turns=(wide,), category=FAIR)]
    runs = [{("甲", 1): text} for text in (wide, "短。", "长" * 4000, "又一个")]
    page = opened(project_of(database, Accounts(database).local_user(), items, runs))
    page.set_viewport_size({"width": width, "height": 800})

    def overflow() -> int:
        return int(
            page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    assert overflow() <= 0
    unfold = page.locator(".unfold").first
    folded = page.locator(".folded").count()
    unfold.click()
    assert (unfold.get_attribute("aria-expanded"), page.locator(".folded").count()) == ("true", folded - 1)
    page.click("#show-guideline")
    assert overflow() <= 0
    page.click("#skip")
    assert overflow() <= 0
    assert page.locator("#skip-dialog").bounding_box()["width"] <= width  # type: ignore[index]


def test_a_break_is_suggested_after_three_quarters_of_an_hour(
    context: BrowserContext, database: Database
) -> None:
    project = graded(database)
    page = context.new_page()
    page.clock.install()
    page.goto(f"/projects/{project.key}/annotate")
    number(page, 1)
    for _ in range(44):
        page.clock.fast_forward(60_000)
        press(page, "2")
    assert not page.locator("#rest").is_visible()
    for _ in range(2):
        page.clock.fast_forward(60_000)
        press(page, "2")
    page.locator("#rest", has_text="分钟").wait_for()
    page.click("#rested")
    press(page, "Enter")
    page.clock.run_for(1000)
    number(page, 2)
    assert not page.locator("#rest").is_visible()


def test_a_closed_project_says_so_and_keeps_the_text(opened: Opened, database: Database) -> None:
    from liangxin.annotation.projects import Projects

    project = graded(database)
    page = opened(project)
    Projects(database).close(project, Accounts(database).local_user().key)
    press(page, "3", "Enter")
    page.locator("#outbox", has_text="关闭").wait_for()
    page.locator("#message", has_text="关闭").wait_for()
    assert responses_of(database) == []
    Projects(database).reopen(project, Accounts(database).local_user().key)
    page.get_by_role("button", name="再发一次").click()
    page.locator("#outbox").wait_for(state="hidden")
    assert levels_in(database) == ["3"]


def test_when_others_hold_the_rest_the_page_says_so_or_thanks(opened: Opened, database: Database) -> None:
    project = graded(database, [ITEMS[0]])
    other = Accounts(database).create("别人", "", "annotator")
    from liangxin.annotation.projects import Projects

    Projects(database).add_member(project, other.key)
    assert Seats(database).take(project, other.key) is not None
    page = opened(project, wait=".thanks")
    assert page.locator("#actions").is_hidden()


def test_the_page_is_named_for_those_who_cannot_see_it(opened: Opened, database: Database) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    second = {key: f"另：{text}" for key, text in ANSWERS.items()}
    page = opened(project_of(database, Accounts(database).local_user(), ITEMS, [ANSWERS, second]))
    groups = page.get_by_role("radiogroup")
    assert groups.count() == 2
    assert "回答 A" in (groups.first.locator("legend").text_content() or "")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        press(page, "2", "k")
        found = Axe().run(page).response["violations"]
        serious = [
            (one["id"], [node["html"] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []
