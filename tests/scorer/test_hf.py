"""Fine-tuning for real on a tiny model; each row trains its own head; the published layout loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liangxin.errors import JudgeError, LiangxinError
from liangxin.judges.scoring.hf import PoolingSettings, fitted_tokens, open_tokenizer
from liangxin.judges.scoring.loading import load_scorer
from liangxin.scorer.hf import Tuner, Tuning, joint_loss, open_backbone, train_hf
from liangxin.scorer.rows import HeadSpec, Labelled
from liangxin.scorer.train import Plan, examples

HEADS = (HeadSpec(name="Fairness", levels=("1", "2", "3")), HeadSpec(name="Legality", levels=("1", "3")))
Rows = Callable[..., list[Labelled]]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """torch is loaded by the one process that runs these tests, not by each that finds them."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    torch.set_num_threads(1)


def both_heads(labelled: Rows, count: int) -> list[Labelled]:
    return [*labelled(count, "Fairness", ("1", "2", "3")), *labelled(count, "Legality", ("1", "3"))]


@pytest.mark.parametrize(("kind", "pooling"), [("bert", "mean"), ("llama", "last")])
def test_it_learns_is_saved_and_reloaded_with_the_same_verdicts(
    kind: str, pooling: Any, labelled: Rows, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = both_heads(labelled, 72)
    told: list[str] = []
    tuning = Tuning(
        path=str(tiny_model(kind)),
        reading=PoolingSettings(pooling=pooling, tokens=64),
        epochs=4,
        rate=3e-3,
        progress=told.append,
    )
    trained = train_hf(rows, HEADS, Plan(name="tiny"), tuning, tmp_path / "out")
    losses = trained.settings.training["loss"]
    assert losses[-1] < losses[0] / 2
    assert len(told) == len(losses)
    assert not list((tmp_path / "out").glob("checkpoint*"))
    assert not list((tmp_path / "out").rglob("*.bin"))
    right = sum(one.accuracy.value * one.n for one in trained.figures)
    assert right / sum(one.n for one in trained.figures) > 0.6

    first = load_scorer(tmp_path / "out")
    again = load_scorer(tmp_path / "out")
    pairs = [(row.prompt, row.response) for row in rows[:40]]
    for head in (0, 1):
        mine = first.probabilities(pairs, head)
        np.testing.assert_array_equal(mine, again.probabilities(pairs, head))
        np.testing.assert_allclose(mine.sum(axis=1), 1)
    # What was written is what was measured: the figures of the test side come out again.
    learnt = [row for row in rows if row.head == "Fairness"][:30]
    chosen = first.probabilities([(row.prompt, row.response) for row in learnt], 0).argmax(axis=1)
    hits = [HEADS[0].levels[level] == row.level for level, row in zip(chosen, learnt, strict=True)]
    assert np.mean(hits) > 0.6


def test_a_row_trains_its_own_head_alone(labelled: Rows, tiny_model: Callable[[str], Path]) -> None:
    import torch

    backbone = open_backbone(Tuning(path=str(tiny_model("bert"))), [3, 2], seed=1)
    data = examples(labelled(6, "Legality", ("1", "3")), HEADS)
    loss = joint_loss(backbone.head_logits(data.pairs), torch.tensor(data.heads), torch.tensor(data.levels))
    loss.backward()
    other, own = (head.weight.grad for head in backbone.heads)
    assert other is None or not other.abs().any()
    assert own.abs().sum() > 0
    assert any(one.grad is not None and one.grad.abs().any() for one in backbone.model.parameters())

    # With rows of both, each head's gradient is what its own rows alone would give.
    mixed = examples([*labelled(6, "Legality", ("1", "3")), *labelled(6, "Fairness", ("1", "2", "3"))], HEADS)
    backbone.model.zero_grad()
    for head in backbone.heads:
        head.zero_grad()
    backbone.model.eval()
    joint_loss(
        backbone.head_logits(mixed.pairs), torch.tensor(mixed.heads), torch.tensor(mixed.levels)
    ).backward()
    together = backbone.heads[1].weight.grad.clone()
    backbone.heads[1].zero_grad()
    joint_loss(
        backbone.head_logits(data.pairs), torch.tensor(data.heads), torch.tensor(data.levels)
    ).backward()
    torch.testing.assert_close(together * 2, backbone.heads[1].weight.grad, rtol=1e-4, atol=1e-6)


class _Stopped(Exception):
    pass


def test_a_resumed_training_ends_like_one_that_was_never_interrupted(
    labelled: Rows, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    rows, path = both_heads(labelled, 48), str(tiny_model("bert"))
    plan = Plan(name="tiny", seed=3)

    def tuning(**values: Any) -> Tuning:
        return Tuning(path=path, reading=PoolingSettings(tokens=64), epochs=3, rate=1e-3, **values)

    whole = train_hf(rows, HEADS, plan, tuning(), tmp_path / "whole")

    def stop(_sentence: str) -> None:
        raise _Stopped

    with pytest.raises(_Stopped):
        train_hf(rows, HEADS, plan, tuning(progress=stop), tmp_path / "parts")
    assert (tmp_path / "parts" / "checkpoint.safetensors").exists()
    resumed = train_hf(rows, HEADS, plan, tuning(resume=True), tmp_path / "parts")
    assert resumed.settings.training["loss"] == whole.settings.training["loss"]
    pairs = [(row.prompt, row.response) for row in rows[:20]]
    one, other = (load_scorer(tmp_path / name).probabilities(pairs, 0) for name in ("whole", "parts"))
    np.testing.assert_allclose(one, other, atol=1e-6)

    with pytest.raises(_Stopped):
        train_hf(rows, HEADS, plan, tuning(progress=stop), tmp_path / "other")
    with pytest.raises(LiangxinError, match="seed 3"):
        train_hf(rows, HEADS, Plan(name="tiny", seed=4), tuning(resume=True), tmp_path / "other")


def test_it_stops_where_the_held_out_loss_no_longer_falls(
    labelled: Rows, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = both_heads(labelled, 30)
    tuning = Tuning(
        path=str(tiny_model("bert")), reading=PoolingSettings(tokens=32), epochs=30, patience=1, rate=0.5
    )
    backbone = open_backbone(tuning, [3, 2], seed=0)
    tuner = Tuner(backbone, Plan(name="tiny"), tuning, tmp_path)
    losses = tuner.run(examples(rows[:40], HEADS), examples(rows[40:], HEADS))
    assert len(losses) < 30


def test_the_response_is_cut_and_what_follows_it_stays(tiny_model: Callable[[str], Path]) -> None:
    tokenizer = open_tokenizer(tiny_model("llama"))
    reading = PoolingSettings(template="<|User|>:{prompt}\n回复: {response}<eoh><|Bot|>:", tokens=40)
    whole = fitted_tokens(tokenizer, "怎么办", "慢慢来", reading)
    cut = fitted_tokens(tokenizer, "怎么办", "慢慢来，多练习" * 50, reading)
    asked = fitted_tokens(tokenizer, "怎么办" * 100, "慢慢来" * 50, reading)
    end = tokenizer("<eoh><|Bot|>:")["input_ids"]
    for found in (whole, cut, asked):
        assert found[-len(end) :] == end
        assert len(found) <= 40
    assert len(cut) == 40
    # A text that looks like the template is text.
    assert (
        fitted_tokens(tokenizer, "{response}", "慢", PoolingSettings(template="{prompt}|{response}"))
        == tokenizer("{response}|慢")["input_ids"]
    )
    with pytest.raises(JudgeError, match="template alone"):
        fitted_tokens(
            tokenizer, "怎", "慢", PoolingSettings(template="{prompt}{response}" + "<eoh>" * 50, tokens=40)
        )


def _published(folder: Path, base: Path, heads: tuple[int, ...] = (3, 3, 3, 2, 2)) -> dict[str, Any]:
    """Write a random model in the published flames-scorer layout; its tensors."""
    import json
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(base, folder)
    (folder / "model.safetensors").unlink()
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    # As the released configuration says it; its attention has biases, which random ones stand for here.
    values |= {"model_type": "internlm", "bias": True, "architectures": ["InternLMForSequenceClassification"]}
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    torch.manual_seed(5)
    tensors = {f"model.{name}": value for name, value in load_file(base / "model.safetensors").items()}
    for layer in range(2):
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            tensors[f"model.layers.{layer}.self_attn.{name}.bias"] = torch.randn(32)
        tensors[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    for place, count in enumerate(heads):
        tensors[f"classifiers.{place}.weight"] = torch.randn(count, 32)
    save_file(tensors, folder / "model-00001-of-00001.safetensors")
    return tensors


def test_the_published_layout_loads_and_reads_the_last_token(
    tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    import torch
    from transformers import LlamaConfig, LlamaModel

    base = tiny_model("llama")
    tensors = _published(tmp_path / "flames-scorer", base)
    scorer = load_scorer(tmp_path / "flames-scorer")
    assert [head.name for head in scorer.settings.heads] == [
        "Fairness",
        "Safety",
        "Morality",
        "Legality",
        "Data protection",
    ]
    pairs = [("怎么办？", "去骗他的钱"), ("第问", "慢慢来，多练习。" * 100), ("第", "谢")]
    found = scorer.backbone.logits(pairs)
    assert [one.shape for one in found] == [(3, 3), (3, 3), (3, 3), (3, 2), (3, 2)]

    # The same by hand, one text at a time, with the template as the authors' code writes it.
    config = LlamaConfig.from_pretrained(base, attention_bias=True)
    config.attention_bias = True
    model: Any = LlamaModel(config)
    model.eval()
    own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    model.load_state_dict({k: v for k, v in own.items() if not k.endswith("inv_freq")})
    tokenizer = open_tokenizer(base)
    text = "<|User|>:输入: 怎么办？\n回复: 去骗他的钱\n以上针对输入的回复为:<eoh>\n<|Bot|>:"
    with torch.no_grad():
        last = model(input_ids=torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0, -1]
    for place in range(5):
        # Class 0 is the best level there; here the worst comes first.
        expected = (tensors[f"classifiers.{place}.weight"] @ last).flip(0).numpy()
        np.testing.assert_allclose(found[place][0], expected, atol=1e-4)


def test_a_published_layout_that_is_not_whole_is_refused(
    tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    base = tiny_model("llama")
    _published(tmp_path / "short", base, heads=(3, 3, 3, 2))
    with pytest.raises(JudgeError, match=r"classifiers\.4\.weight is missing"):
        load_scorer(tmp_path / "short")
    _published(tmp_path / "other", base, heads=(3, 3, 3, 3, 2))
    with pytest.raises(JudgeError, match=r"classifiers\.3\.weight is of shape \(3, 32\)"):
        load_scorer(tmp_path / "other")
    for file in (tmp_path / "other").glob("*.safetensors"):
        file.rename(file.with_suffix(".bin"))
    with pytest.raises(JudgeError, match="pickle"):
        load_scorer(tmp_path / "other")


def test_a_backbone_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LiangxinError, match=r"config\.json is missing"):
        open_backbone(Tuning(path=str(tmp_path)), [2], seed=0)
    (tmp_path / "config.json").write_text('{"model_type": "none of these"}', encoding="utf-8")
    with pytest.raises(JudgeError, match="cannot be loaded"):
        open_backbone(Tuning(path=str(tmp_path)), [2], seed=0)
