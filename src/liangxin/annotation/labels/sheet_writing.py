"""A workbook for an expert who will not use a browser: one person's tasks, blind, with a list for every level."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from liangxin.annotation.desk.assignments import order_for
from liangxin.annotation.desk.tasks import LETTERS, last_response
from liangxin.annotation.labels.answers import TaskAnswer, answers_of
from liangxin.annotation.outcome.verdicts import label_scale
from liangxin.annotation.projects import Project
from liangxin.errors import PeopleError
from liangxin.files.writing import text_cell
from liangxin.people.accounts import Account
from liangxin.store import Database
from liangxin.store.people import ASSIGNMENTS
from liangxin.text import visible
from liangxin.words import category_title

SHEET, GUIDELINE, ABOUT = "标注", "说明", "liangxin"
MOST_TASKS = 2_000
YES = "是"
GRADE = {
    "key": "键 key",
    "number": "题 task",
    "category": "类别 category",
    "letter": "回答 answer",
    "turn": "轮 turn",
    "prompt": "提问 prompt",
    "reference": "参考答案 reference answer",
    "text": "回答全文 answer text",
    "level": "等级 level",
    "comment": "评语 comment",
    "skip": "跳过的原因 reason to skip",
}
EXPERT = {
    **{name: title for name, title in GRADE.items() if name not in ("level", "comment", "skip")},
    "level": "最好的回答 1-10 分 points of the best",
    "none_good": "都不好 none is good",
    "own_answer": "自己的回答 own answer",
    "comment": "评语 comment",
    "skip": "跳过的原因 reason to skip",
}
_WIDTHS = {
    "prompt": 44,
    "reference": 44,
    "text": 64,
    "comment": 32,
    "own_answer": 44,
    "skip": 24,
    "category": 22,
    "level": 16,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetTask:
    """One task as one person sees it."""

    task: int
    number: int
    """From 1, within this person's tasks."""
    places: tuple[tuple[TaskAnswer, ...], ...]
    """By place, the turns of the answer there."""
    response: Mapping[str, Any] | None


def headings(project: Project) -> Mapping[str, str]:
    """Column to its heading, in order; reference answers have one where the benchmark has them."""
    every = EXPERT if project.kind == "expert" else GRADE
    shown = project.benchmark.references
    return {name: title for name, title in every.items() if name != "reference" or shown}


def key_of(task: int, place: int, turn: int) -> str:
    """What binds a row of the sheet to an answer."""
    return f"{task}:{place}:{turn}"


def sheet_tasks(
    database: Database, project: Project, account: Account, *, taken: bool = False
) -> list[SheetTask]:
    """The tasks that a person has or may still take, in the project's order; what is shown as on the page.

    Args:
        taken: also those whose assignments went to others meanwhile, for a sheet that comes back late.
    """
    with database.begin() as connection:
        rows = connection.execute(
            select(
                ASSIGNMENTS.c.key,
                ASSIGNMENTS.c.task,
                ASSIGNMENTS.c.account,
                ASSIGNMENTS.c.state,
                ASSIGNMENTS.c.order,
            )
            .where(ASSIGNMENTS.c.project == project.key)
            .order_by(ASSIGNMENTS.c.number)
        ).all()
    mine = {row.task: row for row in rows if row.account == account.key}
    free = {row.task for row in rows if row.state == "free"}
    found: list[SheetTask] = []
    for answers in answers_of(database, project):
        task = answers[0].at.task
        if not taken and task not in mine and task not in free:
            continue
        with database.begin() as connection:
            order = _order(mine[task].order) if task in mine else None
            # The same order as when the assignment is taken later.
            order = order or order_for(connection, project, task, account.key)
            response = last_response(connection, mine[task].key) if task in mine else None
        places = tuple(tuple(one for one in answers if one.at.candidate == candidate) for candidate in order)
        found.append(SheetTask(task=task, number=len(found) + 1, places=places, response=response))
        if len(found) == MOST_TASKS and not taken:
            break
    return found


