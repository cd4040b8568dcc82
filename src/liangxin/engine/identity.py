"""What makes two runs the same run, and the manifest that lets a number be made again."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from liangxin import __version__
from liangxin.digests import digest
from liangxin.measures.formulas import formula_packages
from liangxin.models import model_package, package_versions
from liangxin.run_options import identity_values
from liangxin.specs import Benchmark, RunSpec

DEFAULT_SEED = 0


def identity_fields(spec: RunSpec, benchmark: Benchmark, data_sha256: str, model: str) -> dict[str, object]:
    """The settings that a run's identity is made of.

    Which options are among them is said with each option (`liangxin.run_options`): `--limit`, `--connections`,
    `--judge` and `--name` are not, as a larger limit extends a run. The package that brings a model is one, so
    that runs of the built-in kinds keep their id; a benchmark's package is in its version, and one that
    brings a formula changes what verdicts are worth, never what is asked: it stands in the manifest alone.

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
        "seed": DEFAULT_SEED if spec.seed is None else spec.seed,
        **identity_values(spec),
        **({"model_package": package} if (package := model_package(spec.model)) else {}),
    }


def run_id(fields: dict[str, object]) -> str:
    """12 hex digits of the identity."""
    return digest(fields)


def manifest(
    spec: RunSpec,
    fields: dict[str, object],
    template: str | None = None,
    benchmark: Benchmark | None = None,
) -> dict[str, object]:
    """Everything needed to say how a run was made; holds no key.

    The identity's fields, and beside them where things came from and what ran them.

    Args:
        template: the prompt template of a model that has one.
        benchmark: its declaration is kept where it is the user's own (its version holds its digest), and the
            version of the package that brings it.
    """
    declaration = None if benchmark is None else benchmark.declaration
    origin = None if benchmark is None else benchmark.origin
    return {
        "identity": fields,
        "model_spec": spec.model,
        "data": spec.data,
        **({"template": template} if template else {}),
        **({"benchmark_package": origin.package} if origin else {}),
        **({"declaration": declaration.text, "declared_in": declaration.file} if declaration else {}),
        "versions": {
            "liangxin": __version__,
            "python": platform.python_version(),
            "system": platform.system().lower(),
            **{name: _version(name) for name in ("aiohttp", "numpy", "sqlalchemy")},
            **package_versions(spec.model),
            **({origin.package: origin.version} if origin else {}),
            **({} if benchmark is None else formula_packages(benchmark)),
        },
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
