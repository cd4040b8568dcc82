"""`liangxin validate`: a judge beside people's labels, and what is said where nothing can be said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from testbench.command import liangxin

LEVELS = ("refused", "complied")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 items on which `rule` reads every second answer as a refusal."""
    place = tmp_path_factory.mktemp("validate")
    rules = [
        {"match": "", "text": "抱歉，我不能帮助你。", "weight": 1},
        {"match": "", "text": "好的，步骤如下：先洗净。", "weight": 1},
    ]
    (place / "model.jsonl").write_text(
        "".join(json.dumps(rule, ensure_ascii=False) + "\n" for rule in rules), encoding="utf-8"
    )
    done = liangxin(
        place,
        "run",
        "flames",
        "--model",
        "scripted:model.jsonl",
        "--limit",
        "40",
        "--name",
        "a",
        "--judge",
        "rule",
    )
    assert done.returncode == 0, done.stderr
    liangxin(place, "export", "a", "--output", "a.jsonl")
    return place


def exported(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "a.jsonl").read_text(encoding="utf-8").splitlines()]


def write(folder: Path, name: str, rows: Sequence[dict[str, object]]) -> str:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / name).write_text(text, encoding="utf-8")
    return f"labels:{name}"


def labels(folder: Path, count: int = 40) -> list[dict[str, object]]:
    """People agree with `rule` on all answers but every seventh."""
    made = []
    for place, row in enumerate(exported(folder)[:count]):
        level = str(row["level"])
        flipped = {"refused": "complied", "complied": "refused"}.get(level, level)
        said = flipped if place % 7 == 0 else level
        made.append({"id": row["item"], "response": row["response"], "level": said})
    return made


def validated(folder: Path, gold: str, *words: str) -> dict[str, Any]:
    done = liangxin(folder, "validate", "a", "--judge", "rule", "--gold", gold, "--format", "json", *words)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def statistic(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in told["overall"]["statistics"] if one["statistic"] == name)
    return found


def test_the_confusion_table_and_the_numbers_made_from_it(folder: Path) -> None:
    told = validated(folder, write(folder, "gold.jsonl", labels(folder)))
    table = told["overall"]["confusion"]
    assert sum(map(sum, table)) == told["labelled"] == 40
    agreeing = sum(row[k] for k, row in enumerate(table))
    exact = statistic(told, "exact")
    assert exact["value"] == pytest.approx(agreeing / 40)
    assert agreeing == 34
    assert exact["low"] < exact["value"] < exact["high"]
    assert set(told["dimensions"]) == {"Fairness", "Safety", "Morality", "Legality", "Data protection"}
    assert sum(one["n"] for one in told["dimensions"].values()) == 40
    assert (told["scale"], told["missing"], told["tied"]) == ("refusal", 0, 0)
    assert told["judge"].startswith("rule@")
    again = liangxin(folder, "validate", "a", "--judge", "rule", "--gold", "labels:gold.jsonl")
    assert again.returncode == 0
    for part in ("recall of unsafe", "Krippendorff", "length bias", "Fairness"):
        assert part in again.stdout


def test_a_judge_that_has_not_ruled_yet_rules_first(folder: Path) -> None:
    (folder / "judge.jsonl").write_text(
        '{"match": "", "text": "{\\"level\\": \\"3\\", \\"reason\\": \\"x\\"}"}\n'
    )
    rows = [row | {"level": 3} for row in labels(folder)]
    gold = write(folder, "graded.jsonl", rows)
    done = liangxin(
        folder, "validate", "a", "--judge", "llm:scripted:judge.jsonl", "--gold", gold, "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert statistic(told, "alpha_ordinal")["cannot_say"] == "no variation"
    assert statistic(told, "recall_unsafe")["cannot_say"] == "one class only"
    assert statistic(told, "exact")["value"] == 1.0


def test_several_annotators_are_measured_against_each_other(folder: Path) -> None:
    rows = [row | {"annotator": name} for name in ("甲", "乙") for row in labels(folder)]
    told = validated(folder, write(folder, "two.jsonl", rows))
    assert (told["annotators"]["annotators"], told["annotators"]["labelled_twice"]) == (2, 40)
    alpha = {one["statistic"]: one["value"] for one in told["annotators"]["statistics"]}
    assert alpha["alpha_ordinal"] == pytest.approx(1.0)


def test_five_rows_are_too_few_to_say(folder: Path) -> None:
    told = validated(folder, write(folder, "five.jsonl", labels(folder, 5)))
    assert {one["cannot_say"] for one in told["overall"]["statistics"]} == {"fewer than 10 rows"}
    assert sum(map(sum, told["overall"]["confusion"])) == 5, "the table says all there is"


def test_one_class_only_is_a_stated_cannot_say(folder: Path) -> None:
    rows = [row | {"level": "complied"} for row in labels(folder)]
    told = validated(folder, write(folder, "one.jsonl", rows))
    assert statistic(told, "balanced_accuracy")["cannot_say"] == "one class only"
    assert statistic(told, "kappa")["cannot_say"] is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": "4"}, "expected one of 1, "),
        ({"level": None}, "level"),
        ({"id": "no-such"}, "the id of an item"),
        ({"response": None}, "belongs to an answer"),
    ],
)
def test_a_bad_label_is_one_sentence_and_nothing_is_kept(
    folder: Path, change: dict[str, object], said: str
) -> None:
    rows = labels(folder)
    rows[3] = rows[3] | change
    gold = write(folder, "bad.jsonl", rows)
    done = liangxin(folder, "validate", "a", "--judge", "rule", "--gold", gold)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "bad.jsonl:4" in last
    assert said in last
    assert "Traceback" not in done.stderr
    scores = json.loads(liangxin(folder, "scores", "a", "--format", "json").stdout)
    assert not [one for one in scores["judges"] if "bad.jsonl" in one["judge"]]


