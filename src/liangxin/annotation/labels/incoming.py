"""One door for whatever a person hands in: a sheet, a file of labels, an export of Label Studio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from liangxin.annotation.labels.answers import answers_of
from liangxin.annotation.labels.label_studio import read_export
from liangxin.annotation.labels.reading import NamedAnnotator, file_rows, read_labels, store_labels
from liangxin.annotation.labels.sheet_reading import read_sheet
from liangxin.annotation.labels.sheet_writing import ABOUT
from liangxin.annotation.labels.storing import Stored, compare, store
from liangxin.annotation.labels.uploads import HandedIn
from liangxin.annotation.labels.workbook_check import is_sheet
from liangxin.annotation.projects import Project
from liangxin.errors import NotAllowed
from liangxin.people.accounts import Account
from liangxin.store import Database

Kind = Literal["sheet", "labels", "label_studio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What storing a file would do."""

    kind: Kind
    people: tuple[NamedAnnotator, ...]
    changes: Mapping[str, int]
    """Tasks: new, corrected, same."""
    unmatched: int = 0
    partial: int = 0
    """Tasks of a labels file that lack a level for one of their answers."""
    blank: int = 0
    """Tasks of a sheet that were left blank."""
    notices: tuple[str, ...] = ()
    """What the reader says of the file: which sheet of several was read."""
    skipped: int = 0
    """Annotations of Label Studio that were cancelled there or have no level."""


def preview(database: Database, project: Project, file: HandedIn, by: Account) -> Preview:
    """Read a file whole and say what it would change; nothing is stored.

    An owner hands in anything; a member the sheet that is theirs.

    Raises:
        FileErrors: the file has wrong rows or cells, each named.
        NotAllowed: a member hands in something else.
        PeopleError: the file is none of the three.
    """
    return _read(database, project, file, by, keep=False)[0]


def store_file(database: Database, project: Project, file: HandedIn, by: Account) -> Stored:
    """Store what a file says; errors as `preview`. A second time it changes nothing."""
    made = _read(database, project, file, by, keep=True)[1]
    assert made is not None
    return made


def _read(
    database: Database, project: Project, file: HandedIn, by: Account, *, keep: bool
) -> tuple[Preview, Stored | None]:
    if PurePath(file.name).suffix.lower() == ".xlsx" and is_sheet(file.content, ABOUT):
        return _read_sheet(database, project, file, by, keep=keep)
    if by.role != "owner":
        raise NotAllowed(
            "这里只能交自己的标注表（本页下载的 xlsx）。",
            "Hand in your own sheet here: the xlsx that this page gives you.",
        )
    return _read_labels(database, project, file, by, keep=keep)


def _read_sheet(
    database: Database, project: Project, file: HandedIn, by: Account, *, keep: bool
) -> tuple[Preview, Stored | None]:
    sheet = read_sheet(database, project, file.content, None if by.role == "owner" else by.key)
    listed = compare(database, project, sheet.ballots)
    said = Preview(
        kind="sheet",
        people=(NamedAnnotator(name=sheet.account.name, account=sheet.account),),
        changes={change: listed.count(change) for change in ("new", "corrected", "same")},
        blank=sheet.blank,
    )
    return said, store(database, project, sheet.ballots) if keep else None


def _read_labels(
    database: Database, project: Project, file: HandedIn, by: Account, *, keep: bool
) -> tuple[Preview, Stored | None]:
    skipped, told = 0, list[str]()
    kind: Kind = "labels"
    if PurePath(file.name).suffix.lower() == ".json":
        texts = {
            (one.dialogue, one.at.turn): one.seen.answer
            for task in answers_of(database, project)
            for one in task
        }
        export = read_export(file.name, file.content, texts)
        reading = read_labels(database, project, file.name, export.rows, export.spans)
        skipped, kind = export.cancelled + export.empty, "label_studio"
    else:
        reading = read_labels(database, project, file.name, file_rows(*file, told))
    said = Preview(
        kind=kind,
        people=reading.people,
        changes={str(change): count for change, count in reading.changes.items()},
        unmatched=reading.unmatched,
        partial=reading.partial,
        skipped=skipped,
        notices=tuple(told),
    )
    return said, store_labels(database, project, reading, by.key) if keep else None
