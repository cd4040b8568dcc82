"""Labels and choice items over HTTP: preview before storing, roles, files that download."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from liangxin.annotation.projects import ProjectSpec
from liangxin.benchmarks import open_benchmark
from liangxin.people.accounts import Accounts
from liangxin.records import Item, Reply
from liangxin.web.asking import FORM_BYTES
from liangxin.web.site import Site
from testbench.books import book_of, sheet_xml, styles_xml
from testbench.desk import Desk, stored_run
from testbench.site import Client

FLAMES = open_benchmark("flames")
PASSWORD = "a long enough password"
HOSTILE = "<script>document.title='ran'</script>"


@pytest.fixture
def desk(team_site: Site) -> Desk:
    for name, role in (("负责人", "owner"), ("标注员1", "annotator")):
        Accounts(team_site.database).create(name, PASSWORD, "owner" if role == "owner" else "annotator")
    found = [Item(id="f0", turns=(HOSTILE,), category=("Fairness", "Toxic language"))]
    stored_run(team_site.database, FLAMES, found, lambda item, turn: Reply(text="好"), "秘甲")
    made = Desk.at(team_site.database, ProjectSpec(name="项目", runs=("秘甲",)), people=1)
    made.says(0, "f0", "3")
    return made


def test_out_preview_store(desk: Desk, team_site: Site, serving: Callable[[Site], Client]) -> None:
    client = serving(team_site)
    client.sign_in("负责人", PASSWORD)
    at = f"/projects/{desk.project.key}/labels"
    assert client.get(at).status == 200
    made = client.post(f"{at}/export", {"which": "latest", "form": "jsonl"})
    assert made.headers["content-disposition"].startswith("attachment")
    row = json.loads(made.text) | {"annotator": "外来", "level": "1", "note": HOSTILE}
    body = json.dumps(row).encode()
    seen = client.post(f"{at}/preview", files={"file": (f"{HOSTILE}.jsonl", body)})
    assert seen.status == 200
    assert "<script>document" not in seen.text
    assert Accounts(team_site.database).by_name("外来") is None
    token = seen.text.split('name="token" value="')[1].split('"')[0]
    assert "新增 1 题" in client.post(f"{at}/store", {"token": token}).text
    assert client.post(f"{at}/store", {"token": token}).status == 404
    wrong = client.post(f"{at}/preview", files={"file": ("a.jsonl", body.replace(b'"1"', b'"9"'))})
    assert wrong.status == 400
    assert "a.jsonl:1: level" in wrong.text


def test_workbooks_are_read_apart_and_what_was_read_is_said(
    desk: Desk, team_site: Site, serving: Callable[[Site], Client]
) -> None:
    client = serving(team_site)
    client.sign_in("负责人", PASSWORD)
    at = f"/projects/{desk.project.key}/labels"
    row = json.loads(client.post(f"{at}/export", {"which": "latest", "form": "jsonl"}).text)
    kept = [name for name in row if name != "trial_number"]
    sheets = {HOSTILE: sheet_xml([["封面"]]), "数据": sheet_xml([kept, [str(row[name]) for name in kept]])}
    seen = client.post(f"{at}/preview", files={"file": ("a.xlsx", book_of(sheets))})
    assert seen.status == 200
    assert "a.xlsx: read the sheet &#34;数据&#34; alone; not read: " in seen.text
    assert "<script>document" not in seen.text
    styles = {"xl/styles.xml": styles_xml(70_000)}
    bomb = client.post(f"{at}/preview", files={"file": ("a.xlsx", book_of({"S": sheet_xml([])}, styles))})
    assert bomb.status == 400
    assert "a.xlsx: the workbook has more than 65,536 cell formats" in bomb.text


def test_an_annotator_has_their_own_only(
    desk: Desk, team_site: Site, serving: Callable[[Site], Client]
) -> None:
    client = serving(team_site)
    client.sign_in("标注员1", PASSWORD)
    at = f"/projects/{desk.project.key}/labels"
    assert "秘甲" not in client.get(at).text
    assert "秘甲" not in client.post(f"{at}/export", {"which": "latest", "form": "jsonl"}).text
    assert client.post(f"{at}/export", {"which": "gold", "form": "jsonl"}).status == 400
    assert client.post(f"{at}/sheet", {}).headers["content-type"].endswith("sheet")
    assert client.post(f"{at}/studio", {"kind": "tasks"}).status == 403
    assert client.post(f"{at}/preview", files={"file": ("a.jsonl", b"{}")}).status == 403
    assert client.get("/choices").status == 403


def test_choice_items_from_file_to_file(
    desk: Desk, team_site: Site, serving: Callable[[Site], Client]
) -> None:
    del desk
    client = serving(team_site)
    client.sign_in("负责人", PASSWORD)
    client.get("/choices")
    row = {
        "prompt": HOSTILE,
        "pos_resp": "好",
        "neg_resp": "差",
        "pos_type": "拒绝&正向建议",
        "neg_type": "拒绝为主",
    }
    listed = client.post("/choices/file", files={"file": ("c.jsonl", json.dumps(row).encode())})
    assert "新增 1 题" in listed.text
    assert "<script>document" not in client.get("/choices/1").text
    assert client.post("/choices/1", {"action": "accept", "difficulty": "", "category": ""}).status == 409
    assert (
        client.post("/choices/1", {"action": "accept", "difficulty": "hard", "category": "law"}).status == 200
    )
    made = json.loads(client.post("/choices/export").text)
    assert (made["question"], made["difficulty_level"], made["domain_en"]) == (HOSTILE, "hard", "law")


def test_a_data_set_larger_than_other_forms_is_drawn_from(
    desk: Desk, team_site: Site, serving: Callable[[Site], Client]
) -> None:
    del desk
    client = serving(team_site)
    client.sign_in("负责人", PASSWORD)
    filling = "很长的回答。" * 550
    rows = (
        json.dumps({"prompt": f"问{number}", "pos_resp": filling, "neg_resp": "差"}, ensure_ascii=False)
        for number in range(3000)
    )
    content = "\n".join(rows).encode()
    assert len(content) > FORM_BYTES
    client.get("/choices")
    listed = client.post("/choices/file", {"most": "5", "seed": "3"}, files={"file": ("c.jsonl", content)})
    assert "新增 5 题" in listed.text
    assert "文件有 3000 对，按种子 3 随机抽取" in listed.text
    said = client.post("/choices/file", {"most": "0"}, files={"file": ("c.jsonl", b"{}")})
    assert said.status == 400
    other = Client(team_site.base_url)
    other.sign_in("标注员1", PASSWORD)
    assert other.post("/choices/file", files={"file": ("c.jsonl", content[:100])}).status == 403
    other.close()
