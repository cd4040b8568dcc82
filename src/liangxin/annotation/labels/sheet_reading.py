"""Reading a filled-in sheet back: every wrong cell is named, and nothing is stored unless all are right."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from liangxin.annotation.desk.saving import COMMENT, OWN_ANSWER, REASON
from liangxin.annotation.labels.reading import Errors, FileErrors
from liangxin.annotation.labels.sheet_writing import ABOUT, SHEET, SheetTask, headings, key_of, sheet_tasks
from liangxin.annotation.labels.storing import Ballot
from liangxin.annotation.labels.workbook_check import check_book
from liangxin.annotation.outcome.verdicts import label_scale
from liangxin.annotation.projects import POINTS, Project
from liangxin.cells import written as as_text
from liangxin.errors import DataError, NotAllowed, PeopleError
from liangxin.files.apart import SheetRow, sheets_apart
from liangxin.files.workbook_cells import CellFault, column_letters
from liangxin.judges.label_rows import level_of
from liangxin.people.accounts import Account, Accounts
from liangxin.store import Database
from liangxin.zh import clean_text

_YES = {"是", "yes", "y", "true", "1", "x", "√", "✓"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledSheet:
    """A filled-in sheet."""

    account: Account
    ballots: tuple[Ballot, ...]
    blank: int
    """Tasks that were left blank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """A row of the sheet by column, with where its cells are."""

    row: int
    values: Mapping[str, str]
    letters: Mapping[str, str]
    faults: Mapping[str, CellFault]

    def wrong(self, column: str, text: str) -> str:
        """An error at a cell."""
        return f"sheet {SHEET}, cell {self.letters[column]}{self.row}: {text}"


def read_sheet(database: Database, project: Project, content: bytes, only: int | None = None) -> FilledSheet:
    """What a filled-in sheet says; nothing is stored.

    Args:
        only: take no sheet but this account's.

    Raises:
        FileErrors: cells are wrong.
        NotAllowed: it is another person's sheet.
        PeopleError: it is no sheet of this project.
    """
    check_book(content)
    about, rows = _open(project, content)
    account = _account(database, project, about)
    if only is not None and account.key != only:
        raise NotAllowed("这是另一个人的标注表。", "This is another person's sheet.")
    tasks = {task.task: task for task in sheet_tasks(database, project, account, taken=True)}
    errors = Errors()
    by_task: dict[int, dict[tuple[int, int], _Cells]] = {}
    for cells in rows:
        for column, fault in cells.faults.items():
            errors.add(cells.wrong(column, f"found {fault.found}, expected {fault.expected}"))
        place = _key(cells, tasks, errors)
        if place is None:
            continue
        said = by_task.setdefault(place[0], {})
        if place[1:] in said:
            errors.add(
                cells.wrong("key", f"the answer of row {said[place[1:]].row} again; delete one of the rows")
            )
        said[place[1:]] = cells
    ballots = []
    for key, said in by_task.items():
        ballot = _ballot(project, account, tasks[key], said, errors)
        if ballot is not None:
            ballots.append(ballot)
    if not by_task and not errors.count:
        errors.add(f"sheet {SHEET}: it has no row")
    errors.check()
    return FilledSheet(account=account, ballots=tuple(ballots), blank=len(by_task) - len(ballots))


def _open(project: Project, content: bytes) -> tuple[dict[str, str], list[_Cells]]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "sheet.xlsx")
        place.write_bytes(content)
        try:
            rows = list(sheets_apart(str(place), (SHEET, ABOUT)))
        except DataError as error:
            raise FileErrors([str(error).replace(f"{place}: ", "")], 1) from None
    about = {_text(row.values.get(0)): _text(row.values.get(1)) for row in rows if row.sheet == ABOUT}
    if not {SHEET, ABOUT} <= {row.sheet for row in rows}:
        raise PeopleError(
            "这不是本站的标注表；请先在本页下载，填好后再上传。",
            "This is not a sheet of this site; download one on this page, fill it in and upload it.",
        )
    return about, list(_cells(project, (row for row in rows if row.sheet == SHEET)))


