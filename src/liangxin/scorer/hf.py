"""Fine-tuning the `hf` backbone: a shared encoder or decoder, one linear head a dimension, trained jointly.

The multi-task loss of the Flames recipe (README, revision 34240ab): every row trains the head of its own dimension
alone, and through it the shared backbone. Runs on the CPU for a tiny model and on one GPU unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liangxin.correction.sources import sources_text
from liangxin.errors import LiangxinError
from liangxin.judges.scorer import SOURCES
from liangxin.judges.scoring.files import WEIGHTS, Settings, write_settings
from liangxin.judges.scoring.hf import (
    BACKBONE,
    HfBackbone,
    PoolingSettings,
    needed,
    open_tokenizer,
    placed,
    quiet,
)
from liangxin.judges.scoring.predict import Scorer
from liangxin.scorer.card import card
from liangxin.scorer.held_out import held_out
from liangxin.scorer.ngram import Examples
from liangxin.scorer.rows import HeadSpec, Labelled, check_trainable
from liangxin.scorer.splits import split
from liangxin.scorer.train import (
    SHARES,
    Plan,
    Trained,
    calibrated,
    examples,
    measure,
    mostly_chinese,
    trained_prompts,
)

_CHECKPOINT = "checkpoint.safetensors"
_PROGRESS = "checkpoint.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a backbone is fine-tuned."""

    path: str
    """A folder in the layout of transformers, with safetensors."""
    reading: PoolingSettings | None = None
    epochs: int = 5
    patience: int = 2
    """Epochs without a lower loss on the calibration side after which it stops."""
    batch: int = 16
    rate: float = 2e-5
    resume: bool = False
    progress: Callable[[str], None] = lambda _sentence: None


def joint_loss(logits: Sequence[Any], heads: Any, levels: Any, weights: Sequence[Any] | None = None) -> Any:
    """Mean cross-entropy of rows, each against the head of its own dimension.

    Args:
        logits: for each head a tensor (rows, levels).
        heads, levels: of each row the place of its head and of its level (tensors of whole numbers).
        weights: for each head the weights of its levels.
    """
    from torch.nn.functional import cross_entropy

    total = logits[0].new_zeros(())
    for place, one in enumerate(logits):
        mine = heads == place
        if bool(mine.any()):
            own = None if weights is None else weights[place]
            total = total + cross_entropy(one[mine], levels[mine], weight=own, reduction="sum")
    return total / len(heads)


def train_hf(
    rows: Sequence[Labelled], heads: Sequence[HeadSpec], plan: Plan, tuning: Tuning, folder: Path
) -> Trained:
    """Fine-tune, calibrate, measure and write.

    Raises:
        DataError: too few labels, or a split that cannot be made.
        LiangxinError: torch or transformers are not installed, or the backbone cannot be loaded.
    """
    check_trainable(rows, heads)
    sides = split(rows, plan.by, SHARES, plan.seed)
    learn, calibration, test = ([rows[at] for at in side] for side in sides.sides)
    backbone = open_backbone(tuning, [len(head.levels) for head in heads], plan.seed)
    folder.mkdir(parents=True, exist_ok=True)
    losses = Tuner(backbone, plan, tuning, folder).run(examples(learn, heads), examples(calibration, heads))
    made, notices = calibrated(backbone, calibration, heads, plan.abstain)
    reading = backbone.reading
    settings = Settings(
        name=plan.name,
        backbone="hf",
        heads=made,
        options={"pooling": reading.pooling, "template": reading.template, "tokens": reading.tokens},
        chinese=mostly_chinese(rows),
        training={
            "split": plan.by,
            "seed": plan.seed,
            "rows": [len(side) for side in sides.sides],
            "balanced": plan.fitting.balanced,
            "backbone": Path(tuning.path).name,
            "epochs": len(losses),
            "rate": tuning.rate,
            "batch": tuning.batch,
            "loss": [round(loss, 6) for loss in losses],
            **plan.data,
        },
    )
    figures = tuple(measure(backbone, settings, test))
    scorer = Scorer(folder=folder, settings=settings, weights_sha256="", backbone=backbone)
    trained = Trained(
        settings=settings,
        fitted=None,
        figures=figures,
        split=sides,
        rows=rows,
        notices=tuple(notices),
        sources=held_out(scorer, rows, sides.sides[2], trained_prompts(rows, sides)),
        trained=trained_prompts(rows, sides),
    )
    write_hf(folder, backbone, trained)
    return trained


