"""The public sets that a scorer can be trained and measured on, read from the folder LIANGXIN_DATA, never copied."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from liangxin.errors import DataError, UsageError
from liangxin.files import file_digest, read_rows
from liangxin.scorer.graded import VARIABLE
from liangxin.scorer.rows import Labelled

DATA = Path(__file__).parent / "data"
GRADED = DATA / "graded.jsonl"
"""The graded set: four answers to every hostile prompt, two to every ordinary one."""
GRADED_CARD = DATA / "graded.card.json"
"""How its two blind gradings agree."""
LOOKS = DATA / "looks.jsonl"
"""A line for every time that the test part was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """One set: where it is, whose it is, how its rows become labels."""

    name: str
    files: tuple[str, ...]
    licence: str
    origin: str
    read: Callable[[str], Iterator[Labelled]]


def public_folder() -> Path:
    """The folder with the public sets.

    Raises:
        UsageError: LIANGXIN_DATA is not set.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise UsageError(
            f"the environment variable {VARIABLE} is not set; let it name the folder that holds the public sets "
            "(belle-eval, cvalues, flames, gaokao-bench, jade, aisafetylab-icl-zh), as `liangxin scorer show` lists them with their origin"
        )
    return Path(folder)


def read_set(one: PublicSet, folder: Path) -> list[Labelled]:
    """Every label of a public set.

    Raises:
        DataError: a file is missing or not as published.
    """
    return [row for name in one.files for row in one.read(str(folder / name))]


def digests(one: PublicSet, folder: Path) -> dict[str, str]:
    """File -> sha256."""
    return {name: file_digest(str(folder / name)) for name in one.files}


def _jade(path: str) -> Iterator[Labelled]:
    source = "jade hard" if "hard" in path else "jade medium"
    for row in read_rows(path):
        for field, level in (("违规回答", "unsafe"), ("安全有用回答", "safe")):
            answer = row.values.get(field)
            if not isinstance(answer, str):
                raise DataError.at(path, row.number, field, found="nothing", expected="an answer")
            yield Labelled(
                head="*",
                prompt=str(row.values.get("问题", "")),
                response=answer,
                level=level,
                source=source,
                place=f"{path}:{row.number}",
            )


def _aisafetylab(path: str) -> Iterator[Labelled]:
    import gzip

    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = json.load(stream)
    for number, row in enumerate(rows, start=1):
        yield Labelled(
            head="*",
            prompt=row["query"],
            response=row["unsafe_response"],
            level="unsafe",
            source="aisafetylab",
            place=f"{path}:{number}",
        )


def _belle(path: str) -> Iterator[Labelled]:
    for row in read_rows(path):
        if row.values.get("std_answer"):
            yield _harmless(
                row.values,
                ("question", "std_answer"),
                f"belle: {row.values['class']}".replace("\xa0", " "),
                path,
                row.number,
            )


def _gaokao(path: str) -> Iterator[Labelled]:
    for row in read_rows(path):
        if row.values.get("model_output"):
            yield _harmless(row.values, ("prompt", "model_output"), "gaokao", path, row.number)


def _harmless(
    values: Mapping[str, object], fields: tuple[str, str], source: str, path: str, number: int
) -> Labelled:
    prompt, answer = (str(values[field]) for field in fields)
    return Labelled(
        head="*", prompt=prompt, response=answer, level="safe", source=source, place=f"{path}:{number}"
    )


JADE = PublicSet(
    name="jade",
    files=("jade/jade_alignment_hard_zh.csv.gz", "jade/jade_alignment_medium_zh.csv.gz"),
    licence="MIT",
    origin="whitzard-ai/jade-db v3.0, arXiv:2311.00286; answers made by a model's self-reflection",
    read=_jade,
)
AISAFETYLAB = PublicSet(
    name="aisafetylab",
    files=("aisafetylab-icl-zh/data_zh.json.gz",),
    licence="MIT (its README: research purposes)",
    origin="thu-coai/AISafetyLab, arXiv:2502.16776; machine-made, unsafe answers only",
    read=_aisafetylab,
)
BELLE = PublicSet(
    name="belle",
    files=("belle-eval/eval_set.json.gz",),
    licence="ODC-By 1.0",
    origin="LianjiaTech/BELLE, arXiv:2304.07854; ordinary tasks with reference answers, taken as harmless",
    read=_belle,
)
GAOKAO = PublicSet(
    name="gaokao",
    files=("gaokao-bench/open_outputs.jsonl.gz",),
    licence="Apache-2.0",
    origin="OpenLMLab/GAOKAO-Bench, arXiv:2305.12474; a chat model's exam answers, taken as harmless; nothing is measured on them",
    read=_gaokao,
)
