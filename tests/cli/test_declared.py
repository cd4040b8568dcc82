"""Benchmarks of the user's own through the command line: examples, public data, stored runs, secrets."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
EXAMPLES = Path(__file__).parents[2] / "examples" / "benchmarks"
DATA = os.environ.get("LIANGXIN_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="LIANGXIN_DATA names no folder with the public data")


def write(path: Path, rows: list[Mapping[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def bank() -> list[dict[str, Any]]:
    text = (EXAMPLES / "refusal-bank.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def own(folder: Path) -> Path:
    """The refusal bank in the user's folder, with answers to all but one of its questions."""
    for name in ("refusal-bank.toml", "refusal-bank.jsonl"):
        shutil.copy(EXAMPLES / name, folder / name)
    refused = "抱歉，我不能帮您做这件事。"
    answers = []
    for number, row in enumerate(bank()):
        wrong = number % 5 == 0
        refuse = (row["题库"] == "应拒答") != wrong
        answers.append(
            {"id": row["编号"], "response": refused if refuse else f"好的，可以这样做：{row['问题']}{number}"}
        )
    write(folder / "answers.jsonl", [*answers])
    return folder


def test_the_example_bank_is_counted_by_what_it_expects(cli: Cli, own: Path) -> None:
    checked = cli("check", "refusal-bank.toml")
    assert checked.status == 0, checked.err
    assert "40 items, 10 of them secret" in checked.out
    assert Counter(row["题库"] for row in bank()) == {"应拒答": 20, "非拒答": 20}
    done = cli(
        "run", "refusal-bank.toml", "--model", "replay:answers.jsonl", "--name", "b", "--format", "json"
    )
    assert done.status == 0, done.err
    assert done.json["sample"] is True
    assert done.json["benchmark"] == "refusal-bank"
    wrong = Counter(row["题库"] for number, row in enumerate(bank()) if number % 5 == 0)
    assert done.score("refusal_rate", "expect refuse")["value"] == 100 * (20 - wrong["应拒答"]) / 20
    assert done.score("refusal_rate", "expect answer")["value"] == 100 * wrong["非拒答"] / 20
    assert {one["value"] for one in done.json["scores"] if one["measure"] == "pass_rate"} == {None}
    assert "应拒答与非拒答题库" in cli("benchmarks", "refusal-bank.toml").out


def test_a_stored_run_needs_its_file_no_more(cli: Cli, own: Path) -> None:
    cli("run", "refusal-bank.toml", "--model", "replay:answers.jsonl", "--name", "b")
    before = cli("scores", "b", "--format", "json").out
    (own / "refusal-bank.toml").write_text("nothing = [", encoding="utf-8")
    assert cli("scores", "b", "--format", "json").out == before
    (own / "refusal-bank.toml").unlink()
    labels = [
        {"id": row["编号"], "level": "合格" if number % 5 else "不合格"} for number, row in enumerate(bank())
    ]
    write(own / "labels.jsonl", [*labels])
    judged = cli("judge", "b", "--judge", "labels:labels.jsonl", "--format", "json")
    assert judged.status == 0, judged.err
    assert judged.score("pass_rate")["value"] == 80.0
    assert "refusal-bank" in cli("runs").out
    for words in (("export", "b", "--output", "o.csv"), ("report", "b", "--output", "r.html")):
        assert cli(*words).status == 0
    assert "合格率" in (own / "r.html").read_text(encoding="utf-8")


def test_what_is_declared_makes_the_run(cli: Cli, own: Path) -> None:
    def run() -> str:
        done = cli("run", "refusal-bank.toml", "--model", "replay:answers.jsonl", "--format", "json")
        assert done.status == 0, done.err
        found: str = done.json["run"]
        return found

    first = run()
    text = (own / "refusal-bank.toml").read_text(encoding="utf-8")
    (own / "refusal-bank.toml").write_text("# 注释\n" + text, encoding="utf-8")
    assert run() == first
    (own / "refusal-bank.toml").write_text(
        text.replace('category = ["题库", "类别"]', 'category = "题库"'), encoding="utf-8"
    )
    assert run() != first
    grouped = cli("run", "refusal-bank.toml", "--model", "replay:answers.jsonl", "--format", "json")
    assert {one["group"] for one in grouped.json["scores"]} >= {"应拒答", "非拒答"}
    assert not any("/" in one["group"] for one in grouped.json["scores"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("check", "no.toml"), "no.toml: no such file"),
        (("run", "no.toml", "--model", "replay:x"), "no.toml: no such file"),
        (("benchmarks", "bad.toml"), "bad.toml: kind: found nothing"),
        (("check", "flames"), "give --data PATH"),
        (("check", "refusal-bank.toml", "--data", "no.jsonl"), "no.jsonl: no such file"),
    ],
)
def test_mistakes_are_sentences(cli: Cli, own: Path, words: tuple[str, ...], expected: str) -> None:
    (own / "bad.toml").write_text('name = "x"\n', encoding="utf-8")
    done = cli(*words)
    assert done.status in (1, 2)
    assert expected in done.err
    assert "Traceback" not in done.err


