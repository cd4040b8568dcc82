"""Reading one row of a labels file."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from liangxin import cells
from liangxin.digests import text_digest
from liangxin.files.cut import cut_from, may_be_cut
from liangxin.files.guards import unquoted
from liangxin.judges.base import JudgeContext
from liangxin.records import Case, Level, Row, Scale
from liangxin.registry import kind_and_name
from liangxin.specs import REFUSAL, SAFETY
from liangxin.zh import clean_text

Subject = Literal["primary", "refusal", "safety"]
_HEX = frozenset("0123456789abcdef")
_OURS: tuple[tuple[Subject, Scale], ...] = (("refusal", REFUSAL), ("safety", SAFETY))
_BINDINGS = ("response", "response_sha256", "dialogue")


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


class AnswerDigests(NamedTuple):
    """The sha256 of an answer's UTF-8, and of it with LF line ends and no blanks around it."""

    exact: str
    plain: str


def digests(text: str) -> AnswerDigests:
    """Both digests of an answer."""
    cleaned = clean_text(text)
    return AnswerDigests(text_digest(cleaned), text_digest(_plain(cleaned)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label; answers are kept as digests, so that a large file stays small in memory."""

    row: int
    item: str
    turn: int
    trial: int | None
    """None where the dialogue tells the trial."""
    annotator: str
    subject: Subject
    level: str
    note: str
    response: AnswerDigests | None
    unguarded: AnswerDigests | None
    """Of the same answer without the guard before a formula that a csv may have."""
    cut: str
    """The answer as it stands where no cell may have held more of it."""
    response_sha256: str | None
    dialogue: str | None
    model: str
    """The model that the row names, unless it is the run's."""
    elsewhere: bool
    """Whether that is another model than the run's; a recorded run's model has no name to compare."""

    @property
    def bound(self) -> bool:
        """Whether the row says which answer it is about."""
        return self.response is not None or self.response_sha256 is not None or self.dialogue is not None

    def names(self, case: Case) -> bool:
        """Whether the label is for that trial of the item's turn."""
        return self.trial == case.trial or (self.trial is None and self.dialogue is not None)

    def fits(self, case: Case, answer: AnswerDigests) -> bool:
        """Whether the answer is the one that the label was given for; everything that the row names must agree."""
        if self.dialogue is not None and self.dialogue != case.dialogue:
            return False
        if self.response_sha256 is not None and self.response_sha256 != answer.exact:
            return False
        # A table program changes line ends and trims cells; nothing else may differ.
        return (
            self.response is None
            or any(
                one is not None and (one.exact == answer.exact or one.plain == answer.plain)
                for one in (self.response, self.unguarded)
            )
            or (bool(self.cut) and cut_from(self.cut, _plain(clean_text(case.answer))))
        )


class LabelReader:
    """Reads rows against the items, scales and model of one run."""

    def __init__(self, context: JudgeContext) -> None:
        self._context = context
        self._recorded = context.run_traits.recorded
        self._prompts: Mapping[str, str] | None = None
        self._any_scale = tuple({scale.name: scale for scale in context.benchmark.scales.values()}.values())

    def read(self, row: Row) -> Label:
        """One row as a label.

        Raises:
            DataError: a cell is missing or not what it must be.
        """
        item = self._item(row)
        subject, level = self._level(row, item)
        trial = cells.count(row, "trial")
        bindings = _bindings(row)
        if not self._recorded and not any(bindings.values()):
            raise cells.bad(
                row, "response", None, "response, response_sha256 or dialogue: a label belongs to an answer"
            )
        model = self._other_model(_text(row, "model"))
        response, dialogue = bindings["response"], bindings["dialogue"]
        return Label(
            row=row.number,
            item=item,
            turn=cells.count(row, "turn") or 1,
            trial=trial if trial is not None or dialogue is not None else 1,
            annotator=_annotator(row),
            subject=subject,
            level=level,
            note=_text(row, "note"),
            response=None if response is None else digests(response),
            unguarded=None
            if response is None or unquoted(response) == response
            else digests(unquoted(response)),
            cut=_cut(response, named=bool(dialogue or bindings["response_sha256"])),
            response_sha256=_sha256(row, bindings["response_sha256"]),
            dialogue=dialogue,
            model=model,
            elsewhere=bool(model) and not self._recorded and bool(self._context.run_model),
        )

    def _item(self, row: Row) -> str:
        expected = f"the id of an item of {self._context.benchmark.name}"
        name = cells.own_id(row, expected=expected)
        if name is not None:
            if name not in self._context.item_ids:
                raise cells.wrong(row, "id", expected)
            return name
        prompt = row.values.get("prompt")
        if cells.absent(prompt):
            raise cells.bad(row, "id", None, "id or prompt")
        asked = _text(row, "prompt", strip=False)
        found = self._context.item_prompts.get(asked) or self._by_plain_prompt(asked)
        if found is None:
            raise cells.bad(
                row, "prompt", prompt, f"the first turn of an item of {self._context.benchmark.name}"
            )
        return found

    def _by_plain_prompt(self, asked: str) -> str | None:
        if self._prompts is None:
            self._prompts = {_plain(text): item for text, item in self._context.item_prompts.items()}
        return self._prompts.get(_plain(asked))

    def _level(self, row: Row, item: str) -> tuple[Subject, str]:
        value = row.values.get("level")
        category = self._context.item_categories.get(item)
        own = (self._context.benchmark.scale_for(category),) if category is not None else self._any_scale
        for scale in own:
            level = level_of(scale, value, points=True)
            if level is not None:
                return "primary", level.name
        if self._context.benchmark.kind == "open":
            # A number never means a level of our own scales: 0 on a scale that has none is a slip of the pen.
            for subject, scale in _OURS:
                level = level_of(scale, value, points=False)
                if level is not None:
                    return subject, level.name
        names = [level.name for scale in own for level in scale.levels]
        if self._context.benchmark.kind == "open":
            names += [level.name for _, scale in _OURS for level in scale.levels]
        raise cells.bad(row, "level", value, "one of " + ", ".join(dict.fromkeys(names)))

    def _other_model(self, model: str) -> str:
        """The named model, or nothing where it is the run's: its SPEC or the SPEC's name."""
        spec = self._context.run_model
        return "" if model in (spec, kind_and_name(spec)[1]) else model


def level_of(scale: Scale, value: object, *, points: bool) -> Level | None:
    """The level that a cell names: by its name, its points (3, 3.0, "3") or its title in either language.

    Args:
        points: whether a number may stand for the level that is worth so many points.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    written = unicodedata.normalize("NFKC", str(value)).strip()
    number = cells.number(written)
    if (whole := cells.whole(written)) is not None and (exact := scale.level(str(whole))) is not None:
        return exact
    if (named := scale.level(written)) is not None:
        return named
    if points and number is not None:
        worth = [level for level in scale.levels if level.points == number]
        return worth[0] if len(worth) == 1 else None
    folded = written.casefold()
    titled = [
        one for one in scale.levels if folded in {one.name.casefold(), one.zh.casefold(), one.en.casefold()}
    ]
    return titled[0] if len(titled) == 1 else None


def _cut(response: str | None, *, named: bool) -> str:
    kept = _plain(response or "") if named else ""
    return kept if may_be_cut(kept) else ""


def _text(row: Row, field: str, *, strip: bool = True) -> str:
    value = row.values.get(field)
    if value is None:
        return ""
    text = cells.written(value)
    if text is None:
        raise cells.bad(row, field, value, "text")
    return text.strip() if strip else text


def _annotator(row: Row) -> str:
    name = _text(row, "annotator")
    if name.startswith("@"):
        raise cells.bad(
            row, "annotator", name, "a name that does not begin with @ (kept for adjudicators' decisions)"
        )
    return name


def _bindings(row: Row) -> dict[str, str | None]:
    """What ties the row to an answer; an empty `response` is an answer too, an empty digest is none."""
    found: dict[str, str | None] = {}
    for field in _BINDINGS:
        value = cells.answer(row, field) if field == "response" else row.values.get(field)
        if value is not None and not isinstance(value, str):
            raise cells.bad(row, field, value, "text")
        found[field] = value if value is None or field == "response" else value.strip() or None
    return found


def _sha256(row: Row, value: str | None) -> str | None:
    if value is None:
        return None
    digest = value.lower()
    if len(digest) != 64 or not _HEX.issuperset(digest):
        raise cells.bad(row, "response_sha256", value, "64 hex digits: the sha256 of the answer in UTF-8")
    return digest