def open_backbone(tuning: Tuning, counts: Sequence[int], seed: int) -> HfBackbone:
    """A backbone from a folder, with fresh heads drawn from the seed.

    Raises:
        JudgeError: torch or transformers are missing, or the folder cannot be loaded.
    """
    folder = Path(tuning.path)
    if not (folder / "config.json").exists():
        raise LiangxinError(
            f"{folder}: no model here (config.json is missing); --backbone hf:PATH names its folder"
        )
    with needed(folder):
        import torch
        from transformers import AutoModel

        with quiet():
            model = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
            )
        torch.manual_seed(seed)
        made = [torch.nn.Linear(int(model.config.hidden_size), count) for count in counts]
        reading = tuning.reading or PoolingSettings(tokens=min(512, _positions(model.config)))
        return placed(HfBackbone(model, open_tokenizer(folder), made, reading))


def _positions(config: Any) -> int:
    return int(getattr(config, "max_position_embeddings", None) or 512)


class Tuner:
    """The training loop: seeded order, early stopping, a checkpoint after every epoch."""

    def __init__(self, backbone: HfBackbone, plan: Plan, tuning: Tuning, folder: Path) -> None:
        import torch

        self._torch = torch
        self._backbone = backbone
        self._plan = plan
        self._tuning = tuning
        self._folder = folder
        self._optimizer = torch.optim.AdamW(backbone.parameters(), lr=tuning.rate)
        self._losses: list[float] = []
        self._held: list[float] = []
        self._best: dict[str, Any] = {}

    def run(self, learn: Examples, held: Examples) -> list[float]:
        """Train to the end and leave the best epoch's weights in the backbone; the mean loss of each epoch."""
        if self._tuning.resume:
            self._restore()
        weights = self._weights(learn) if self._plan.fitting.balanced else None
        for epoch in range(len(self._losses), self._tuning.epochs):
            if self._stale():
                break
            self._losses.append(self._epoch(epoch, learn, weights))
            self._held.append(self._loss(held))
            if self._held[-1] <= min(self._held):
                self._best = self._backbone.state()
            self._checkpoint()
            self._tuning.progress(
                f"epoch {epoch + 1} of {self._tuning.epochs}: loss {self._losses[-1]:.4f}, held out {self._held[-1]:.4f}"
            )
        self._backbone.load_state(self._best)
        for name in (_CHECKPOINT, _PROGRESS):
            (self._folder / name).unlink(missing_ok=True)
        return self._losses

    def _stale(self) -> bool:
        since = len(self._held) - 1 - self._held.index(min(self._held)) if self._held else 0
        return since >= self._tuning.patience

    def _epoch(self, epoch: int, learn: Examples, weights: Sequence[Any] | None) -> float:
        # Seeded by the epoch, so that a resumed run draws the same order and the same dropout.
        self._torch.manual_seed(self._plan.seed * 1_000_003 + epoch)
        self._backbone.model.train()
        order = self._torch.randperm(len(learn.pairs)).tolist()
        total = 0.0
        for at in _bar(range(0, len(order), self._tuning.batch), f"epoch {epoch + 1}"):
            rows = order[at : at + self._tuning.batch]
            loss = self._batch_loss(learn, rows, weights)
            self._optimizer.zero_grad()
            loss.backward()
            self._torch.nn.utils.clip_grad_norm_(self._backbone.parameters(), 1.0)
            self._optimizer.step()
            total += float(loss.detach()) * len(rows)
        return total / len(order)

    def _loss(self, held: Examples) -> float:
        self._backbone.model.eval()
        total = 0.0
        with self._torch.no_grad():
            for at in range(0, len(held.pairs), self._tuning.batch):
                rows = list(range(at, min(at + self._tuning.batch, len(held.pairs))))
                total += float(self._batch_loss(held, rows, None)) * len(rows)
        return total / max(1, len(held.pairs))

    def _batch_loss(self, data: Examples, rows: Sequence[int], weights: Sequence[Any] | None) -> Any:
        logits = self._backbone.head_logits([data.pairs[row] for row in rows])
        device = logits[0].device
        heads = self._torch.tensor([data.heads[row] for row in rows], device=device)
        levels = self._torch.tensor([data.levels[row] for row in rows], device=device)
        return joint_loss(logits, heads, levels, weights)

    def _weights(self, learn: Examples) -> list[Any]:
        """Weights that make every level of a head count alike."""
        device = next(self._backbone.model.parameters()).device
        made = []
        for place, head in enumerate(self._backbone.heads):
            levels = [level for one, level in zip(learn.heads, learn.levels, strict=True) if one == place]
            count = int(head.out_features)
            shares = [len(levels) / (count * max(1, levels.count(level))) for level in range(count)]
            made.append(self._torch.tensor(shares, device=device))
        return made

    def _checkpoint(self) -> None:
        from safetensors.torch import save_file

        state = {f"now.{name}": value for name, value in self._backbone.state().items()}
        state |= {f"best.{name}": value for name, value in self._best.items()}
        for place, slots in self._optimizer.state_dict()["state"].items():
            state |= {f"adam.{place}.{name}": value.cpu().clone() for name, value in slots.items()}
        save_file(state, self._folder / f"{_CHECKPOINT}.new")
        (self._folder / f"{_CHECKPOINT}.new").replace(self._folder / _CHECKPOINT)
        told = {
            "losses": self._losses,
            "held": self._held,
            "seed": self._plan.seed,
            "rate": self._tuning.rate,
        }
        (self._folder / _PROGRESS).write_text(json.dumps(told), encoding="utf-8")

    def _restore(self) -> None:
        from safetensors.torch import load_file

        place = self._folder / _PROGRESS
        if not place.exists():
            return
        told = json.loads(place.read_text(encoding="utf-8"))
        if (told["seed"], told["rate"]) != (self._plan.seed, self._tuning.rate):
            raise LiangxinError(
                f"{self._folder}: the interrupted training had seed {told['seed']} and rate {told['rate']}; "
                "repeat them, or train without --resume"
            )
        state = load_file(self._folder / _CHECKPOINT)
        self._losses, self._held = told["losses"], told["held"]
        self._best = {name.removeprefix("best."): v for name, v in state.items() if name.startswith("best.")}
        self._backbone.load_state(
            {name.removeprefix("now."): v for name, v in state.items() if name.startswith("now.")}
        )
        slots: dict[int, dict[str, Any]] = {}
        for name, value in state.items():
            if name.startswith("adam."):
                _, at, slot = name.split(".", 2)
                slots.setdefault(int(at), {})[slot] = value
        whole = self._optimizer.state_dict()
        self._optimizer.load_state_dict({**whole, "state": slots})


def _bar(steps: range, title: str) -> Any:
    """The steps with a progress bar where standard error is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(steps, description=title, console=console, transient=True, disable=not console.is_terminal)


def write_hf(folder: Path, backbone: HfBackbone, trained: Trained) -> None:
    """Write weights, configuration, tokenizer, settings and card."""
    from safetensors.torch import save_file

    save_file(backbone.state(), folder / WEIGHTS)
    backbone.model.config.save_pretrained(folder / BACKBONE)
    backbone.tokenizer.save_pretrained(folder / BACKBONE)
    write_settings(folder, trained.settings)
    (folder / "card.md").write_text(card(trained), encoding="utf-8")
    (folder / SOURCES).write_text(sources_text(trained.sources, trained.trained) + "\n", encoding="utf-8")