def pieces(text: str) -> list[str]:
    """Every stretch of 12 characters."""
    return [text[at : at + 12] for at in range(len(text) - 11)] or [text]


def test_secret_items_leave_the_store_as_digests_only(cli: Cli, own: Path) -> None:
    rows = [
        {
            "编号": f"S{n}",
            "题库": "应拒答",
            "类别": "甲",
            "问题": f"第{n}道保密题目里写着谁也不许看见的一段话"
            if n != 4
            else "这是一道可以公开给大家看的普通题目",
            "保密": n != 4,
        }
        for n in range(5)
    ]
    write(own / "refusal-bank.jsonl", [*rows])
    answers = [
        {
            "id": f"S{n}",
            "response": f"<think>第{n}次内心独白也不许写出去给旁人看</think>抱歉，第{n}道题我不能回答，因为它说了不该说的话",
        }
        for n in range(5)
    ]
    answers[1] |= {"reply_status": "filtered", "finish_reason": "content_filter"}
    answers[4]["response"] = "抱歉，我不能帮您做这件事。"
    del answers[2]
    write(own / "answers.jsonl", [*answers])
    run = cli("run", "refusal-bank.toml", "--model", "replay:answers.jsonl", "--name", "s", "--judge", "rule")
    assert run.status == 3
    labels = [
        {"id": f"S{n}", "level": "合格", "note": f"第{n}条评语引用了题目里的原话所以不能外传"} for n in (0, 3)
    ]
    write(own / "labels.jsonl", [*labels])
    assert cli("judge", "s", "--judge", "labels:labels.jsonl").status in (0, 3)
    hidden = [text for n in (0, 1, 2, 3) for text in (
        str(rows[n]["问题"]), f"第{n}次内心独白也不许写出去给旁人看", f"第{n}道题我不能回答，因为它说了不该说的话",
        f"第{n}条评语引用了题目里的原话所以不能外传")]  # fmt: skip
    shown = b""
    for name in ("o.jsonl", "o.csv", "o.parquet", "r.html"):
        words = ("report", "s") if name == "r.html" else ("export", "s")
        assert cli(*words, "--output", name).status == 0
        content = (own / name).read_bytes()
        found = [piece for text in hidden for piece in pieces(text) if piece.encode() in content]
        assert not found, (name, found[:3])
        shown += content
    for done in (run, cli("scores", "s"), cli("scores", "s", "--format", "json")):
        assert not any(piece in done.out + done.err for text in hidden for piece in pieces(text))
    assert str(rows[4]["问题"]).encode() in shown
    table = list(csv.DictReader((own / "o.csv").read_text(encoding="utf-8").splitlines()))
    secret = [row for row in table if row["item"] == "S0"]
    assert secret
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", row["prompt"]) for row in secret)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", row["response"]) for row in secret)


def measured(cli: Cli, example: str, data: Path, answers: Path, *words: str) -> Any:
    done = cli(
        "run", str(EXAMPLES / example), "--data", str(data), "--model", f"replay:{answers}", *words, "--format", "json"
    )  # fmt: skip
    assert done.status == 0, done.err
    return done


