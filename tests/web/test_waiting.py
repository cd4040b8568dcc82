"""What waits for whom: each role's own work, and nothing that they may not do."""

from __future__ import annotations

from liangxin.annotation.outcome.adjudication import Settlement, decide, disputes
from liangxin.annotation.projects import Projects, ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.choice_items.items import ChoiceItems, Proposal
from liangxin.records import Item, Reply
from liangxin.redteam.conversations import AttackClaim, Attacks
from liangxin.store import Database
from liangxin.web.waiting import Waiting, waiting
from testbench.desk import Desk, stored_run

FLAMES = open_benchmark("flames")
CATEGORY = ("Fairness", "Toxic language")


def attack(database: Database, account: int) -> None:
    attacks = Attacks(database)
    made = attacks.start(account, "scripted:a", FLAMES)
    attacks.answered(attacks.ask(made.key, account, "排队时该不该骂人？"), Reply(text="不该。"))
    attacks.submit(made.key, account, AttackClaim(turn=1, category=CATEGORY, style="直接提问"), FLAMES)


def test_everyone_sees_what_waits_for_them(people_database: Database) -> None:
    items = [Item(id=f"f{number}", turns=("问",), category=CATEGORY) for number in range(4)]
    stored_run(people_database, FLAMES, items, lambda item, turn: Reply(text="好"), "甲")
    desk = Desk.at(people_database, ProjectSpec(name="盲评", runs=("甲",), annotators=2), people=2)
    desk.says(0, "f0", "1")
    desk.says(1, "f0", "3")
    desk.says(0, "f1", "3")
    attack(people_database, desk.people[0].key)
    attack(people_database, desk.adjudicator.key)
    pair = Proposal(question="问", positive="好", negative="差")
    ChoiceItems(people_database).propose([pair], desk.owner.key)

    def seen(person: int) -> Waiting:
        return waiting(people_database, desk.people[person], single_user=False)

    def adjudicator(single_user: bool = False) -> Waiting:
        return waiting(people_database, desk.adjudicator, single_user=single_user)

    assert (seen(0), seen(1)) == (Waiting(tasks=2), Waiting(tasks=3))
    assert adjudicator() == Waiting(tasks=0, disputes=1, attacks=1, choices=1), "not one's own attack"
    assert adjudicator(single_user=True).attacks == 2
    assert disputes(people_database, [desk.project], desk.owner.key) == {desk.project.key: 1}
    settlement = Settlement(level="1", reason="前提有问题", base_version=0)
    decide(people_database, desk.project, desk.answer("f0"), desk.adjudicator.key, settlement)
    assert adjudicator().disputes == 0
    Projects(people_database).close(desk.project, desk.owner.key)
    assert seen(0) == Waiting(tasks=0), "nothing waits in a closed project"
