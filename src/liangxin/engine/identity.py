"""What makes two runs the same run, and the manifest that lets a number be made again."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from liangxin import __version__
from liangxin.specs import Benchmark, Declaration, RunSpec
from liangxin.store.content import digest

DEFAULT_SEED = 0


def identity_fields(spec: RunSpec, benchmark: Benchmark, data_sha256: str, model: str) -> dict[str, object]:
    """The settings that a run's identity is made of.

    `--limit`, `--connections`, `--judge` and `--name` are not among them: a larger limit extends a run.
    `--choose-by` is one only where it is not `generation`, so that runs made before it keep their id.

    Args:
        model: the model's identity: SPEC and base URL, or what a recorded file contains.
    """
    return {
        "benchmark": benchmark.name,
        "benchmark_version": benchmark.version,
        "data_sha256": data_sha256,
        # Every run: a case is asked turn by turn as the benchmark has it. In it since ids were first given.
        "protocol": "scripted",
        "model": model,
        "temperature": spec.generation.temperature,
        "max_tokens": spec.generation.max_tokens,
        "request_seed": spec.generation.seed,
        "system": spec.system,
        "seed": DEFAULT_SEED if spec.seed is None else spec.seed,
        "trials": spec.trials,
        **({} if spec.choose_by == "generation" else {"choose_by": spec.choose_by}),
    }


def run_id(fields: dict[str, object]) -> str:
    """12 hex digits of the identity."""
    return digest(fields, length=12)


def manifest(
    spec: RunSpec,
    fields: dict[str, object],
    template: str | None = None,
    declaration: Declaration | None = None,
) -> dict[str, object]:
    """Everything needed to say how a run was made; holds no key.

    The identity's fields, and beside them where things came from and what ran them.

    Args:
        template: the prompt template of a model that has one.
        declaration: of a benchmark of the user's own; its version holds its digest.
    """
    return {
        "identity": fields,
        "model_spec": spec.model,
        "data": spec.data,
        **({"template": template} if template else {}),
        **({"declaration": declaration.text, "declared_in": declaration.file} if declaration else {}),
        "versions": {
            "liangxin": __version__,
            "python": platform.python_version(),
            "system": platform.system().lower(),
            **{name: _version(name) for name in ("aiohttp", "numpy", "sqlalchemy")},
        },
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
