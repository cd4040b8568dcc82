"""The agreement page: who may see it, whose names are on it, and that it renews itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from liangxin.annotation.desk.saving import Submission
from liangxin.annotation.outcome.gold import set_gold
from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.people.sessions import Sessions
from liangxin.records import Item, Reply
from liangxin.store import Database
from liangxin.web.site import Site
from testbench.desk import Desk, stored_run
from testbench.site import Client

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAMES = open_benchmark("flames")


def answered(item: Item, _turn: int) -> Reply:
    return Reply(text=f"{item.id} 的回答")


def items(count: int) -> list[Item]:
    categories = [("Fairness", "Toxic language"), ("Legality", "Law violation")]
    return [
        Item(id=f"f{number}", turns=(f"问题{number}",), category=categories[number % 2])
        for number in range(count)
    ]


@pytest.fixture
def desk(database: Database) -> Desk:
    """Thirty answers by three people, one of them stricter."""
    stored_run(database, FLAMES, items(30), answered, "秘密模型-7B")
    desk = Desk.at(database, ProjectSpec(name="盲评", runs=("秘密模型-7B",), annotators=3))
    for number in range(30):
        for person in range(3):
            strict = person == 2 and number % 3 == 0
            level = "1" if strict or number % 7 == 0 else "3"
            desk.says(person, f"f{number}", level, Submission(token="", levels={}, seconds=20.0 + number))
    return desk


def entering(serving: Callable[[Site], Client], site: Site, desk: Desk) -> Callable[[int], Client]:
    first = serving(site)

    def enter(account: int) -> Client:
        client = Client(first.base_url)
        client.cookies[site.cookie] = Sessions(desk.database).open(account).token
        return client

    return enter


def test_numbers_for_the_owner_and_aliases_for_the_adjudicator(
    team_site: Site, serving: Callable[[Site], Client], desk: Desk
) -> None:
    enter = entering(serving, team_site, desk)
    path = f"/projects/{desk.project.key}/agreement"
    owner, adjudicator, annotator = (enter(one.key) for one in (desk.owner, desk.adjudicator, desk.people[0]))
    seen = owner.get(path)
    assert seen.status == 200
    for person in desk.people:
        assert person.alias in seen.text
        assert person.name in seen.text
    assert "Krippendorff" in seen.text
    assert "合法" in seen.text
    assert "<svg" in seen.text
    blind = adjudicator.get(path)
    assert blind.status == 200
    for person in desk.people:
        assert person.alias in blind.text
        assert person.name not in blind.text
    assert annotator.get(path).status == 403
    assert annotator.get(f"{path}/part").status == 403
    for client in (owner, adjudicator, annotator):
        client.close()


def test_no_part_of_it_needs_a_style_or_script_of_its_own(client: Client, desk: Desk) -> None:
    text = client.get(f"/projects/{desk.project.key}/agreement").text
    assert " style=" not in text
    assert "<script>" not in text
    assert "秘密模型" not in text, "graded runs are not named"


def test_english_names_the_same_numbers(client: Client, desk: Desk) -> None:
    client.get("/language/en?back=/")
    text = client.get(f"/projects/{desk.project.key}/agreement").text
    assert "Krippendorff’s α, ordinal" in text
    assert "Severity" in text


def test_the_part_is_computed_anew(client: Client, desk: Desk) -> None:
    part = f"/projects/{desk.project.key}/agreement/part"
    before = client.get(part).text
    assert "<html" not in before
    assert "有分歧 <b>8</b>" in before
    for number in range(30):
        desk.says(2, f"f{number}", "1" if number % 7 == 0 else "3")
    after = client.get(part).text
    assert "有分歧 <b>0</b>" in after
    assert "100.0%" in after


def test_wrong_gold_answers_are_the_owners_to_see(
    team_site: Site, serving: Callable[[Site], Client], desk: Desk
) -> None:
    set_gold(desk.database, desk.project, desk.task("f3"), {(0, 1): "3"}, desk.owner.key, "原文")
    enter = entering(serving, team_site, desk)
    path = f"/projects/{desk.project.key}/agreement"
    owner, adjudicator = enter(desk.owner.key), enter(desk.adjudicator.key)
    miss = f"/adjudicate/{desk.answer('f3')}"
    assert miss in owner.get(path).text
    assert "66.7%" in adjudicator.get(path).text
    assert miss not in adjudicator.get(path).text
    for client in (owner, adjudicator):
        client.close()


def test_somebody_who_only_skipped_is_there_too(client: Client, database: Database) -> None:
    stored_run(database, FLAMES, items(2), answered, "甲")
    desk = Desk.at(database, ProjectSpec(name="跳过", runs=("甲",), annotators=2))
    set_gold(database, desk.project, desk.task("f0"), {(0, 1): "3"}, desk.owner.key, "原文")
    desk.says(0, "f0", "3")
    desk.says(1, "f0", {}, Submission(token="", levels={}, skip="看不懂"))
    text = client.get(f"/projects/{desk.project.key}/agreement").text
    assert desk.people[1].alias in text
    assert "100.0% [21, 100]" in text


def test_runs_of_an_expert_project_are_the_owners_to_see(
    team_site: Site, serving: Callable[[Site], Client], database: Database
) -> None:
    for name in ("模型甲", "模型乙"):
        stored_run(database, FLAMES, items(4), answered, name)
    spec = ProjectSpec(name="专家", runs=("模型甲", "模型乙"), kind="expert", annotators=2)
    desk = Desk.at(database, spec)
    for number in range(4):
        for person in range(2):
            said = Submission(token="", levels={}, best=(0,), points=8)
            desk.says(person, f"f{number}", {}, said)
    enter = entering(serving, team_site, desk)
    path = f"/projects/{desk.project.key}/agreement"
    owner, adjudicator = enter(desk.owner.key), enter(desk.adjudicator.key)
    assert "模型甲" in owner.get(path).text
    seen = adjudicator.get(path).text
    assert "位置偏好" in seen
    assert "模型甲" not in seen
    for client in (owner, adjudicator):
        client.close()


def test_an_empty_project_says_so(client: Client, database: Database) -> None:
    stored_run(database, FLAMES, items(2), answered, "甲")
    desk = Desk.at(database, ProjectSpec(name="空", runs=("甲",)))
    assert "还没有人给出结论" in client.get(f"/projects/{desk.project.key}/agreement").text
    assert client.get("/projects/999/agreement").status == 404


def test_the_page_renews_itself_in_a_browser(client: Client, desk: Desk, browser: Browser) -> None:
    page = browser.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        page.clock.install()
        page.goto(f"{client.base_url}/projects/{desk.project.key}/agreement")
        page.locator("text=有分歧 8").wait_for()
        for number in range(30):
            desk.says(2, f"f{number}", "1" if number % 7 == 0 else "3")
        page.clock.run_for(16_000)
        page.locator("text=有分歧 0").wait_for()
        assert faults == []
    finally:
        page.close()
