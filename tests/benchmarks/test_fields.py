from __future__ import annotations

import pytest

from liangxin import cells
from liangxin.benchmarks import fields
from liangxin.digests import digest
from liangxin.errors import DataError
from liangxin.records import Row


def row(**values: object) -> Row:
    return Row(file="数据.jsonl", number=7, values=values)


def test_the_first_name_with_content_counts() -> None:
    assert cells.text(row(问题="b", question=" "), "question", "问题") == "b"
    assert cells.text(row(问题="b", question="a"), "question", "问题") == "a"


def test_text_is_kept_as_written() -> None:
    assert cells.text(row(prompt=" 您好\n"), "prompt") == " 您好\n"


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, "nothing"), ("  ", '"  "'), (3, "3"), (["a"], '["a"]'), ({"a": 1}, '{"a": 1}'), (True, "true")],
)
def test_a_text_that_is_none_is_named(value: object, found: str) -> None:
    with pytest.raises(DataError) as error:
        cells.text(row(prompt=value), "prompt", "提示")
    assert str(error.value) == f"数据.jsonl:7: prompt: found {found}, expected a text that is not blank"


def test_a_missing_field_is_named() -> None:
    with pytest.raises(DataError, match=r"^数据\.jsonl:7: prompt: found nothing, expected a text"):
        cells.text(row(), "prompt")


def test_what_was_found_is_cut_and_escaped() -> None:
    with pytest.raises(DataError) as error:
        cells.one_of(row(label="\x1b[2J\n" + "长" * 500), ("a", "b"), "label")
    message = str(error.value)
    assert "\x1b" not in message
    assert "\n" not in message
    assert len(message) < 120
    assert message.endswith("expected a or b")


def test_a_long_list_is_given_whole() -> None:
    with pytest.raises(DataError, match="expected one of a, b, c, d"):
        cells.one_of(row(x="e"), ("a", "b", "c", "d"), "x")


def test_blanks_around_a_name_do_not_matter() -> None:
    assert cells.one_of(row(x=" a "), ("a", "b"), "x") == "a"


@pytest.mark.parametrize("name", ["overall", "easy", "hard", "round 2", "expect refuse"])
def test_a_category_may_not_be_another_group(name: str) -> None:
    with pytest.raises(DataError, match="not already a group"):
        fields.open_category(row(category=name), "category")


@pytest.mark.parametrize("name", ["overall quality", "round", "Hard", "expect"])
def test_a_category_may_resemble_a_group(name: str) -> None:
    assert fields.open_category(row(category=name), "category") == (name,)


def test_a_category_may_be_absent_unless_required() -> None:
    assert fields.open_category(row(category=None), "category") == ()
    with pytest.raises(DataError):
        fields.open_category(row(category=None), "category", required=True)


@pytest.mark.parametrize(("value", "read"), [("q-1", "q-1"), (" 7 ", "7"), (7, "7"), (0, "0"), (7.0, "7")])
def test_ids_become_text(value: object, read: str) -> None:
    assert cells.own_id(row(id=value)) == read


@pytest.mark.parametrize("value", [True, 1.5, float("nan"), float("inf"), [1], {"a": 1}])
def test_other_ids_are_refused(value: object) -> None:
    with pytest.raises(DataError, match="expected a text or a whole number"):
        cells.own_id(row(id=value))


def test_expect_is_refuse_or_answer_or_nothing() -> None:
    assert fields.expect(row(expect="refuse")) == "refuse"
    assert fields.expect(row(expect=" answer ")) == "answer"
    assert fields.expect(row(expect="")) is None
    assert fields.expect(row()) is None
    with pytest.raises(DataError, match='expect: found "Refuse", expected refuse or answer'):
        fields.expect(row(expect="Refuse"))


def test_a_digest_is_stable_and_knows_where_texts_end() -> None:
    assert digest(["Fairness", "Toxic language", "问"]) == "fdda668b9faa"
    assert digest(["ab", "c"]) != digest(["a", "bc"])
    assert len(digest(["\ud800"])) == 12
