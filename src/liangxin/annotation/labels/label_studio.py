"""Label Studio: tasks and a labelling configuration for it, and its JSON or JSON-MIN exports as label rows.

One task there is one answer here. Its `data` holds `item`, `dialogue`, `turn` and `response_sha256`, which bind the
label, and `prompt` and `answer` for people to read. (JSON-MIN writes its own task number over a field named `id`.)
Formats: https://labelstud.io/guide/task_format and https://labelstud.io/guide/export.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from xml.sax.saxutils import quoteattr

from liangxin import cells
from liangxin.annotation.labels.answers import answers_of
from liangxin.annotation.labels.reading import Errors
from liangxin.annotation.labels.workbook_check import check_size
from liangxin.annotation.outcome.verdicts import label_scale
from liangxin.annotation.projects import Project
from liangxin.digests import text_digest
from liangxin.errors import PeopleError
from liangxin.files import parse_json, show, writable
from liangxin.records import Row
from liangxin.store import Database
from liangxin.zh import clean_text

BINDING = ("item", "dialogue", "turn", "response_sha256")
_LEVEL, _COMMENT, _EVIDENCE = "level", "comment", "evidence"
_TYPES = ("choices", "rating", "textarea", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export of Label Studio as rows of labels."""

    rows: tuple[Row, ...]
    """Numbered by the task's place in the file, from 1; a second annotation of a task has the same number."""
    spans: Mapping[int, tuple[tuple[int, int], ...]]
    """Index in `rows` to marked pieces, in code points."""
    cancelled: int
    """Annotations that their author had skipped there."""
    empty: int
    """Annotations without a level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What one annotation says."""

    level: object = None
    comment: str = ""
    marked: tuple[Mapping[str, Any], ...] = ()


def tasks_json(database: Database, project: Project) -> bytes:
    """The project's answers as tasks to import there; model names are not among them."""
    made = [
        {
            "data": {
                "item": answer.item.id,
                "dialogue": answer.dialogue,
                "turn": answer.at.turn,
                "response_sha256": text_digest(clean_text(answer.seen.answer)),
                "category": "/".join(answer.item.category),
                "history": _history(
                    [one.seen for one in task if one.dialogue == answer.dialogue], answer.at.turn
                ),
                "prompt": answer.seen.prompt,
                "answer": answer.seen.answer,
            }
        }
        for task in answers_of(database, project)
        for answer in task
        if answer.seen.judgeable
    ]
    return (json.dumps(made, ensure_ascii=False, indent=1) + "\n").encode()


def config_xml(database: Database, project: Project) -> bytes:
    """The labelling configuration that goes with `tasks_json`."""
    levels: dict[str, str] = {}
    for task in answers_of(database, project):
        for level in label_scale(project, task[0].item.category).levels:
            levels.setdefault(level.name, f"{level.name} {level.zh} {level.en}".strip())
    choices = "".join(
        f"    <Choice value={quoteattr(shown)} alias={quoteattr(name)}/>\n" for name, shown in levels.items()
    )
    return f"""\
<View>
  <Text name="history" value="$history"/>
  <Text name="prompt" value="$prompt"/>
  <Labels name="{_EVIDENCE}" toName="answer"><Label value="依据 evidence" background="#d8a531"/></Labels>
  <Text name="answer" value="$answer" granularity="symbol"/>
  <Choices name="{_LEVEL}" toName="answer" choice="single" required="true">
{choices}  </Choices>
  <TextArea name="{_COMMENT}" toName="answer" rows="3" maxSubmissions="1" placeholder="评语 comment"/>
</View>
""".encode()


def read_export(name: str, content: bytes, answers: Mapping[tuple[str, int], str]) -> Export:
    """An export (JSON or JSON-MIN) as rows of labels.

    Args:
        answers: (dialogue, turn) -> text of the answer, to place marked pieces.

    Raises:
        FileErrors: tasks are not what they must be.
        PeopleError: the file is no JSON list of tasks.
    """
    check_size(content)
    shown = PurePath(name.replace("\\", "/")).name[:80] or "export.json"
    errors = Errors()
    rows: list[Row] = []
    spans: dict[int, tuple[tuple[int, int], ...]] = {}
    cancelled = empty = 0
    for number, task in enumerate(_tasks(content), start=1):
        where = f"{shown}: task {number}"
        if not isinstance(task, dict):
            errors.add(f"{where}: found {show(task)}, expected an object")
            continue
        inner = task.get("data")
        data: Mapping[str, Any] = inner if isinstance(inner, dict) else task
        bound = _binding(data, where, errors)
        if bound is None:
            continue
        for annotation, said in _annotations(task, where, errors):
            if annotation.get("was_cancelled") is True:
                cancelled += 1
                continue
            if said is None:
                continue
            if said.level in (None, ""):
                empty += 1
                continue
            values = {**bound, "level": said.level, "note": said.comment, "annotator": _annotator(annotation)}
            text = answers.get((str(bound.get("dialogue", "")), int(bound["turn"])))
            if text is not None:
                spans[len(rows)] = tuple(_placed(said.marked, text, where, errors))
            rows.append(Row(file=shown, number=number, values=values))
    errors.check()
    return Export(rows=tuple(rows), spans=spans, cancelled=cancelled, empty=empty)


def _history(turns: Sequence[Any], until: int) -> str:
    return "\n\n".join(
        f"用户 user：{one.prompt}\n\n回答 answer：{one.answer}" for one in turns if one.turn < until
    )


def _tasks(content: bytes) -> list[Any]:
    try:
        found = writable(parse_json(content.decode("utf-8-sig")))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not found:
        raise PeopleError(
            "这不是 Label Studio 导出的 JSON 或 JSON-MIN（应是任务的列表）。",
            "This is not a JSON or JSON-MIN export of Label Studio: expected a list of tasks.",
        )
    return found


