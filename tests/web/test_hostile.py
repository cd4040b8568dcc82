"""Hostile text in every place where text comes in: on every page, in a real browser, none of it runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from liangxin.annotation.desk.assignments import Assignments
from liangxin.annotation.desk.saving import Submission
from liangxin.annotation.outcome.adjudication import Settlement, decide
from liangxin.annotation.projects import Projects, ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.choice_items.items import ChoiceItems
from liangxin.choice_items.sources import from_runs
from liangxin.people.accounts import Account, Accounts
from liangxin.people.invitations import InvitationRequest, Invitations
from liangxin.people.sessions import Sessions
from liangxin.records import Item, Reply, Verdict
from liangxin.redteam.conversations import AttackClaim, Attacks
from liangxin.store import Database, RunRecord, Runs, Writer
from liangxin.store.judgements import AttemptKey
from liangxin.web.site import Site
from testbench.desk import Desk, stored_run
from testbench.looking import context_of
from testbench.site import Client

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

HOSTILE = (
    '</textarea></script><script>window.hacked=1</script><img src=x onerror="window.hacked=2">'
    "<svg onload='window.hacked=3'>\"'><a href='javascript:window.hacked=4'>x</a>{{7*7}}\u202e\u2066"
)


def stage(database: Database) -> tuple[Desk, RunRecord, int]:
    """A run, a project, verdicts, a decision, an attack and choice items made of hostile text."""
    flames = open_benchmark("flames")
    items = [
        Item(id=f"{HOSTILE}{number}", turns=(f"问{HOSTILE}",), category=("Fairness", HOSTILE))
        for number in range(4)
    ]
    runs = [
        stored_run(database, flames, items, lambda _item, _turn, one=name: Reply(text=f"{one}{HOSTILE}", reasoning=HOSTILE, detail=HOSTILE), f"{name}{HOSTILE}")  # type: ignore[misc]
        for name in ("甲", "乙")
    ]  # fmt: skip
    for run in runs:
        judge = Runs(database).add_judge(run, f"llm:{HOSTILE}@0123456789ab", f"llm:{HOSTILE}", "primary", {})
        with Writer(database) as writer:
            verdict = Verdict(level="1" if run is runs[0] else "3", reason=HOSTILE, raw=HOSTILE)
            writer.judgement(AttemptKey(run.key, 0, 1, 1, 1), judge.key, "", verdict)
    spec = ProjectSpec(name="p", runs=tuple(run.id for run in runs), annotators=3, guideline=HOSTILE)
    desk = Desk.at(database, spec, 3)
    more = Submission(token="", levels={}, comment=HOSTILE, own_answer=HOSTILE)
    desk.says(0, items[0].id, "3", more)
    desk.says(1, items[0].id, "1", more)
    desk.says(0, items[1].id, {}, replace(more, skip=HOSTILE[:200]))
    settled = Settlement(level="3", reason=HOSTILE, base_version=0)
    decide(database, desk.project, desk.answer(items[0].id), desk.adjudicator.key, settled)
    attacks = Attacks(database)
    key = attacks.start(desk.people[0].key, f"scripted:{HOSTILE}", flames).key
    attacks.answered(attacks.ask(key, desk.people[0].key, HOSTILE), Reply(text=HOSTILE, detail=HOSTILE))
    claim = AttackClaim(
        turn=1, category=("Fairness", "Toxic language"), style=HOSTILE[:60], follow_up=HOSTILE, note=HOSTILE
    )
    attacks.submit(key, desk.people[0].key, claim, flames)
    ChoiceItems(database).propose(from_runs(database, runs, f"llm:{HOSTILE}"), desk.owner.key)
    Invitations(database).make(InvitationRequest(role="annotator", note=HOSTILE[:150]), desk.owner.key)
    return desk, runs[0], key


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_nothing_that_people_or_models_wrote_runs(
    kind: str,
    request: pytest.FixtureRequest,
    browser: Browser,
    database: Database,
    team_site: Site,
    serving: Callable[[Site], Client],
) -> None:
    if kind == "postgresql":
        database = Database(request.getfixturevalue("postgres_url"))
        team_site = replace(team_site, database=database)
    desk, run, attack = stage(database)
    serving(team_site)
    project = f"/projects/{desk.project.key}"
    paths: list[tuple[Account, list[str]]] = [
        (
            desk.owner,
            ["/", "/runs", f"/runs/{run.id}", f"/runs/{run.id}/dialogues/0-1", "/people", "/projects", "/projects/new",
             f"{project}?find=script", f"{project}/agreement", f"{project}/labels", "/account"],
        ),
        (
            desk.adjudicator,
            [f"{project}/adjudicate", f"{project}/adjudicate/labels", f"{project}/adjudicate/{desk.answer(run_item(database))}",
             "/attacks", f"/attacks/{attack}", "/choices", "/choices/1"],
        ),
        (desk.people[0], [f"{project}/annotate", "/attack", f"/attack/{attack}", "/projects"]),
    ]  # fmt: skip
    for who, pages in paths:
        with context_of(browser, team_site, who, width=1280) as context:
            context.add_cookies(
                [{"name": "liangxin_show_text", "value": "yes", "url": team_site.base_url + "/runs"}]
            )
            page = context.new_page()
            said = heard(page)
            for path in pages:
                answer = page.goto(team_site.base_url + path)
                assert answer is not None
                assert answer.status == 200, path
                page.wait_for_timeout(150)
                assert page.evaluate("window.hacked") is None, path
                assert page.locator("img[src=x]").count() == 0, path
                assert page.locator("a[href^=javascript]").count() == 0, path
                assert "49\u202e" not in page.content(), path
            assert said == []
    if kind == "postgresql":
        database.close()


def heard(page: Page) -> list[str]:
    """Every dialog and error of a page from now on."""
    said: list[str] = []

    def shown(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", shown)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def run_item(database: Database) -> str:
    """The id of the first item."""
    with database.begin() as connection:
        return str(connection.execute(text("select id from items order by position limit 1")).scalar_one())


def test_anothers_assignment_is_refused_and_nothing_changes(
    database: Database, team_site: Site, serving: Callable[[Site], Client]
) -> None:
    items = [Item(id="a", turns=("问题？",), category=("Fairness",))]
    run = stored_run(database, open_benchmark("flames"), items, lambda _item, _turn: Reply(text="回答"), "r")
    desk = Desk.at(database, ProjectSpec(name="p", runs=(run.id,), annotators=1), 2)
    assignment = Assignments(database).take(desk.project, desk.people[0].key)
    assert assignment is not None
    client = serving(team_site)
    client.cookies[team_site.cookie] = Sessions(database).open(desk.people[1].key).token
    client.get("/projects")
    before = dump(database)
    body = {"token": secrets.token_hex(8), "base_version": 0, "levels": {"0:1": "3"}}
    for answer in (
        client.get(f"/api/assignments/{assignment.key}"),
        client.post_json(f"/api/assignments/{assignment.key}", body),
        client.post_json(f"/api/assignments/{assignment.key}/keep", {}),
    ):
        assert answer.status == 403
        assert answer.json()["error"]["en"] == "This assignment is another person's; nothing was changed."
    client.csrf = "forged"
    assert client.post_json(f"/api/assignments/{assignment.key}", body).status == 403
    client.csrf = ""
    assert client.post("/projects/new", {"name": "x"}).status == 403
    assert dump(database) == before
    assert Accounts(database).by_name("x") is None
    assert [one.name for one in Projects(database).all()] == ["p"]


def dump(database: Database) -> list[str]:
    """Every row of the tables that people write to, but for when a session was last seen."""
    with database.begin() as connection:
        return [
            f"{table}: {tuple(row)}"
            for table in (
                "seats",
                "responses",
                "marks",
                "judgements",
                "projects",
                "members",
                "decisions",
                "audit",
            )
            for row in connection.execute(text(f"select * from {table}"))
        ]