def write_sheet(database: Database, project: Project, account: Account) -> bytes:
    """The workbook of one member.

    Raises:
        PeopleError: there is nothing for this person to judge.
    """
    from openpyxl import Workbook

    tasks = sheet_tasks(database, project, account)
    if not tasks:
        raise PeopleError("这个人在这个项目里没有题。", "There is no task for this person in this project.")
    book = Workbook(write_only=True)
    _tasks_sheet(book, project, tasks)
    _guideline_sheet(book, project, tasks)
    about = book.create_sheet(ABOUT)
    about.sheet_state = "veryHidden"
    for name, value in (
        ("format", "1"),
        ("project", project.name),
        ("identity", project.identity),
        ("person", account.alias),
    ):
        about.append([text_cell(about, name), text_cell(about, value)])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _tasks_sheet(book: Any, project: Project, tasks: Sequence[SheetTask]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill, Protection
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(SHEET)
    columns = list(headings(project))
    sheet.freeze_panes = "A2"
    for number, name in enumerate(columns, start=1):
        column = sheet.column_dimensions[get_column_letter(number)]
        column.width, column.hidden = _WIDTHS.get(name, 9), name == "key"
    head = [text_cell(sheet, title) for title in headings(project).values()]
    for cell in head:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E4EEEE")
        cell.alignment = Alignment(wrap_text=True, vertical="center")
    sheet.append(head)
    filled = {"level", "comment", "skip", "none_good", "own_answer"}
    lists: dict[str, list[int]] = {}
    number = 1
    for task in tasks:
        for values, levels in _rows(project, task):
            number += 1
            cells = [text_cell(sheet, _shown(name, values.get(name, ""))) for name in columns]
            for name, cell in zip(columns, cells, strict=True):
                cell.alignment = Alignment(wrap_text=True, vertical="top")
                cell.protection = Protection(locked=name not in filled or (name == "level" and not levels))
                if name in filled and not (name == "level" and not levels):
                    cell.fill = PatternFill("solid", fgColor="FFFBE8")
            sheet.append(cells)
            if levels:
                lists.setdefault(levels, []).append(number)
    _offer(sheet, columns, lists, number)
    # Without a password: it keeps a slip of the hand away, nobody out.
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = False


def _rows(project: Project, task: SheetTask) -> list[tuple[dict[str, str], str]]:
    """The rows of a task, each with the levels that its level cell offers (none where nothing is judged)."""
    said = task.response or {}
    category = task.places[0][0].item.category
    title = category_title(project.benchmark.taxonomy, category)
    offered = ",".join(level.name for level in label_scale(project, category).levels)
    made: list[tuple[dict[str, str], str]] = []
    for place, turns in enumerate(task.places):
        judged = [one.at.turn for one in turns if one.seen.judgeable]
        for answer in turns:
            turn = answer.at.turn
            here = answer.seen.judgeable and (project.kind == "grade" or turn == judged[-1])
            level = said.get("levels", {}).get(f"{place}:{turn}", "")
            if project.kind == "expert" and here and place in said.get("best", ()):
                level = str(said.get("points") or "")
            text = (
                answer.seen.answer if answer.seen.judgeable else f"（无回答 no answer: {answer.seen.status}）"
            )
            values = {
                "key": key_of(task.task, place, turn),
                "number": str(task.number),
                "category": title.zh,
                "letter": LETTERS[place] if place < len(LETTERS) else str(place + 1),
                "turn": str(turn),
                "prompt": answer.seen.prompt,
                "reference": answer.item.reference or "",
                "text": text,
                "level": level,
            }
            made.append((values, offered if here else ""))
    first = made[0][0]
    first |= {"comment": said.get("comment") or "", "skip": said.get("skip") or ""}
    first |= {"own_answer": said.get("own_answer") or "", "none_good": YES if said.get("none_good") else ""}
    return made


def _shown(column: str, text: str) -> str:
    """What a model wrote as the site's page shows it; what a person wrote as it is, for it comes back."""
    return visible(text) if column in ("prompt", "text") else text


def _offer(sheet: Any, columns: Sequence[str], lists: Mapping[str, Sequence[int]], last: int) -> None:
    """Lists to choose from; Excel takes at most 255 characters of them."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    offers = [("level", levels, rows) for levels, rows in lists.items()]
    if "none_good" in columns:
        offers.append(("none_good", YES, range(2, last + 1)))
    for name, levels, rows in offers:
        if len(levels) > 250 or '"' in levels:
            continue
        validation = DataValidation(type="list", formula1=f'"{levels}"', allow_blank=True)
        validation.error, validation.errorTitle = f"请选 choose: {levels}"[:220], "等级 level"
        validation.showErrorMessage = True
        letter = get_column_letter(list(columns).index(name) + 1)
        start = before = None
        for row in [*rows, 0]:
            if before is not None and row != before + 1:
                validation.add(f"{letter}{start}:{letter}{before}")
                start = None
            start, before = (row if start is None else start), row
        sheet.data_validations.append(validation)


def _guideline_sheet(book: Any, project: Project, tasks: Sequence[SheetTask]) -> None:
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet(GUIDELINE)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 24, 110
    how = [
        "在“标注”表的浅黄色格子里填写；一道题的每个回答都要有等级，空着的题算还没有做。填好后保存为 .xlsx 交回或上传。",
        "Fill in the pale yellow cells of the sheet 标注: every answer of a task needs a level; blank tasks are not done.",
        "Save it as .xlsx and hand it back or upload it.",
    ]
    if project.kind == "expert":
        how.append(
            "给最好的回答（可以几个，分数相同）填 1-10 分，其余留空；都不好就在题的第一行填“是”。 "
            "Give the best answer (several may be, with the same points) 1 to 10; leave the others blank. If none is "
            "good, write 是 in the task's first row."
        )
    rows: list[tuple[str, str]] = [("填写 How to", text) for text in how]
    seen: set[tuple[str, ...]] = set()
    for task in tasks:
        category = task.places[0][0].item.category[:1]
        if category in seen:
            continue
        seen.add(category)
        title = category_title(project.benchmark.taxonomy, category)
        heading = f"{title.zh} {title.en}".strip() or "全部 all"
        text, ours = project.guideline_for(task.places[0][0].item.category)
        rows.append((heading, text + ("\n（本项目的写法 our own wording）" if ours else "")))
        levels = label_scale(project, task.places[0][0].item.category).levels
        rows += [(f"{heading}：{level.name}", f"{level.zh} {level.en}".strip()) for level in levels]
    for heading, text in rows:
        cells = [text_cell(sheet, heading), text_cell(sheet, text)]
        cells[0].font = Font(bold=True)
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.append(cells)


def _order(text: str) -> list[int]:
    import json

    return list(json.loads(text)) if text else []