def _cells(project: Project, rows: Iterable[SheetRow]) -> Iterator[_Cells]:
    columns: dict[str, int] | None = None
    titles = {title: name for name, title in headings(project).items()}
    for row in rows:
        texts = {at: _text(cell) for at, cell in row.values.items()}
        if columns is None:
            columns = {titles[text]: place for place, text in texts.items() if text in titles}
            # A sheet that was given out before reference answers were shown has no column for them.
            missing = [title for title, name in titles.items() if name not in columns and name != "reference"]
            if missing:
                raise PeopleError(
                    f"“{SHEET}”表第 1 行少了列：{'、'.join(missing)}。请不要改标题。",
                    f"sheet {SHEET}, row 1 lacks the columns {', '.join(missing)}; do not change the headings.",
                )
            letters = {name: column_letters(place) for name, place in columns.items()}
        elif any(texts.values()):
            values = {name: texts.get(at, "") for name, at in columns.items()}
            faults = {
                name: fault
                for name, at in columns.items()
                if isinstance(fault := row.values.get(at), CellFault)
            }
            yield _Cells(row=row.number, values=values, letters=letters, faults=faults)


def _account(database: Database, project: Project, about: Mapping[str, str]) -> Account:
    if about.get("project") != project.name:
        raise PeopleError(
            f"这张表属于另一个项目（{about.get('project', '')[:60]}）。",
            f"This sheet is of another project ({about.get('project', '')[:60]}).",
        )
    alias = about.get("person", "")
    found = next((one for one in Accounts(database).all() if one.alias == alias), None)
    if found is None:
        raise PeopleError("这张表的标注员已不在本站。", "The person of this sheet is not on this site.")
    if about.get("identity") != project.identity:
        raise PeopleError(
            "下载之后量表或说明变了，请重新下载。",
            "The scale or guideline has changed since; download the sheet again.",
        )
    return found


def _key(cells: _Cells, tasks: Mapping[int, SheetTask], errors: Errors) -> tuple[int, int, int] | None:
    parts = cells.values["key"].split(":")
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 10]
    if len(numbers) == 3 == len(parts):
        task, place, turn = numbers
        known = tasks.get(task)
        if known and any(
            key_of(task, place, turn) == key_of(task, at, one.at.turn)
            for at, turns in enumerate(known.places)
            for one in turns
        ):
            return task, place, turn
        filled = any(
            cells.values.get(name) for name in ("level", "comment", "skip", "own_answer", "none_good")
        )
        if known is None and not filled:
            return None
    found = cells.values["key"][:40]
    errors.add(
        cells.wrong("key", f"{found!r}: expected the key of a task of this person; do not change this column")
    )
    return None


def _ballot(
    project: Project,
    account: Account,
    task: SheetTask,
    said: Mapping[tuple[int, int], _Cells],
    errors: Errors,
) -> Ballot | None:
    """One task; None where it was left blank, or is wrong."""
    before = errors.count
    comment = _joined(said, "comment", COMMENT, errors)
    skip = _joined(said, "skip", REASON, errors)
    own = _joined(said, "own_answer", OWN_ANSWER, errors)
    levels = _levels(project, task, said, errors)
    none_good = _none_good(said, errors)
    if errors.count > before or not (levels or comment or skip or own or none_good):
        return None
    if skip:
        return Ballot(
            account=account.key, task=task.task, levels={}, comment=comment, skip=skip, own_answer=own
        )
    candidates = [turns[0].at.candidate for turns in task.places]
    if project.kind == "expert":
        base = Ballot(account=account.key, task=task.task, levels={}, comment=comment, own_answer=own)
        return _expert(base, candidates, said, levels, none_good, errors)
    for place, turns in enumerate(task.places):
        for one in turns:
            cells = said.get((place, one.at.turn))
            if not one.seen.judgeable or (place, one.at.turn) in levels:
                continue
            if cells is None:
                errors.add(
                    f"sheet {SHEET}: the row of task {task.number}, answer {place + 1}, turn {one.at.turn} is missing"
                )
            else:
                errors.add(
                    cells.wrong(
                        "level", "empty: expected a level, as the other answers of this task have one"
                    )
                )
    if errors.count > before:
        return None
    given = {(candidates[place], turn): level for (place, turn), level in levels.items()}
    return Ballot(account=account.key, task=task.task, levels=given, comment=comment)


