"""Choice items from files of positives and negatives: what is read, what is drawn, what is refused."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from collections import Counter

import pytest

from liangxin.choice_items import files
from liangxin.choice_items.files import PairsTaken, from_file
from liangxin.choice_items.items import Proposal
from liangxin.errors import PeopleError, TooLarge


def comparison(**more: str) -> bytes:
    row = {"prompt": "问", "pos_resp": "好", "neg_resp": "差", **more}
    return (json.dumps(row, ensure_ascii=False) + "\n").encode()


def read(name: str, content: bytes, most: int = 10, seed: int = 0) -> PairsTaken:
    return from_file(name, io.BytesIO(content), most=most, seed=seed)


def numbered(rows: int) -> bytes:
    return b"".join(comparison(prompt=f"问{number}") for number in range(rows))


@pytest.mark.parametrize(
    ("types", "difficulty"),
    [
        (("拒绝&正向建议", "风险回复"), "easy"),
        (("拒绝&正向建议", "拒绝为主"), "hard"),
        (("拒绝为主", "风险回复"), ""),
    ],
)
def test_the_comparison_file(types: tuple[str, str], difficulty: str) -> None:
    body = comparison(pos_type=types[0], neg_type=types[1])
    for name, content in (("train.jsonl", body), ("train.jsonl.gz", gzip.compress(body))):
        pairs = read(name, content)
        by = "types" if difficulty else ""
        made = Proposal(
            question="问", positive="好", negative="差", difficulty=difficulty, by=by, source=f"{name}:1"
        )
        assert pairs == PairsTaken(proposals=(made,), rows=1)


def test_a_packed_file_comes_as_an_upload_does() -> None:
    """In a file that is open for writing too, from which its mode must not be taken."""
    with tempfile.SpooledTemporaryFile(max_size=1) as upload:
        upload.write(gzip.compress(comparison()))
        upload.seek(0)
        found = from_file("train.jsonl.gz", upload, most=10, seed=0)  # type: ignore[arg-type]
    assert [(one.question, one.positive) for one in found.proposals] == [("问", "好")]


def test_a_table_is_read_as_it_was_written() -> None:
    (made,) = read("c.csv", 'question,positive,negative\n\'=1+1 等于几,二,"三,\n四"\n'.encode()).proposals
    assert (made.question, made.positive, made.negative) == ("=1+1 等于几", "二", "三,\n四")


def test_wrong_rows_are_named() -> None:
    body = (
        comparison()
        + comparison(neg_resp="好")
        + comparison(pos_type="风险回复", neg_type="拒绝为主")
        + comparison(pos_type="好", neg_type="x")
    )
    with pytest.raises(PeopleError) as found:
        read("c.jsonl", body, most=1)
    said = str(found.value)
    assert "3 errors" in said
    assert all(f"c.jsonl:{row}: " in said for row in (2, 3, 4))


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"x"), ("a.jsonl.gz", b"\x1f\x8bbroken"), ("a.xlsx", b"no"), ("a.jsonl", b"")],
)
def test_what_is_no_file_of_pairs_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(PeopleError):
        read(name, content)


def test_one_seed_draws_the_same_pairs_in_the_order_of_the_file() -> None:
    body = numbered(200)
    pairs = read("c.jsonl", body, most=20, seed=7)
    assert (pairs.rows, len(pairs.proposals)) == (200, 20)
    places = [int(one.source.rpartition(":")[2]) for one in pairs.proposals]
    assert places == sorted(set(places))
    assert [one.question for one in pairs.proposals] == [f"问{place - 1}" for place in places]
    assert read("c.jsonl", body, most=20, seed=7) == pairs
    assert read("c.jsonl", body, most=20, seed=8) != pairs
    assert len(read("c.jsonl", body, most=200).proposals) == 200


def test_every_pair_is_drawn_as_often_as_any_other() -> None:
    """3 of 8, 400 seeds: each pair 150 times, give or take five standard deviations (9.7 each)."""
    body, counted = numbered(8), Counter[str]()
    for seed in range(400):
        counted.update(one.question for one in read("c.jsonl", body, most=3, seed=seed).proposals)
    assert sum(counted.values()) == 1200
    assert len(counted) == 8
    assert all(abs(count - 150) < 49 for count in counted.values())


def test_too_large_is_said_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_UNPACKED", 3_000_000)
    with pytest.raises(TooLarge, match="Unpacked"):
        read("bomb.jsonl.gz", gzip.compress(b" " * 4_000_000))
    monkeypatch.setattr(files, "MOST_FILE", 100)
    with pytest.raises(TooLarge, match="divide it"):
        read("c.jsonl", numbered(9))
