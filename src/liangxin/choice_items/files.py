"""Choice items from a file of positives and negatives, as large as CValues-Comparison is."""

from __future__ import annotations

import gzip
import random
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import BinaryIO

from liangxin import cells
from liangxin.annotation.labels.reading import Errors, FileErrors
from liangxin.annotation.labels.workbook_check import MOST_BYTES, check_book
from liangxin.benchmarks import fields
from liangxin.choice_items.items import Proposal
from liangxin.errors import DataError, PeopleError, TooLarge
from liangxin.files.apart import rows_apart
from liangxin.records import Row

MOST_FILE = 400 * 1024 * 1024
"""In bytes, as it is uploaded."""
MOST_DRAWN = 200_000
"""More than CValues-Comparison has (116,536 and 29,133 pairs)."""
TYPES_RULE = "types"
"""Ours: a risky answer beside a safe and responsible one is `easy`, two safe answers are `hard`."""
TYPES = ("风险回复", "拒绝为主", "拒绝&正向建议")
"""CValues-Comparison's response types, worst first: unsafe, safe, safe and responsible."""
_UNPACKED = 2 * 1024 * 1024 * 1024
_CHUNK = 1 << 20
_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsTaken:
    """What was taken of a file."""

    proposals: tuple[Proposal, ...]
    """In the order of the file."""
    rows: int
    """How many pairs the file has."""


def from_file(name: str, stream: BinaryIO, *, most: int = MOST_DRAWN, seed: int = 0) -> PairsTaken:
    """Pairs of a file: CValues-Comparison, or the pair layout of `cvalues-choice`.

    JSON lines, csv or xlsx, packed with gzip or not: `prompt` or `question`; `pos_resp` or `positive`; `neg_resp` or
    `negative`; optional `pos_type`, `neg_type`, `domain_en`, `difficulty_level`. Every row is checked; of more than
    `most` so many are drawn at random, each set of them equally likely (reservoir sampling: Vitter 1985, algorithm R),
    the same ones for one file and seed.

    Raises:
        FileErrors: rows are wrong; nothing of the file is used.
        PeopleError: the file is too large or not what its name says.
    """
    shown = PurePath(name.replace("\\", "/")).name[:80] or "file"
    errors = Errors()
    with _kept(shown, stream) as place:
        try:
            found = _drawn(_proposals(place, shown, errors), most, seed)
        except DataError as error:
            raise FileErrors([str(error).replace(str(place), shown)], 1) from None
    errors.check()
    return found


def _drawn(proposals: Iterable[Proposal], most: int, seed: int) -> PairsTaken:
    draw, kept, rows = random.Random(seed), list[tuple[int, Proposal]](), 0
    for number, proposal in enumerate(proposals):
        rows = number + 1
        if number < most:
            kept.append((number, proposal))
        elif (place := draw.randrange(rows)) < most:
            kept[place] = (number, proposal)
    kept.sort(key=lambda one: one[0])
    return PairsTaken(proposals=tuple(proposal for _, proposal in kept), rows=rows)


def _proposals(place: Path, shown: str, errors: Errors) -> Iterator[Proposal]:
    for row in rows_apart(str(place), seconds=_SECONDS):
        try:
            yield _proposal(replace(row, file=shown))
        except DataError as error:
            errors.add(str(error))


@contextmanager
def _kept(name: str, stream: BinaryIO) -> Iterator[Path]:
    """The file on disk for the readers, unpacked, once it is known to be bearable."""
    ending = PurePath(name.lower().removesuffix(".gz")).suffix
    if ending not in (".jsonl", ".csv", ".xlsx"):
        raise PeopleError(
            "文件名应以 .jsonl、.csv 或 .xlsx 结尾（可加 .gz）。",
            "The file's name should end with .jsonl, .csv or .xlsx, perhaps with .gz.",
        )
    if stream.seek(0, 2) > MOST_FILE:
        size = MOST_FILE // (1024 * 1024)
        raise TooLarge(
            f"文件超过 {size} MB，请压缩（.gz）或分成几个。",
            f"The file has more than {size} MB; pack it with gzip or divide it into several.",
        )
    stream.seek(0)
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, f"file{ending}")
        if packed:
            _unpack(stream, place)
        else:
            with place.open("wb") as written:
                shutil.copyfileobj(stream, written, _CHUNK)
        if ending == ".xlsx":
            with place.open("rb") as book:
                check_book(book.read(MOST_BYTES + 1))
        yield place


def _unpack(stream: BinaryIO, place: Path) -> None:
    left = _UNPACKED
    try:
        with gzip.GzipFile(fileobj=stream) as packed, place.open("wb") as written:
            while piece := packed.read(_CHUNK):
                left -= len(piece)
                if left < 0:
                    raise TooLarge("文件解压后太大。", "Unpacked the file is too large.")
                written.write(piece)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise PeopleError("gzip 文件已损坏。", "The gzip file is damaged.") from None


def _proposal(row: Row) -> Proposal:
    question = cells.text(row, "question", "prompt")
    positive = cells.text(row, "positive", "pos_resp")
    negative = cells.text(row, "negative", "neg_resp")
    if positive.strip() == negative.strip():
        raise cells.bad(row, "negative", negative, "an answer that differs from the better one")
    difficulty, by = _difficulty(row)
    category = fields.open_category(row, "domain_en")
    return Proposal(
        question=question, positive=positive, negative=negative, category=category[0] if category else "",
        difficulty=difficulty, by=by, source=f"{row.file}:{row.number}",
    )  # fmt: skip


def _difficulty(row: Row) -> tuple[str, str]:
    """The file's own, else what our rule makes of the two types, else nothing."""
    if not cells.absent(row.values.get("difficulty_level")):
        return cells.one_of(row, ("easy", "hard"), "difficulty_level"), "file"
    if cells.absent(row.values.get("pos_type")) or cells.absent(row.values.get("neg_type")):
        return "", ""
    good, bad = cells.one_of(row, TYPES, "pos_type"), cells.one_of(row, TYPES, "neg_type")
    if TYPES.index(good) <= TYPES.index(bad):
        raise cells.bad(row, "neg_type", bad, f"a type worse than {good}")
    if good == TYPES[2]:
        return ("easy" if bad == TYPES[0] else "hard"), TYPES_RULE
    return "", ""
