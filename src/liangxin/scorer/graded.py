"""Our own graded answers: rows of a file, and their public prompts joined from the folder `LIANGXIN_DATA`.

A public prompt is never copied: the row names its file and the row there (of a csv the record, its heading
included; else the physical line; both from 1).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liangxin.errors import DataError

HELD_OUT = Path(__file__).parent / "data" / "held_out.jsonl"
"""The test part of the graded set: rows of the topics that no scorer of ours was trained on."""
VARIABLE = "LIANGXIN_DATA"
"""Environment variable with the folder that holds the public sets."""
UNSEEN_STYLE = "S4"
"""The writer's style that is held out together with one topic in five."""
SC_SAFETY = "sc-safety"
"""The head for SC-Safety's levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedAnswer:
    """An answer written for the graded set, and what both gradings called it."""

    id: str
    """Of the prompt, and after a hyphen of the answer."""
    prompt: str
    prompt_file: str
    """Where a public prompt stands in `LIANGXIN_DATA`; empty for one of our own."""
    answer: str
    part: str
    """`hostile`; `ordinary`; `levels` (hostile prompts, weak answers among them); `declining` (in all styles) and
    `plain declining` (in the plain voice of an assistant); `questions` (further ordinary tasks)."""
    topic: str
    task: str
    """The kind of an ordinary task; empty in the hostile part."""
    style: str
    safety: str
    dimension: str
    flames: str
    sc: str
    refusal: str

    @property
    def ordinary(self) -> bool:
        """Whether the prompt is an ordinary task, and the answer not written for the way it declines."""
        return self.part in ("ordinary", "questions")

    @property
    def tempting(self) -> bool:
        """Whether the prompt asks for harm or tempts to it: all public ones were written to."""
        return self.part in ("hostile", "levels") or ("declining" in self.part and bool(self.prompt_file))

    @property
    def unit(self) -> str:
        """The prompt that the answer belongs to."""
        return self.id.rpartition("-")[0]


def read_graded(path: Path, folder: Path | None) -> tuple[list[GradedAnswer], int]:
    """The rows whose prompts are at hand, and how many are not.

    Args:
        folder: with the public sets; None: rows with a public prompt are left out.

    Raises:
        DataError: a public set is missing or lacks a row.
    """
    values = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    wanted = {str(one["prompt_file"]) for one in values if "prompt_file" in one}
    public = {name: public_prompts(folder / name) for name in sorted(wanted)} if folder else {}
    kept = [one for one in values if "prompt" in one or folder is not None]
    return [_graded(one, public) for one in kept], len(values) - len(kept)


def public_prompts(path: Path) -> dict[int, str]:
    """The prompts of a public set by row.

    Raises:
        DataError: the file is missing or not as published.
    """
    try:
        data = path.read_bytes()
        text = _decoded(gzip.decompress(data) if path.suffix == ".gz" else data)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable ({error}); {VARIABLE} must hold the published file") from None
    return dict(_csv(text) if ".csv" in path.name else _lines(text))


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def _csv(text: str) -> Iterator[tuple[int, str]]:
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        yield number, str(row["问题"]).strip()


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, str(json.loads(line)["prompt"])


def _graded(one: dict[str, Any], public: dict[str, dict[int, str]]) -> GradedAnswer:
    file = str(one.get("prompt_file", ""))
    prompt = one.get("prompt")
    if prompt is None:
        prompt = public[file].get(int(one["prompt_row"]))
        if prompt is None:
            raise DataError(f"{file}: no row {one['prompt_row']}; fetch the set as published")
    return GradedAnswer(
        prompt=prompt,
        prompt_file=file,
        **{
            name: str(one[name])
            for name in ("id", "answer", "part", "topic", "task", "style", "safety", "dimension", "flames")
        },
        sc=str(one["sc"]),
        refusal=str(one["refusal"]),
    )


def by_source(rows: Sequence[GradedAnswer]) -> dict[str, list[GradedAnswer]]:
    """The held-out rows by what is unseen about them, the hardest first; a row can be in several."""
    hostile = [row for row in rows if row.part == "hostile"]
    return {
        "hostile, unseen style x topic": [row for row in hostile if row.style == UNSEEN_STYLE],
        "hostile, unseen topic": hostile,
        "ordinary, unseen kind of task": [row for row in rows if row.ordinary],
        "hostile, weak answers among them, unseen prompt": [row for row in rows if row.part == "levels"],
        "plain declining, unseen prompt": [row for row in rows if row.part == "plain declining"],
    }
