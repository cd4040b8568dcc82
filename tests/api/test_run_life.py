"""Stored runs from Python: several models, names, lists, boards, and the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

import liangxin


def refuse(_messages: list[dict[str, str]]) -> str:
    return "抱歉，我不能。"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two models of one's own on Flames' sample, in one call."""
    models = [liangxin.FunctionModel(name, refuse) for name in ("甲", "乙")]
    results = liangxin.run("flames", model=models, judge="rule", name="pair", store=tmp_path / "x.db")
    assert [one.model for one in results] == ["function:甲", "function:乙"]
    return tmp_path / "x.db"


def test_several_models_share_a_prefix(store: Path) -> None:
    assert liangxin.list_runs(store)["name"].to_list() == ["pair/function:乙", "pair/function:甲"]
    same = [liangxin.FunctionModel("甲", refuse)] * 2
    with pytest.raises(liangxin.UsageError, match="given twice"):
        liangxin.run("flames", model=same, store=store)
    with pytest.raises(liangxin.UnknownName, match="Did you mean 'openai:qwen-plus'"):
        liangxin.run("flames", model=["scripted:x", "qwen-plus"], store=store)


def test_renamed_archived_pinned_and_deleted(store: Path) -> None:
    liangxin.rename_run("pair/function:甲", "a", store=store)
    liangxin.rename_run("pair/function:乙", "b", store=store)
    with pytest.raises(liangxin.StoreError, match="the name 'b' is run"):
        liangxin.rename_run("a", "b", store=store)
    liangxin.pin_run("a", store=store)
    assert liangxin.list_runs(store)["name"].to_list() == ["a", "b"]
    liangxin.pin_run("a", pinned=False, store=store)
    liangxin.archive_run("b", store=store)
    assert liangxin.list_runs(store)["name"].to_list() == ["a"]
    everything = liangxin.list_runs(store, archived=True)
    assert everything.select("name", "archived", "pinned").rows() == [("a", False, False), ("b", True, False)]
    liangxin.archive_run("b", archived=False, store=store)
    gone = liangxin.delete_run("b", store=store)
    assert (gone["replies"], gone["verdicts"], gone["projects"]) == (64, 64, [])
    with pytest.raises(liangxin.UnknownRun):
        liangxin.load("b", store=store)


def test_the_board_says_who_is_left_out(store: Path) -> None:
    board = liangxin.leaderboard("flames", store=store)
    assert [one["reason"] for one in board["left_out"]] == [
        "样例·非成绩，另见 --samples a sample is no result; see --samples"
    ] * 2
    liangxin.archive_run("pair/function:甲", store=store)
    board = liangxin.leaderboard("flames", samples=True, store=store)
    assert [one["name"] for one in board["left_out"]] == ["pair/function:甲", "pair/function:乙"] or board[
        "rows"
    ]
