"""Label files from people outside: every row bound to its answer, everything that is wrong said at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Literal

from liangxin.annotation.desk.places import At
from liangxin.annotation.desk.responses import MarkedPiece
from liangxin.annotation.desk.saving import COMMENT
from liangxin.annotation.labels.answers import TaskAnswer, answers_of
from liangxin.annotation.labels.storing import Ballot, Stored, compare, store
from liangxin.annotation.labels.workbook_check import check_book
from liangxin.annotation.outcome.verdicts import label_scale
from liangxin.annotation.projects import Project
from liangxin.errors import DataError, PeopleError
from liangxin.files import show
from liangxin.files.apart import rows_apart
from liangxin.judges.base import JudgeContext
from liangxin.judges.label_rows import Label, LabelReader, digests
from liangxin.people.accounts import Account, Accounts, checked_name, folded
from liangxin.records import Case, Row, Scale
from liangxin.store import Database

MOST_ERRORS = 20
OUTSIDE = "outside"
"""Who gave labels that name nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedAnnotator:
    """An annotator that a file names."""

    name: str
    """As the file has it."""
    account: Account | None
    """None: an account is made when the labels are stored, closed from the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted:
    """One person's levels of one task, before they have an account."""

    person: str
    task: int
    levels: Mapping[tuple[int, int], str]
    comment: str
    spans: tuple[MarkedPiece, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsReading:
    """What a file of labels says of a project."""

    name: str
    rows: int
    people: tuple[NamedAnnotator, ...] = ()
    votes: tuple[Voted, ...] = ()
    unmatched: int = 0
    """Rows for an answer that is not in the project."""
    partial: int = 0
    """Tasks that lack a level for one of their answers: a task is stored whole."""
    changes: Mapping[Literal["new", "corrected", "same"], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vote:
    label: Label
    spans: tuple[tuple[int, int], ...]


class FileErrors(PeopleError):
    """Everything that is wrong with a file; nothing of it was stored."""

    def __init__(self, errors: Sequence[str], count: int) -> None:
        listed = "\n".join(errors)
        more = count - len(errors)
        super().__init__(
            f"文件有 {count} 处错误，没有存入任何内容：\n{listed}" + (f"\n……另有 {more} 处" if more else ""),
            f"The file has {count} errors; nothing of it was stored:\n{listed}"
            + (f"\n… and {more} more" if more else ""),
        )
        self.errors = tuple(errors)
        self.count = count


class Errors:
    """Collects what is wrong: the first ones in full, then their number."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.count = 0

    def add(self, said: str) -> None:
        """Note one error."""
        self.count += 1
        if self.count <= MOST_ERRORS:
            self.first.append(said)

    def check(self) -> None:
        """Raise everything that was noted.

        Raises:
            FileErrors: something was.
        """
        if self.count:
            raise FileErrors(self.first, self.count)


def file_rows(name: str, content: bytes, told: list[str] | None = None) -> list[Row]:
    """The rows of an uploaded file of JSON lines, csv or xlsx.

    Args:
        told: takes what is to be said of a file that is right: which sheet was read.

    Raises:
        PeopleError: the file is too large, packed, or not what its name says.
        FileErrors: a row is malformed.
    """
    shown = PurePath(name.replace("\\", "/")).name[:80] or "file"
    ending = PurePath(shown).suffix.lower()
    if ending not in (".jsonl", ".csv", ".xlsx"):
        raise PeopleError(
            "文件名应以 .jsonl、.csv 或 .xlsx 结尾。",
            "The file's name should end with .jsonl, .csv or .xlsx.",
        )
    check_book(content) if ending == ".xlsx" else _check_plain(content)
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, f"file{ending}")
        place.write_bytes(content)
        try:
            found = [replace(row, file=shown) for row in rows_apart(str(place), told=said)]
        except DataError as error:
            raise FileErrors([str(error).replace(str(place), shown)], 1) from None
        if told is not None:
            told.extend(one.replace(str(place), shown) for one in said)
    return found


def read_labels(
    database: Database,
    project: Project,
    name: str,
    rows: Iterable[Row],
    spans: Mapping[int, Sequence[tuple[int, int]]] | None = None,
) -> LabelsReading:
    """Rows as what they say of a project; nothing is stored.

    Args:
        spans: place in `rows`, from 0, to marked pieces of that answer.

    Raises:
        FileErrors: a cell is not what it must be, or two rows speak of one answer.
    """
    if project.kind == "expert":
        raise PeopleError(
            "专家项目（最好的回答）请用标注表导入。", "Labels of an expert project come in by its sheet."
        )
    matcher = _Matcher(database, project)
    errors, count, unmatched = Errors(), 0, 0
    votes: dict[tuple[str, int], dict[tuple[int, int], _Vote]] = {}
    for row in rows:
        count += 1
        try:
            label = matcher.label(row)
            at = matcher.find(label)
            if at is None:
                unmatched += 1
                continue
            said = votes.setdefault((label.annotator, at.task), {})
            if (at.candidate, at.turn) in said:
                raise _second(row, said[at.candidate, at.turn].label.row)
            said[at.candidate, at.turn] = _Vote(label=label, spans=tuple((spans or {}).get(count - 1, ())))
        except DataError as error:
            errors.add(str(error))
    if not count:
        errors.add(f"{name}: no row")
    people = _people(database, dict.fromkeys(person for person, _ in votes), name, errors)
    errors.check()
    whole = [
        _voted(person, task, said)
        for (person, task), said in votes.items()
        if set(said) == matcher.wanted[task]
    ]
    reading = LabelsReading(
        name=name,
        rows=count,
        people=people,
        votes=tuple(whole),
        unmatched=unmatched,
        partial=len(votes) - len(whole),
    )
    return replace(reading, changes=_changes(database, project, reading))


def store_labels(database: Database, project: Project, reading: LabelsReading, by: int) -> Stored:
    """Store what was read; people without an account get one that is closed. A second time changes nothing.

    Raises:
        Conflict: the project is closed.
    """
    from liangxin.people import audit

    accounts = Accounts(database)
    keys: dict[str, int] = {}
    for person in reading.people:
        account = person.account or accounts.by_name(_account_name(person.name))
        if account is None:
            account = accounts.create(_account_name(person.name), "", "annotator")
            accounts.close(account.key, by)
        keys[person.name] = account.key
    made = store(database, project, [_ballot(vote, keys[vote.person]) for vote in reading.votes])
    with database.write() as connection:
        audit.note(
            connection, by, "labels stored", project=project.name,
            new=made.new, corrected=made.corrected, same=made.same,
        )  # fmt: skip
    return made


class _Matcher:
    """Which answer of the project a label is for."""

    def __init__(self, database: Database, project: Project) -> None:
        self._by_dialogue: dict[tuple[str, int], TaskAnswer] = {}
        self._by_item: dict[tuple[str, int], list[TaskAnswer]] = {}
        self.wanted: dict[int, set[tuple[int, int]]] = {}
        prompts: dict[str, str] = {}
        categories: dict[str, tuple[str, ...]] = {}
        for task in answers_of(database, project):
            for answer in task:
                item = answer.item
                prompts[item.turns[0]] = item.id
                categories[item.id] = item.category
                if answer.seen.judgeable:
                    self._by_dialogue[answer.dialogue, answer.at.turn] = answer
                    self._by_item.setdefault((item.id, answer.at.turn), []).append(answer)
                    self.wanted.setdefault(answer.at.task, set()).add((answer.at.candidate, answer.at.turn))
        self._project = project
        self._items = {dialogue: answer.item.id for (dialogue, _), answer in self._by_dialogue.items()}
        scales = {(path[0] if path else "*"): label_scale(project, path) for path in categories.values()}
        # Of kind `choice`, so that a level of another scale (safe, refused) is no level of this project.
        benchmark = replace(project.benchmark, kind="choice")
        if project.spec.subject != "primary":
            benchmark = replace(benchmark, scales={"*": next(iter(scales.values()))})
        self._categories = categories
        self._reader = LabelReader(
            JudgeContext(
                benchmark=benchmark,
                item_ids=frozenset(categories),
                item_prompts=prompts,
                item_categories=categories,
            )
        )

    def label(self, row: Row) -> Label:
        """The row as a label; a dialogue alone names the item too."""
        values = dict(row.values)
        dialogue = values.get("dialogue")
        if isinstance(dialogue, str) and not values.get("id"):
            values["id"] = self._items.get(dialogue.strip())
        label = self._reader.read(replace(row, values={k: v for k, v in values.items() if v is not None}))
        scale = self._scale(self._categories[label.item])
        if label.subject != "primary" or scale.level(label.level) is None:
            raise DataError.at(
                row.file, row.number, "level", found=show(row.values.get("level")),
                expected="one of " + ", ".join(level.name for level in scale.levels),
            )  # fmt: skip
        return label

    def _scale(self, category: tuple[str, ...]) -> Scale:
        return label_scale(self._project, category)

    def find(self, label: Label) -> At | None:
        """The answer, or None where the project has none that fits; several that fit are one text for all."""
        if label.dialogue is not None:
            answer = self._by_dialogue.get((label.dialogue, label.turn))
            near = [answer] if answer and answer.item.id == label.item else []
        else:
            near = self._by_item.get((label.item, label.turn), [])
        fitting = [
            one
            for one in near
            if label.fits(_case(one, self._scale(one.item.category)), digests(one.seen.answer))
        ]
        fitting = [one for one in fitting if not label.model or label.model == one.run.model] or fitting
        fitting = [one for one in fitting if label.dialogue or one.trial == label.trial] or fitting
        return fitting[0].at if fitting else None


def _case(answer: TaskAnswer, scale: Scale) -> Case:
    return Case(
        dialogue=answer.dialogue, item_id=answer.item.id, category=answer.item.category, trial=answer.trial,
        turn=answer.at.turn, history=(), prompt=answer.seen.prompt, answer=answer.seen.answer, scale=scale,
    )  # fmt: skip


def _second(row: Row, first: int) -> DataError:
    return DataError.at(
        row.file,
        row.number,
        "id",
        found=f"a second label for one answer (the first is in row {first})",
        expected="one label for each answer and annotator",
    )


def _people(
    database: Database, names: Iterable[str], file: str, errors: Errors
) -> tuple[NamedAnnotator, ...]:
    accounts = Accounts(database).all()
    known = {account.alias: account for account in accounts} | {
        folded(account.name): account for account in accounts
    }
    found = []
    for name in names:
        account = known.get(name) or known.get(folded(_account_name(name)))
        if account is None:
            try:
                checked_name(_account_name(name))
            except PeopleError as error:
                errors.add(f"{file}: annotator: found {name[:40]!r}: {error}")
        found.append(NamedAnnotator(name=name, account=account))
    return tuple(found)


def _account_name(name: str) -> str:
    return " ".join(name.replace("@", " at ").split()) or OUTSIDE


def _voted(person: str, task: int, said: Mapping[tuple[int, int], _Vote]) -> Voted:
    ordered = sorted(said.items(), key=lambda one: one[0])
    notes = dict.fromkeys(vote.label.note for _, vote in ordered if vote.label.note)
    evidence = tuple(
        MarkedPiece(candidate=candidate, turn=turn, start=start, end=end)
        for (candidate, turn), vote in ordered
        for start, end in vote.spans
    )
    levels = {at: vote.label.level for at, vote in ordered}
    return Voted(person=person, task=task, levels=levels, comment="\n".join(notes)[:COMMENT], spans=evidence)


def _ballot(vote: Voted, account: int) -> Ballot:
    return Ballot(account=account, task=vote.task, levels=vote.levels, comment=vote.comment, spans=vote.spans)


def _changes(
    database: Database, project: Project, reading: LabelsReading
) -> dict[Literal["new", "corrected", "same"], int]:
    counts: dict[Literal["new", "corrected", "same"], int] = {"new": 0, "corrected": 0, "same": 0}
    keys = {person.name: person.account.key for person in reading.people if person.account}
    known = [_ballot(vote, keys[vote.person]) for vote in reading.votes if vote.person in keys]
    for change in compare(database, project, known):
        counts[change] += 1
    counts["new"] += len(reading.votes) - len(known)
    return counts


def _check_plain(content: bytes) -> None:
    if content[:2] == b"\x1f\x8b":
        raise PeopleError("请先解压 .gz 文件再上传。", "Unpack the .gz file before you upload it.")