def _binding(data: Mapping[str, Any], where: str, errors: Errors) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for field in ("item", "dialogue", "response_sha256"):
        value = data.get(field)
        if isinstance(value, str) and value:
            found["id" if field == "item" else field] = value
    written = data.get("turn", 1)
    turn = cells.whole(written)
    if turn is None or turn < 1:
        errors.add(f"{where}: data.turn: found {show(data.get('turn'))}, expected a whole number from 1")
        return None
    if "dialogue" not in found and not {"id", "response_sha256"} <= set(found):
        errors.add(
            f"{where}: data: found no dialogue, expected {', '.join(BINDING)} as in the tasks file of this site"
        )
        return None
    return {**found, "turn": turn}


def _annotations(
    task: Mapping[str, Any], where: str, errors: Errors
) -> Iterator[tuple[Mapping[str, Any], _Said | None]]:
    """Each annotation with what it says; JSON-MIN has one a task, its answers beside the data."""
    if "annotations" not in task and "data" not in task:
        yield task, _minimal(task, where, errors)
        return
    listed = task.get("annotations")
    if not isinstance(listed, list):
        errors.add(f"{where}: annotations: found {show(listed)}, expected a list (export as JSON)")
        return
    for at, annotation in enumerate(listed):
        result = annotation.get("result") if isinstance(annotation, dict) else None
        if result is None and isinstance(annotation, dict):
            # Of a skipped annotation some versions export no result at all (HumanSignal/label-studio-sdk#662).
            result = []
        if not isinstance(result, list) or not all(isinstance(one, dict) for one in result):
            errors.add(f"{where}: annotations[{at}].result: found {show(result)}, expected a list of objects")
            continue
        yield annotation, _full(result, f"{where}: annotations[{at}]", errors)


def _full(result: Sequence[Mapping[str, Any]], where: str, errors: Errors) -> _Said | None:
    level: object = None
    comments: list[str] = []
    marked: list[Mapping[str, Any]] = []
    for at, one in enumerate(result):
        kind, value = one.get("type"), one.get("value")
        if kind not in _TYPES:
            continue
        if not isinstance(value, dict):
            errors.add(f"{where}.result[{at}].value: found {show(value)}, expected an object")
            return None
        content = value.get(kind)
        if kind == "textarea":
            comments += _texts(value)
        elif kind == "labels":
            marked.append(value)
        else:
            given = _single(content)
            if given is None or (level is not None and level != given):
                errors.add(f"{where}.result[{at}]: found {show(content)}, expected one level for an answer")
                return None
            level = given
    return _Said(level=level, comment="\n".join(comments), marked=tuple(marked))


def _minimal(task: Mapping[str, Any], where: str, errors: Errors) -> _Said | None:
    level = task.get(_LEVEL, task.get("rating"))
    if isinstance(level, list) and level and isinstance(level[0], dict):
        level = level[0].get("rating")
    elif isinstance(level, dict):
        level = level.get("choices")
    given = _single(level)
    if level not in (None, "", []) and given is None:
        errors.add(f"{where}: {_LEVEL}: found {show(level)}, expected one level for an answer")
        return None
    evidence = task.get(_EVIDENCE)
    marked = [one for one in evidence if isinstance(one, dict)] if isinstance(evidence, list) else []
    return _Said(level=given, comment="\n".join(_texts(task.get(_COMMENT))), marked=tuple(marked))


def _single(content: object) -> object:
    """The one level, or None: nothing, or several."""
    if isinstance(content, list):
        content = content[0] if len(content) == 1 else None
    return content if isinstance(content, str | int | float) and not isinstance(content, bool) else None


def _texts(content: object) -> list[str]:
    if isinstance(content, dict):
        content = content.get("text")
    found = content if isinstance(content, list) else [content]
    return [one.strip() for one in found if isinstance(one, str) and one.strip()]


def _annotator(annotation: Mapping[str, Any]) -> str:
    """Who: a number or an object by the version there; JSON-MIN says `annotator`."""
    who = annotation.get("completed_by", annotation.get("annotator"))
    if isinstance(who, dict):
        name = who.get("email") or f"{who.get('first_name') or ''} {who.get('last_name') or ''}".strip()
        who = name or who.get("id")
    if isinstance(who, int) and not isinstance(who, bool):
        return f"label-studio-{who}"
    return who if isinstance(who, str) else ""


def _placed(
    marked: Sequence[Mapping[str, Any]], text: str, where: str, errors: Errors
) -> Iterator[tuple[int, int]]:
    """Marked pieces in code points. A browser counts UTF-16 units: beyond the first emoji the numbers differ."""
    for one in marked:
        start, end = one.get("start"), one.get("end")
        if not isinstance(start, int) or not isinstance(end, int) or isinstance(start, bool):
            errors.add(
                f"{where}: a label's start and end: found {show(start)}, {show(end)}, expected numbers"
            )
            continue
        wanted = one.get("text")
        units = text.encode("utf-16-le")
        browser = (_points(units, start), _points(units, end))
        tried = [browser, (start, end)]
        fits = [
            at for at in tried if 0 <= at[0] < at[1] <= len(text) and wanted in (None, text[at[0] : at[1]])
        ]
        if fits:
            yield fits[0]
        else:
            errors.add(
                f"{where}: a label's text: found {show(wanted)}, expected a piece of the answer at {start}-{end}"
            )


def _points(units: bytes, place: int) -> int:
    return len(units[: 2 * place].decode("utf-16-le", "ignore")) if 0 <= 2 * place <= len(units) else -1
