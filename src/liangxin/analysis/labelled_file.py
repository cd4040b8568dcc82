"""A plain labelled file: answers with people's levels, on which a judge is measured without any run."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liangxin import cells
from liangxin.analysis.pairs import GoldPairs, Pair, Ratings, consensus
from liangxin.correction.known_prompts import KnownPrompts
from liangxin.digests import text_digest
from liangxin.engine.pool import Stop, in_one, work
from liangxin.errors import DataError
from liangxin.files import file_digest, read_rows
from liangxin.files.unread import watched_rows
from liangxin.judges import Judge
from liangxin.judges.label_rows import level_of
from liangxin.records import Case, Row, Scale, Verdict, VerdictStatus
from liangxin.specs import Benchmark, scale_of

_DIMENSION = ("dimension", "category")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFile:
    """The answers of a file, each once, with every annotator's level."""

    path: str
    sha256: str
    cases: tuple[Case, ...]
    labels: tuple[Mapping[str, str], ...]
    """Of each case: annotator -> level."""
    models: frozenset[str]
    """What the rows name."""


def read_labelled(path: str, benchmark: Benchmark, subject: str) -> LabelledFile:
    """Rows of `prompt`, `response`, `level`; optional `dimension` (or `category`), `annotator`, `model`.

    Args:
        subject: `primary` for the benchmark's own scale, `refusal` or `safety` for ours.

    Raises:
        DataError: a cell is missing, a level is off the scale, or an annotator labelled one answer twice.
    """
    cases: dict[str, Case] = {}
    labels: dict[str, dict[str, str]] = {}
    rows: dict[tuple[str, str], int] = {}
    models: set[str] = set()
    for row in watched_rows(path, read_rows(path)):
        case = _case(row, benchmark, subject)
        annotator = _cell(row, "annotator")
        level = level_of(case.scale, row.values.get("level"), points=subject == "primary")
        if level is None:
            raise cells.wrong(row, "level", "one of " + ", ".join(one.name for one in case.scale.levels))
        first = rows.setdefault((case.item_id, annotator), row.number)
        if first != row.number:
            said = labels[case.item_id][annotator]
            again = "the same answer" if said == level.name else f"the same answer labelled {said}"
            expected = f"one label for each answer and annotator (the first is in row {first})"
            raise DataError.at(row.file, row.number, "level", found=f"{again} before", expected=expected)
        cases.setdefault(case.item_id, case)
        labels.setdefault(case.item_id, {})[annotator] = level.name
        models |= {_cell(row, "model")} - {""}
    return LabelledFile(
        path=path,
        sha256=file_digest(path),
        cases=tuple(cases.values()),
        labels=tuple(labels[key] for key in cases),
        models=frozenset(models),
    )


async def ask_all(judge: Judge, cases: Sequence[Case]) -> list[Verdict | None]:
    """A judge's verdicts on cases, as many at once as it allows; nothing is stored, and the judge is closed."""
    verdicts: list[Verdict | None] = [None] * len(cases)

    async def handle(start: int) -> None:
        batch = cases[start : start + judge.batch]
        verdicts[start : start + len(batch)] = await judge.rule(batch)

    try:
        await work(in_one(range(0, len(cases), judge.batch)), handle, judge.connections, Stop())
    finally:
        await judge.aclose()
    return verdicts


def pairs_of(
    file: LabelledFile,
    benchmark: Benchmark,
    verdicts: Sequence[Verdict | None],
    trained: KnownPrompts = KnownPrompts(),
) -> GoldPairs:
    """The file's answers beside a judge's verdicts on them, in order.

    Args:
        trained: the prompts that the judge was trained on.
    """
    rows: list[Pair] = []
    tied = 0
    for case, labels, verdict in zip(file.cases, file.labels, verdicts, strict=True):
        gold = consensus(
            [Verdict(level=level) for level in labels.values()], case.scale, benchmark.annotators
        )
        if gold is None:
            tied += 1
            continue
        given = verdict is not None and verdict.status is VerdictStatus.GIVEN
        rows.append(
            Pair(
                item=case.item_id,
                unit=case.item_id,
                category=case.category,
                trial=1,
                turn=1,
                scale=case.scale,
                gold=gold,
                judged=verdict.level if verdict is not None and given else None,
                reason="" if given else "not judged" if verdict is None else str(verdict.status),
                length=len(case.answer),
                trained=case.prompt in trained,
            )
        )
    return GoldPairs(rows=tuple(rows), tied=tied, answers=len(file.cases))


def ratings_of(file: LabelledFile, scale: Scale) -> Ratings:
    """Each annotator's levels of the file's answers."""
    names = [level.name for level in scale.levels]
    people = sorted({annotator for labels in file.labels for annotator in labels})
    places = tuple(
        tuple(names.index(labels[annotator]) if annotator in labels else -1 for labels in file.labels)
        for annotator in people
    )
    return Ratings(places=places, units=tuple(case.item_id for case in file.cases))


def _case(row: Row, benchmark: Benchmark, subject: str) -> Case:
    prompt, answer = (
        cells.text(row, "prompt"),
        cells.text(row, "response", within={"response": cells.answer(row, "response")}),
    )
    dimension = next((found for name in _DIMENSION if (found := _cell(row, name))), "")
    tops = [one.name for one in benchmark.taxonomy]
    closed = tops and not benchmark.open_taxonomy
    if (
        closed
        and dimension not in tops
        and ("*" not in benchmark.scales or dimension or len(benchmark.scales) > 1)
    ):
        raise cells.wrong(row, "dimension", "one of " + ", ".join(tops))
    category = (dimension,) if dimension else ()
    scale = scale_of(subject, benchmark, category)
    key = text_digest("\0".join((dimension, prompt, answer)), length=16)
    return Case(
        item_id=key,
        category=category,
        dialogue=key,
        trial=1,
        turn=1,
        history=(),
        prompt=prompt,
        answer=answer,
        scale=scale,
        reference=_reference(row) if benchmark.references else None,
    )


def _reference(row: Row) -> str | None:
    return None if cells.absent(row.values.get("reference")) else cells.text(row, "reference")


def _cell(row: Row, field: str) -> str:
    value = row.values.get(field)
    return "" if value is None else unicodedata.normalize("NFKC", cells.written(value) or str(value)).strip()
