"""The folder of a Hugging Face model: what is in it, what makes it the same, how its questions are put.

Nothing here needs torch: a run whose answers are all stored reads no weights.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from liangxin.digests import bytes_digest, text_digest
from liangxin.errors import DataError, ModelError
from liangxin.models import fewshot

CHAT_MAX_TOKENS = 1024
"""Tokens of an answer of a model that has a chat template, where the run names no number."""

_SETTINGS = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "additional_chat_templates/*.jinja")
_NOT_READ = frozenset({"README.txt", "LICENSE.txt", "trainer_state.json", "all_results.json"})
_WEIGHTS = "*.safetensors"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A model's folder, checked."""

    path: Path
    identity: str
    """`hf:` and digests of all files that decide an answer, and of the way a question is put."""
    chat_template: str | None
    """None: a base model."""

    @property
    def template(self) -> str:
        """How a question becomes a prompt, for the manifest."""
        return self.chat_template or fewshot.template()


def open_folder(name: str) -> Folder:
    """Check the folder `name` and digest it.

    Raises:
        DataError: there is no such folder, or a file of it cannot be read.
        ModelError: it holds no model, or none in safetensors.
    """
    path = Path(name)
    if not path.is_dir():
        raise DataError(
            f"{name}: no such folder; hf:PATH is a model's folder on this machine (nothing is fetched)"
        )
    try:
        settings, weights = _files(path)
        template = _chat_template(path)
        digest = _digest(path, [*settings, *weights])
    except OSError as error:
        raise DataError(f"{error.filename or name}: {error.strerror or error}") from None
    shape = fewshot.template_digest() if template is None else _shape(template)
    return Folder(path=path, identity=f"hf:{digest[:16]}+{shape}", chat_template=template)


def _files(path: Path) -> tuple[list[Path], list[Path]]:
    if not (path / "config.json").is_file():
        raise ModelError(
            f"{path} holds no model: there is no config.json; name the folder that save_pretrained wrote"
        )
    weights = sorted(one for one in path.glob(_WEIGHTS) if one.is_file())
    if not weights:
        if any(next(path.glob(pattern), None) for pattern in _PICKLES):
            raise ModelError(
                f"{path} has its weights as pickles only, which can run any code when loaded; "
                "save them with save_pretrained(…, safe_serialization=True)"
            )
        raise ModelError(f"{path} holds no weights: there is no file *.safetensors")
    settings = {one for pattern in _SETTINGS for one in path.glob(pattern) if one.is_file()}
    return sorted(one for one in settings if one.name not in _NOT_READ), weights


def _digest(path: Path, files: list[Path]) -> str:
    """sha256 over every file's name and content.

    The whole content is read, about a second for 1.5 GB: a size with a few blocks would not see a weight
    that was trained on, and a time stamp is no content. What is read stays in the system's cache for loading.
    """
    listed = [(one.relative_to(path).as_posix(), bytes_digest(one)) for one in files]
    return text_digest(json.dumps(listed))


def _shape(template: str) -> str:
    return text_digest(json.dumps([template, CHAT_MAX_TOKENS]), length=12)


def _chat_template(path: Path) -> str | None:
    """The chat template as transformers finds it: a file of its own, else among the tokenizer's settings.

    Source: huggingface/transformers, `PreTrainedTokenizerBase.from_pretrained` (chat_template.jinja,
    chat_template.json, then tokenizer_config.json, where a list holds named ones and `default` is meant).
    """
    apart = path / "chat_template.jinja"
    if apart.is_file():
        return apart.read_text(encoding="utf-8", errors="replace") or None
    for name in ("chat_template.json", "tokenizer_config.json"):
        found = _object(path / name).get("chat_template")
        if isinstance(found, list):
            named = {one.get("name"): one.get("template") for one in found if isinstance(one, dict)}
            found = named.get("default")
        if isinstance(found, str) and found:
            return found
    return None


def _object(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise ModelError(f"{path} is not JSON: the model's folder is damaged") from None
    return value if isinstance(value, dict) else {}
