"""What `runs` and the commands below it do once their words are parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from liangxin.cli.options import OutputFormat
from liangxin.cli.tables import print_runs, run_fields
from liangxin.cli.terminal import asker, plain_table, put, put_table, say, say_json, tell
from liangxin.engine.hosts.spending import bills
from liangxin.errors import UsageError
from liangxin.languages import in_language
from liangxin.store import Database, RunRecord, Runs, store_url
from liangxin.store.life.removal import Hanging, delete_run, hanging_on
from liangxin.store.life.spending import spent_on
from liangxin.store.life.states import StateChange, listed_runs, rename_run, set_state

DONE = {"archive": "archived", "unarchive": "taken back", "pin": "pinned", "unpin": "no longer pinned"}


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
        costs = bills(spent_on(database, run), None)
    fields = run_fields(listed, costs)
    if output is OutputFormat.JSON:
        say_json({**fields, "judges": judges, "hanging": hangs.fields()})
        return
    table = plain_table("run", run.label)
    for key, value in fields.items():
        table.add_row(key, "—" if value is None else str(value))
    for place, judge in enumerate(judges or ["—"]):
        table.add_row("" if place else "judges", judge)
    for said, told in _lines(hangs):
        table.add_row(in_language(said), told)
    put_table(table)


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
        say(f"{run.id} {run.label}: {in_language(DONE[to])}")


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
            tell(f"{run.id} {run.label} · {run.benchmark} · {run.model}: goes with it:")
            for said, told in _lines(hangs):
                tell(f"  {in_language(said)}: {told}")
        confirm = asker()
        if not yes and confirm is None:
            raise UsageError(
                "nobody is at a terminal to be asked: give --yes to delete this (nothing was deleted)"
            )
        if not yes and confirm is not None and not confirm("This cannot be undone. Delete for good?"):
            tell("nothing was deleted")
            raise typer.Exit(1)
        for run in found:
            remains = delete_run(database, run).remains
            put(f"{run.id} {run.label}: deleted")
            if remains:
                tell(f"{run.id}: {remains}")


def _found(database: Database, names: Sequence[str]) -> list[RunRecord]:
    """The runs of these names, each once."""
    runs = [Runs(database).find(name) for name in names]
    return list({run.key: run for run in runs}.values())


def _lines(hangs: Hanging) -> Iterator[tuple[str, str]]:
    """What hangs on a run: what it is, and how many or which."""
    counts = (
        ("replies", hangs.replies),
        ("verdicts", hangs.verdicts),
        ("labels by people", hangs.labels),
        ("annotators' levels in projects", hangs.annotations),
        ("measurements of judges", hangs.measurements),
        ("decisions asked", hangs.looks),
        ("samples drawn", hangs.drawn),
        ("items that no other run uses", hangs.items),
    )
    yield from ((said, str(count)) for said, count in counts if count)
    if hangs.projects:
        yield "annotation projects, whole", ", ".join(hangs.projects)
    if hangs.thinned:
        yield "tasks with its answers in projects", ", ".join(hangs.thinned)
