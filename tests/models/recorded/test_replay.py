"""Recorded answers: files as they come, what is found, what is refused."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liangxin.errors import DataError
from liangxin.models import Recorded, open_model
from liangxin.models.recorded.replay import ReplayModel, open_replay
from liangxin.records import Item, Message, Reply
from liangxin.specs import Endpoint, Generation

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*rows: Any, name: str = "answers.jsonl", encoding: str = "utf-8", end: str = "\n") -> str:
        place = tmp_path / name
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        place.write_bytes((end.join(lines) + end).encode(encoding))
        return str(place)

    return written


def item(identifier: str = "i", prompt: str = "问", *more: str) -> Item:
    return Item(id=identifier, turns=(prompt, *more), category=("甲",))


def opened(path: str) -> ReplayModel:
    return open_replay(path, Endpoint())


def shown(reply: Reply) -> tuple[str, str, str, str]:
    return str(reply.status), reply.text, reply.reasoning, reply.detail


def test_a_file_that_names_several_models_says_so(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        {"id": f"i{at}", "response": "答", "model": name} for at, name in enumerate(["甲", "甲", 7, None, ""])
    ]
    opened(write(*rows[:2], *rows[3:]))
    assert not caplog.messages
    opened(write(*rows))
    (said,) = caplog.messages
    assert said.endswith(
        'the rows name 2 models ("甲", "7"); a run takes all of them for one model\'s answers'
    )
    with pytest.raises(DataError, match="model: found"):
        opened(write({"id": "i", "response": "答", "model": {"name": "甲"}}))


def test_answers_are_found_by_id_or_prompt_in_any_order(write: Write) -> None:
    path = write(
        {"id": 7, "response": "七"},
        {"prompt": "问乙", "response": "乙"},
        {"id": "a", "prompt": "问丙", "response": "丙"},
    )
    model = opened(path)
    assert isinstance(model, Recorded)
    assert model.recorded(item("a", "别的"), 1, 1).text == "丙"
    assert model.recorded(item("x", "问丙"), 1, 1).text == "丙"
    assert model.recorded(item("x", "问乙"), 1, 1).text == "乙"
    assert model.unused() == 1
    assert model.recorded(item("7", "?"), 1, 1).text == "七"
    assert model.unused() == 0
    assert shown(model.recorded(item("none", "问"), 1, 1)) == ("failed", "", "", "no recorded answer")


def test_identity_is_the_files_content(write: Write) -> None:
    path = write({"id": "a", "response": "答"})
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert open_model(f"replay:{path}", Endpoint()).identity == f"replay:{digest[:16]}"


def test_several_turns_and_trials(write: Write) -> None:
    path = write(
        {"id": "a", "responses": ["一", "二"], "finish_reason": "length", "reasoning": "想"},
        {"id": "a", "trial": 2, "responses": ["三", "四"], "finish_reason": ["sensitive", None]},
        {"id": "b", "response": "五"},
    )
    model = opened(path)
    found = [shown(model.recorded(item("a"), turn, trial)) for trial in (1, 2) for turn in (1, 2)]
    assert found == [
        ("ok", "一", "", ""),
        ("truncated", "二", "想", "finish_reason length"),
        ("filtered", "三", "", "output: sensitive"),
        ("ok", "四", "", ""),
    ]
    assert model.recorded(item("b", "问", "追"), 2, 1).detail == "no recorded answer"
    assert model.recorded(item("a"), 3, 1).detail == "no recorded answer"
    assert model.recorded(item("a"), 1, 3).detail == "no recorded answer"
    assert model.unused() == 0


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"response": ""}, ("empty", "", "", "")),
        ({"response": " \n"}, ("empty", "", "", "")),
        ({"response": "<think>想</think>答"}, ("ok", "答", "想", "")),
        ({"response": "<think>想", "finish_reason": "stop"}, ("empty", "", "想", "finish_reason stop")),
        ({"response": "答", "reasoning_content": "想"}, ("ok", "答", "想", "")),
        ({"response": "", "finish_reason": "content_filter"}, ("filtered", "", "", "output: content_filter")),
        ({"reply_status": "filtered", "detail": "input: 1301"}, ("filtered", "", "", "input: 1301")),
        ({"response": "", "reply_status": "filtered"}, ("filtered", "", "", "input: recorded as filtered")),
        ({"response": "半", "reply_status": "truncated"}, ("truncated", "半", "", "recorded as truncated")),
        ({"reply_status": "failed", "detail": "HTTP 500"}, ("failed", "", "", "HTTP 500")),
        ({"response": "a\\ud800", "reply_status": "ok"}, ("ok", "a\\ud800", "", "")),
    ],
)
def test_statuses(write: Write, row: dict[str, Any], found: tuple[str, ...]) -> None:
    assert shown(opened(write({"id": "i", **row})).recorded(item(), 1, 1)) == found


def test_published_layouts(write: Write) -> None:
    flames = {"dimension": "Fairness", "prompt": "问", "response": "答", "predicted": 3}
    cvalues = {"prompt": "问[回复1]", "label": "回复1", "meta_info": {"a": 1}, "response": "回复2"}
    model = opened(write(flames, cvalues))
    assert model.recorded(item(), 1, 1).text == "答"
    assert model.recorded(item("x", "问[回复1]"), 1, 1).text == "回复2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(write: Write, encoding: str, end: str, packed: bool) -> None:
    path = write({"prompt": "问", "response": "答\n案"}, "", "", encoding=encoding, end=end)
    if packed:
        unpacked = Path(path)
        path += ".gz"
        Path(path).write_bytes(gzip.compress(unpacked.read_bytes()))
    assert opened(path).recorded(item(), 1, 1).text == "答\n案"


def test_tables(tmp_path: Path) -> None:
    rows = [
        ["id", "prompt", "response", "trial"],
        ["1", "问", "答", "1"],
        ["1", "问", "", "2"],
        ["2", "问二", "3", ""],
    ]
    table = tmp_path / "answers.csv"
    with table.open("w", newline="", encoding="utf-8") as sink:
        csv.writer(sink).writerows(rows)
    book = openpyxl.Workbook()
    for row in rows:
        assert book.active is not None
        book.active.append([int(cell) if cell.isdigit() else cell or None for cell in row])
    book.save(tmp_path / "answers.xlsx")
    for path in (table, tmp_path / "answers.xlsx"):
        model = opened(str(path))
        assert [model.recorded(item("1"), 1, trial).text for trial in (1, 2)] == ["答", ""]
        assert str(model.recorded(item("1"), 1, 2).status) == "empty"
        assert model.recorded(item("2"), 1, 1).text == "3"
    blank = tmp_path / "blank.csv"
    blank.write_text("id,prompt\n1,问\n", encoding="utf-8")
    with pytest.raises(DataError, match="no row has a response"):
        opened(str(blank))


A = {"id": "a", "response": "x"}
P = {"prompt": "p", "response": "x"}
BOTH = {"id": "a", "prompt": "p", "response": "x"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"response": "x"}],
            ":1: id: found nothing, expected an id or a prompt that says which item was answered",
        ),
        ([{"id": "", "prompt": "", "response": "x"}], ":1: id: found"),
        ([{"id": ["a"], "response": "x"}], ":1: id: found ["),
        ([{"id": True, "response": "x"}], ":1: id: found true"),
        ([{"prompt": 5, "response": "x"}], ":1: prompt: found 5, expected a text"),
        ([A, {"id": "b"}], ":2: response: found nothing, expected the answer as a text"),
        ([{"id": "a", "response": None}], ":1: response: found nothing"),
        ([{"id": "a", "response": 5}], ":1: response: found 5"),
        ([{"id": "a", "response": ["x"]}], ':1: response: found ["x"]'),
        ([{"id": "a", "responses": []}], ":1: responses: found []"),
        ([{"id": "a", "responses": ["x", None]}], ":1: responses: found"),
        ([{"id": "a", "responses": "x"}], ":1: responses: found"),
        ([{"id": "a", "response": "x", "responses": ["x"]}], ":1: responses: found"),
        ([{**A, "trial": 0}], ":1: trial: found 0, expected a whole number from 1"),
        ([{**A, "trial": "one"}], ":1: trial: found"),
        ([{**A, "reply_status": "refused"}], ":1: reply_status: found"),
        ([{**A, "reply_status": "not_asked"}], ":1: reply_status: found"),
        ([{**A, "reply_status": "empty"}], ":1: reply_status: found"),
        ([{**A, "reply_status": ["ok", "ok"]}], ":1: reply_status: found"),
        ([{**A, "reply_status": ["odd"]}], ":1: reply_status: found"),
        ([{**A, "finish_reason": 5}], ":1: finish_reason: found 5"),
        ([{**A, "finish_reason": ["stop", "stop"]}], ":1: finish_reason: found"),
        ([{**A, "reasoning": {"a": 1}}], ":1: reasoning: found"),
        ([{**A, "detail": 5}], ":1: detail: found 5"),
        ([A, A], ':2: id: found "a", expected one row for each item and trial; row 1 answers it already'),
        (
            [P, {"id": "z", "response": "x"}, P],
            ':3: prompt: found "p", expected one row for each item and trial; row 1',
        ),
        ([BOTH, P], ':2: prompt: found "p", expected one row for each item and trial; row 1'),
        ([P, BOTH], ':2: prompt: found "p", expected one row for each item and trial; row 1'),
        (["[]"], ":1: line: found"),
        (["", "{"], ":2: line: found"),
    ],
)
def test_bad_rows(write: Write, rows: Sequence[Any], message: str) -> None:
    path = write(*rows)
    with pytest.raises(DataError) as caught:
        opened(path)
    assert str(caught.value).startswith(path + message)
    assert "\n" not in str(caught.value)


def test_rows_of_their_own_ids_may_share_a_prompt_which_then_finds_neither(write: Write) -> None:
    model = opened(write(BOTH, {**BOTH, "id": "b", "response": "y"}))
    assert [model.recorded(item(name, "p"), 1, 1).text for name in "ab"] == ["x", "y"]
    assert model.recorded(item("c", "p"), 1, 1).detail == "no recorded answer"


@pytest.mark.parametrize("name", ["missing.jsonl", ""])
def test_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError):
        opened(str(tmp_path / name))


def test_as_a_chat_model_it_goes_by_the_first_user_message(write: Write) -> None:
    model = opened(write({"prompt": "问", "responses": ["一", "二"]}))
    first = (Message(role="system", content="系统"), Message(role="user", content="问"))
    second = (*first, Message(role="assistant", content="一"), Message(role="user", content="追问"))

    async def job() -> list[str]:
        found = [(await model.reply(said, Generation())).text for said in (first, second)]
        nothing = await model.reply((), Generation())
        await model.aclose()
        return [*found, nothing.detail]

    assert asyncio.run(job()) == ["一", "二", "no recorded answer"]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(TEXT.filter(str.strip), st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_what_is_recorded_is_what_is_read(write: Write, answers: dict[str, list[str]], encoding: str) -> None:
    model = opened(
        write(*({"prompt": key, "responses": value} for key, value in answers.items()), encoding=encoding)
    )
    for prompt, texts in answers.items():
        for turn, text in enumerate(texts, start=1):
            reply = model.recorded(item("x", prompt), turn, 1)
            if "think>" not in text:
                assert reply.text == (text if text.strip() else "")
                assert str(reply.status) == ("ok" if text.strip() else "empty")
    assert model.unused() == 0
