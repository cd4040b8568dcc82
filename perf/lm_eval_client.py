"""Weigh a file's options with lm-evaluation-harness's `hf` backend and print what it took, as JSON.

Usage: python perf/lm_eval_client.py MODEL_FOLDER ITEMS.jsonl

It has the batch size that suits it best, found on an eighth of the items. Run by perf/likelihood.py in a virtual environment of its own. Neither
loading nor the search is timed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

BATCH_SIZES = (4, 8, 16, 32)


def main() -> None:
    """Load, weigh a few items to warm up, then all."""
    folder, place = sys.argv[1], Path(sys.argv[2])
    torch.set_num_threads(1)
    items = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    model = HFLM(pretrained=folder, device="cpu", dtype="float32", batch_size=BATCH_SIZES[0])
    requests = [
        Instance("loglikelihood", {}, (item["prompt"], option), index)
        for item in items
        for index, option in enumerate(item["options"])
    ]
    weigh(model, requests[:8], BATCH_SIZES[0])
    few = requests[: max(64, len(requests) // 8)]
    best = min(BATCH_SIZES, key=lambda size: weigh(model, few, size)[0])
    cpu, found = weigh(model, requests, best)
    print(json.dumps({"cpu": cpu, "batch_size": best, "logprobs": found}))


def weigh(model: HFLM, requests: list[Instance], batch_size: int) -> tuple[float, list[float]]:
    """CPU seconds and log-probabilities."""
    model.batch_size_per_gpu = batch_size
    started = time.process_time()
    found = model.loglikelihood(requests, disable_tqdm=True)
    return time.process_time() - started, [value for value, _ in found]


if __name__ == "__main__":
    main()