def test_contradictory_labels_name_both_rows(folder: Path) -> None:
    rows = labels(folder)
    rows.append(rows[0] | {"level": "partly"})
    done = liangxin(folder, "validate", "a", "--judge", "rule", "--gold", write(folder, "twice.jsonl", rows))
    assert done.returncode == 1
    assert "twice.jsonl:41" in done.stderr
    assert "row 1" in done.stderr


def test_labels_of_another_models_answers_are_not_used(folder: Path) -> None:
    rows = [row | {"response": "别的模型说的"} for row in labels(folder)]
    done = liangxin(folder, "validate", "a", "--judge", "rule", "--gold", write(folder, "other.jsonl", rows))
    assert done.returncode == 1
    assert "40 labels unmatched" in done.stderr
    assert "no answer" in done.stderr


def test_a_labelled_file_needs_no_run(folder: Path, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"dimension": "Safety", "prompt": f"问{k}", "response": "抱歉，我不能回答。" if k % 2 else f"好的，先做{k}。",
         "level": "refused" if k % 2 or k == 4 else "complied"}
        for k in range(30)
    ]  # fmt: skip
    gold = write(tmp_path, "plain.jsonl", rows)
    words = ("validate", "--judge", "rule", "--gold", gold, "--benchmark", "flames", "--format", "json")
    done = liangxin(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["run"], told["labelled"]) == (None, 30)
    assert statistic(told, "exact")["value"] == pytest.approx(29 / 30)
    rows[7]["level"] = "3"
    write(tmp_path, "plain.jsonl", rows)
    done = liangxin(tmp_path, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "plain.jsonl:8: level" in done.stderr
    write(tmp_path, "plain.jsonl", [*rows[:7], rows[0] | {"level": "refused"}])
    done = liangxin(tmp_path, *words)
    assert "plain.jsonl:8" in done.stderr
    assert "row 1" in done.stderr


def test_the_same_judge_twice(folder: Path) -> None:
    told = json.loads(
        liangxin(
            folder,
            "validate",
            "a",
            "--judge",
            "rule",
            "--probe",
            "repeat",
            "--limit",
            "20",
            "--format",
            "json",
        ).stdout
    )
    assert (told["asked"], told["n"], told["second_verdicts"]) == (20, 20, {"given": 20})
    exact = next(one for one in told["statistics"] if one["statistic"] == "exact")
    assert exact["value"] == 1.0, "rules do not change their mind"
    assert "recall_unsafe" not in {one["statistic"] for one in told["statistics"]}, (
        "neither time is the truth"
    )


def test_a_judge_that_draws_its_verdicts_is_caught(folder: Path) -> None:
    replies: list[dict[str, object]] = [
        {"match": "", "text": f'{{"level": "{level}", "reason": "x"}}'} for level in ("1", "3")
    ]
    write(folder, "dice.jsonl", replies)
    assert liangxin(folder, "judge", "a", "--judge", "llm:scripted:dice.jsonl").returncode == 0
    write(folder, "dice.jsonl", list(reversed(replies)))
    done = liangxin(folder, "validate", "a", "--judge", "llm:scripted:dice.jsonl", "--probe", "repeat")
    assert done.returncode == 1
    assert "has not ruled on run a yet" in done.stderr, "another file is another judge"
    done = liangxin(folder, "validate", "a", "--judge", "labels:gold.jsonl", "--probe", "repeat")
    assert (done.returncode, "record of verdicts" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("a", "--gold", "labels:x"), 2, "--judge"),
        (("a", "--judge", "rule"), 2, "--gold"),
        (("--judge", "rule", "--gold", "labels:x"), 2, "--benchmark"),
        (("b", "--judge", "rule", "--gold", "labels:x"), 1, "no run"),
        (("a", "--judge", "rule", "--gold", "labels:absent.csv"), 1, "absent.csv"),
        (("a", "--judge", "rule", "--gold", "rule"), 2, "against itself"),
        (("--judge", "rule", "--probe", "repeat"), 2, "name the run"),
    ],
)
def test_wrong_words_have_their_status(folder: Path, words: Sequence[str], status: int, said: str) -> None:
    done = liangxin(folder, "validate", *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
