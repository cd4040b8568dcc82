"""What `runs` and the commands below it do once their words are parsed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import plain_table, print_runs, run_fields
from liangxin.cli.terminal import console, plain, say, say_json, tell
from liangxin.engine.hosts.spending import bills
from liangxin.errors import UsageError
from liangxin.store import Database, RunRecord, Runs, store_url
from liangxin.store.life.removal import Hanging, delete_run, hanging_on
from liangxin.store.life.states import StateChange, listed_runs, rename_run, set_state
from liangxin.store.spending import spent_on

DONE = {
    "archive": "已归档 archived",
    "unarchive": "已取消归档 unarchived",
    "pin": "已置顶 pinned",
    "unpin": "已取消置顶 unpinned",
}


@contextmanager
def _opened(store: str | None) -> Iterator[Database]:
    database = Database(store_url(store), create=False)
    try:
        yield database
    finally:
        database.close()


def list_runs(store: str | None, output: OutputFormat, *, every: bool) -> None:
    """Print the runs; on standard error how many were archived and are not shown."""
    with _opened(store) as database:
        found = listed_runs(database, archived=True)
        shown = [one for one in found if every or not one.archived]
        costs = {one.run.id: bills(spent_on(database, one.run), None) for one in shown}
    if output is OutputFormat.JSON:
        for one in shown:
            say_json(run_fields(one, costs[one.run.id]))
    else:
        print_runs(shown, costs)
    if len(shown) < len(found):
        tell(f"{len(found) - len(shown)} archived runs are not shown: liangxin runs --all")


def show_run(name: str, store: str | None, output: OutputFormat) -> None:
    """Print one run with what hangs on it."""
    with _opened(store) as database:
        run = Runs(database).find(name)
        listed = next(one for one in listed_runs(database, archived=True) if one.run.key == run.key)
        judges = [judge.identity for judge in Runs(database).judges(run)]
        hangs = hanging_on(database, run, at_work=True)
        told = bills(spent_on(database, run), None)
    fields = run_fields(listed, told)
    if output is OutputFormat.JSON:
        say_json({**fields, "judges": judges, "hanging": hangs.fields()})
        return
    table = plain_table("运行 run", plain(run.label))
    for key, value in fields.items():
        table.add_row(key, plain("—" if value is None else str(value)))
    table.add_row("judges", plain("\n".join(judges) or "—"))
    for line in _lines(hangs):
        said, _, count = line.partition(": ")
        table.add_row(said, plain(count))
    console().print(table)


def rename_one(name: str, new: str, store: str | None) -> None:
    """Rename a run and say so."""
    with _opened(store) as database:
        run = Runs(database).find(name)
        named = rename_run(database, run, new)
    say(f"{named.id} {run.label} → {named.label}")


def change(names: Sequence[str], to: StateChange, store: str | None) -> None:
    """Archive or pin runs, or take that back; none where one of the names is nobody's."""
    with _opened(store) as database:
        found = _found(database, names)
        for run in found:
            set_state(database, run, to)
    for run in found:
        say(f"{run.id} {run.label}: {DONE[to]}")


def delete_several(names: Sequence[str], store: str | None, *, yes: bool) -> None:
    """Say what goes, ask, and delete.

    Raises:
        UsageError: nobody can be asked, and `yes` was not given.
        RunAtWork: somebody asks or judges one of the runs; none was deleted.
        typer.Exit: with status 1 where the answer was no.
    """
    with _opened(store) as database:
        found = _found(database, names)
        for run, hangs in [(run, hanging_on(database, run)) for run in found]:
            tell(f"{run.id} {run.label} · {run.benchmark} · {run.model}: 将删除 goes with it:")
            for line in _lines(hangs):
                tell(f"  {line}")
        if not yes and not sys.stdin.isatty():
            raise UsageError(
                "nobody is at a terminal to be asked: give --yes to delete this (nothing was deleted)"
            )
        if not yes and not typer.confirm("删除后无法恢复，确定吗 Delete for good?", err=True):
            tell("没有删除任何内容 nothing was deleted")
            raise typer.Exit(1)
        for run in found:
            remains = delete_run(database, run).remains
            say(f"{run.id} {run.label}: 已删除 deleted")
            if remains:
                tell(f"{run.id}: {remains}")


def _found(database: Database, names: Sequence[str]) -> list[RunRecord]:
    """The runs of these names, each once."""
    runs = [Runs(database).find(name) for name in names]
    return list({run.key: run for run in runs}.values())


def _lines(hangs: Hanging) -> Iterator[str]:
    """What hangs on a run, a line for each kind that there is."""
    counts = (
        ("回答 replies", hangs.replies),
        ("裁决 verdicts", hangs.verdicts),
        ("人工标注 labels by people", hangs.labels),
        ("标注员在项目里的标注 annotators' levels in projects", hangs.annotations),
        ("评审对照人的测量 measurements of judges", hangs.measurements),
        ("判定记录 decisions asked", hangs.looks),
        ("抽样 samples drawn", hangs.drawn),
        ("题目（没有别的运行使用） items that no other run uses", hangs.items),
    )
    yield from (f"{said}: {count}" for said, count in counts if count)
    if hangs.projects:
        yield f"标注项目，整个 annotation projects, whole: {', '.join(hangs.projects)}"
    if hangs.thinned:
        yield f"标注项目中含本运行回答的任务 tasks with its answers in projects: {', '.join(hangs.thinned)}"
