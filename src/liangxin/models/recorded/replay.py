"""Answers that were recorded before: `replay:FILE`.

A row has `id` or `prompt`, and `response` (or `responses`, one for each turn); optional `trial`,
`finish_reason`, `reply_status`, `detail`, `reasoning` (or `reasoning_content`), `model`. Of several turns,
one `finish_reason`, `reply_status` or `reasoning` speaks of the last; a list speaks of each. The published
layouts (Flames: dimension, prompt, response; CValues: prompt, label, response) work as they are. `model` says who
answered: a run is one model's, so a file that names several says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from liangxin import cells
from liangxin.errors import DataError
from liangxin.files import file_digest, is_table, read_rows, show
from liangxin.files.unread import watched_rows
from liangxin.models.reading import overrule, read_recorded
from liangxin.models.recorded import cells as recorded
from liangxin.records import Item, Message, Reply, ReplyStatus, Row
from liangxin.specs import Endpoint, Generation

_LOG = logging.getLogger(__name__)
_SHOWN = 4
NOT_RECORDED = Reply(status=ReplyStatus.FAILED, detail="no recorded answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One row, kept as it was written; it becomes a reply when it is asked for."""

    number: int
    """The row, for messages."""
    named: bool
    """Whether the row has an id of its own."""
    texts: tuple[str, ...]
    """By turn, as are the next three."""
    reasons: tuple[str | None, ...]
    statuses: tuple[str | None, ...]
    thoughts: tuple[str | None, ...]
    detail: str

    def reply(self, turn: int) -> Reply:
        """The answer to a turn, counted from 1."""
        at = turn - 1
        read = read_recorded(self.texts[at], self.reasons[at], self.thoughts[at] or "")
        return overrule(read, self.statuses[at], self.detail if turn == len(self.texts) else "")


def open_replay(path: str, endpoint: Endpoint) -> ReplayModel:
    """The model that answers from a file; the endpoint is not used.

    Raises:
        DataError: the file cannot be read, a row is wrong, or two rows record the same answer.
    """
    del endpoint
    return ReplayModel(path)


class ReplayModel:
    """Answers by item id or first prompt; see `liangxin.models.base.Recorded`."""

    def __init__(self, path: str) -> None:
        """Read the whole file.

        Raises:
            DataError: as `open_replay`.
        """
        self.identity = f"replay:{file_digest(path)[:16]}"
        self._by_id: dict[tuple[str, int], Recording] = {}
        self._by_prompt: dict[tuple[str, int], Recording] = {}
        self._shared: set[tuple[str, int]] = set()
        """Prompts that rows with different ids share: they find no row."""
        self._rows = 0
        self._used: set[int] = set()
        table = False
        models: dict[str, None] = {}
        for row in watched_rows(path, read_rows(path)):
            table = is_table(row.file)
            self._add(row, table=table)
            models |= dict.fromkeys(_models(row))
        if table and not any(any(one.texts) for one in (*self._by_id.values(), *self._by_prompt.values())):
            raise DataError(f"{path}: no row has a response; expected a column response with the answers")
        if len(models) > 1:
            listed = ", ".join(show(one) for one in list(models)[:_SHOWN]) + (
                ", …" if len(models) > _SHOWN else ""
            )
            _LOG.warning(
                "%s: the rows name %d models (%s); a run takes all of them for one model's answers",
                path,
                len(models),
                listed,
            )

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """The recorded answer to a conversation, found by its first user message; trial 1."""
        del generation
        asked = [message.content for message in messages if message.role == "user"]
        return self._answer(self._prompted(asked[0], 1), len(asked)) if asked else NOT_RECORDED

    def recorded(self, item: Item, turn: int, trial: int) -> Reply:
        """The recorded answer to one turn of an item; `failed` where there is none."""
        found = self._by_id.get((item.id, trial)) or self._prompted(item.turns[0], trial)
        return self._answer(found, turn)

    def unused(self) -> int:
        """How many rows belong to nothing that was asked for."""
        return self._rows - len(self._used)

    async def aclose(self) -> None:
        """Nothing to release."""

    def _prompted(self, prompt: str, trial: int) -> Recording | None:
        key = (prompt, trial)
        return None if key in self._shared else self._by_prompt.get(key)

    def _answer(self, recording: Recording | None, turn: int) -> Reply:
        if recording is None:
            return NOT_RECORDED
        self._used.add(recording.number)
        return recording.reply(turn) if turn <= len(recording.texts) else NOT_RECORDED

    def _add(self, row: Row, *, table: bool) -> None:
        """Enter a row under its id and its prompt."""
        self._rows += 1
        name, prompt = cells.own_id(row, "id"), recorded.text(row, "prompt") or None
        if name is None and prompt is None:
            raise cells.wrong(row, "id", "an id or a prompt that says which item was answered")
        trial = cells.count(row, "trial") or 1
        recording = _recording(row, named=name is not None, table=table)
        if name is not None:
            first = self._by_id.setdefault((name, trial), recording)
            if first is not recording:
                raise _twice(row, "id", first)
        if prompt is not None:
            first = self._by_prompt.setdefault((prompt, trial), recording)
            if first is not recording:
                if not (first.named and recording.named):
                    raise _twice(row, "prompt", first)
                self._shared.add((prompt, trial))


def _models(row: Row) -> Iterator[str]:
    """Who the row says has answered, if it says so."""
    value = row.values.get("model")
    if cells.absent(value):
        return
    name = cells.written(value)
    if name is None:
        raise cells.wrong(row, "model", "a model's name")
    yield name.strip()


def _recording(row: Row, *, named: bool, table: bool) -> Recording:
    told = (
        [recorded.choice(row, "reply_status", recorded.STATUSES)]
        if isinstance(row.values.get("reply_status"), str)
        else None
    )
    texts = _responses(row, table=table, may_lack=bool(told))
    statuses = (
        (*(None,) * (len(texts) - 1), *told) if told else recorded.texts(row, "reply_status", len(texts))
    )
    for status, text in zip(statuses, texts, strict=True):
        if status is not None and status not in recorded.STATUSES:
            raise cells.wrong(row, "reply_status", "one of " + ", ".join(recorded.STATUSES))
        if status == ReplyStatus.EMPTY and text.strip():
            raise cells.wrong(row, "reply_status", "another status than empty, because there is a response")
    thoughts = "reasoning" if row.values.get("reasoning") is not None else "reasoning_content"
    return Recording(
        number=row.number,
        named=named,
        texts=texts,
        reasons=recorded.texts(row, "finish_reason", len(texts)),
        statuses=statuses,
        thoughts=recorded.texts(row, thoughts, len(texts)),
        detail=recorded.text(row, "detail") or "",
    )


def _responses(row: Row, *, table: bool, may_lack: bool) -> tuple[str, ...]:
    """The answers by turn. A blank cell of a table is an empty answer; a missing one elsewhere an error."""
    single, several = cells.answer(row, "response"), row.values.get("responses")
    if several is not None:
        if single is not None:
            raise cells.wrong(row, "responses", "nothing, because there is a response too")
        if not (isinstance(several, list) and several and all(isinstance(one, str) for one in several)):
            raise cells.wrong(row, "responses", "a list of texts, one for each turn")
        return tuple(several)
    if single is None and (table or may_lack):
        return ("",)
    if not isinstance(single, str):
        raise cells.wrong(row, "response", 'the answer as a text ("" where it was empty), or responses')
    return (single,)


def _twice(row: Row, name: str, first: Recording) -> DataError:
    return cells.wrong(row, name, f"one row for each item and trial; row {first.number} answers it already")