@needs_data
def test_safetybench_is_scored_as_counted_by_hand(cli: Cli, folder: Path) -> None:
    data = Path(DATA or "") / "safetybench"
    questions = json.loads(gzip.decompress((data / "test_zh_subset.json.gz").read_bytes()))
    gold = json.loads(gzip.decompress((data / "test_answers_zh_subset.json.gz").read_bytes()))
    ways = ("{}", "答案：{}", "选{}。", "（{}）", "我认为正确答案是{}，理由如下。", "The answer is {}.")
    rows: list[Mapping[str, object]] = []
    right: Counter[str] = Counter()
    for at, one in enumerate(questions):
        chosen = (gold[str(one["id"])]["answer"] + (at % 3 == 0)) % len(one["options"])
        right[one["category"]] += at % 3 != 0
        rows.append({"id": str(one["id"]), "response": ways[at % len(ways)].format("ABCD"[chosen])})
    write(folder / "answers.jsonl", rows)
    checked = cli("check", str(EXAMPLES / "safetybench.toml"), "--data", str(data / "test_zh_subset.json.gz"))
    assert "2100 items" in checked.out
    done = measured(cli, "safetybench.toml", data, folder / "answers.jsonl")
    assert done.json["judges"][0]["verdicts"] == {"given": 2100}
    assert done.score("acc")["n"] == 2100
    assert done.score("acc")["value"] == pytest.approx(100 * sum(right.values()) / 2100)
    assert len(right) == 7
    for category, count in right.items():
        score = done.score("acc", category)
        assert (score["n"], score["value"]) == (300, pytest.approx(100 * count / 300))


def labelled(folder: Path, texts: Mapping[str, str]) -> tuple[Path, Path]:
    """Answers and labels for questions by id: every third is unsafe."""
    answers: list[Mapping[str, object]] = []
    labels: list[Mapping[str, object]] = []
    for at, identifier in enumerate(texts):
        answers.append({"id": identifier, "response": f"回答{at}"})
        labels.append({"id": identifier, "level": "unsafe" if at % 3 == 0 else "safe"})
    write(folder / "answers.jsonl", answers)
    write(folder / "labels.jsonl", labels)
    return folder / "answers.jsonl", folder / "labels.jsonl"


@needs_data
def test_jade_is_scored_as_counted_by_hand(cli: Cli, folder: Path) -> None:
    data = Path(DATA or "") / "jade"
    names = {
        "jade_benchmark_zh.csv": "v1",
        "jade_benchmark_easy_zh.csv.gz": "v2-easy",
        "jade_benchmark_medium_zh.csv.gz": "v2-medium",
    }
    kinds: dict[str, str] = {}
    for name, short in names.items():
        raw = (data / name).read_bytes()
        text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8-sig")
        for row in csv.DictReader(text.splitlines(keepends=True)):
            kinds[f"{short}-{row['ID']}"] = row["违规类型"].strip().replace("侵犯", "侵害")
    answers, labels = labelled(folder, kinds)
    done = measured(cli, "jade.toml", data, answers, "--judge", f"labels:{labels}", "--judge", "rule")
    assert Counter(one.rpartition("-")[0] for one in kinds) == {"v1": 150, "v2-easy": 1000, "v2-medium": 1000}
    safe = [at % 3 != 0 for at in range(len(kinds))]
    by_label = next(one["judge"] for one in done.json["judges"] if one["judge"].startswith("labels"))
    scores = {(s["measure"], s["group"]): s for s in done.json["scores"] if s["judge"] == by_label}
    assert scores["safe_rate", "overall"]["value"] == pytest.approx(100 * sum(safe) / 2150)
    for kind in ("违法犯罪", "侵害权益", "歧视偏见"):
        mine = [one for one, name in zip(safe, kinds.values(), strict=True) if name == kind]
        assert scores["safe_rate", kind]["n"] == len(mine)
        assert scores["safe_rate", kind]["value"] == pytest.approx(100 * sum(mine) / len(mine))
    assert scores["safe_rate", "v1"]["n"] == 150


@needs_data
def test_xsafety_is_scored_as_counted_by_hand(cli: Cli, folder: Path) -> None:
    data = Path(DATA or "") / "xsafety-zh"
    answers: list[Mapping[str, object]] = []
    refused: dict[str, int] = {}
    for path in sorted(data.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            questions = [row[0] for row in csv.reader(stream)]
        assert len(questions) == 200
        refused[path.stem] = len(refused) * 10
        for at, question in enumerate(questions):
            text = "抱歉，我不能回答这个问题。" if at < refused[path.stem] else "好的，下面是一些说明。"
            answers.append({"prompt": question, "response": text})
    write(folder / "answers.jsonl", answers)
    assert len(refused) == 14
    done = measured(cli, "xsafety.toml", data, folder / "answers.jsonl")
    assert done.json["replies"] == {"ok": 2800}
    assert done.score("refusal_rate")["value"] == pytest.approx(100 * sum(refused.values()) / 2800)
    for category, count in refused.items():
        assert done.score("refusal_rate", category)["value"] == pytest.approx(100 * count / 200)
        assert done.score("refusal_rate", category)["n"] == 200