def _expert(
    base: Ballot,
    candidates: Sequence[int],
    said: Mapping[tuple[int, int], _Cells],
    levels: Mapping[tuple[int, int], str],
    none_good: bool,
    errors: Errors,
) -> Ballot | None:
    """The best answers of a task, all with the same points, or that none is good."""
    points = set(levels.values())
    first = next(iter(said.values()))
    if bool(points) == none_good:
        errors.add(
            first.wrong(
                "level", "the task needs points for the best answer, or 是 under “none is good”, not both"
            )
        )
        return None
    if len(points) > 1:
        listed = ", ".join(sorted(points))
        errors.add(
            first.wrong("level", f"the best answers have different points ({listed}); expected the same")
        )
        return None
    best = tuple(sorted(candidates[place] for place, _ in levels))
    return replace(base, best=best, none_good=none_good, points=int(next(iter(points))) if points else None)


def _levels(
    project: Project, task: SheetTask, said: Mapping[tuple[int, int], _Cells], errors: Errors
) -> dict[tuple[int, int], str]:
    scale = label_scale(project, task.places[0][0].item.category)
    judgeable = {
        (place, one.at.turn) for place, turns in enumerate(task.places) for one in turns if one.seen.judgeable
    }
    if project.kind == "expert":
        judgeable = {
            at for at in judgeable if at[1] == max(turn for place, turn in judgeable if place == at[0])
        }
    found = {}
    for at, cells in said.items():
        written = cells.values["level"]
        if not written:
            continue
        expert = project.kind == "expert"
        level = level_of(scale, written, points=not expert)
        name = level.name if level else ""
        if at not in judgeable:
            errors.add(
                cells.wrong(
                    "level", f"level {written[:40]!r}: there is nothing to judge in this row; clear the cell"
                )
            )
        elif level is None or (expert and name not in POINTS):
            names = ", ".join(POINTS if expert else [one.name for one in scale.levels])
            errors.add(cells.wrong("level", f"level {written[:40]!r}: expected one of {names}"))
        else:
            found[at] = name
    return dict(sorted(found.items()))


def _none_good(said: Mapping[tuple[int, int], _Cells], errors: Errors) -> bool:
    found = False
    for cells in said.values():
        written = cells.values.get("none_good", "").casefold()
        if written and written not in _YES:
            errors.add(cells.wrong("none_good", f"{written[:40]!r}: expected 是 or nothing"))
        found = found or written in _YES
    return found


def _joined(said: Mapping[tuple[int, int], _Cells], column: str, most: int, errors: Errors) -> str:
    texts: Sequence[_Cells] = [
        cells for _, cells in sorted(said.items(), key=lambda one: one[0]) if cells.values.get(column)
    ]
    joined = "\n".join(dict.fromkeys(cells.values[column] for cells in texts))
    if len(joined) > most:
        errors.add(texts[0].wrong(column, f"{len(joined)} characters: expected at most {most} for a task"))
    return joined


def _text(cell: object) -> str:
    if cell is None:
        return ""
    shown = cell.shown if isinstance(cell, CellFault) else as_text(cell) or str(cell)
    return clean_text(shown).replace("\r\n", "\n").replace("\r", "\n").strip()
