"""The safetensors format (huggingface/safetensors, README "Format") by numpy alone: no pickle, no code, no surprises.

A file is 8 bytes (little-endian length of the header), the header (JSON: name -> dtype, shape, data_offsets), the
data. Reading checks everything before a byte is used.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from liangxin.errors import JudgeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "|u1"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}
_HEADER_LIMIT = 1 << 24


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays in the order of their names; equal arrays give equal bytes."""
    header: dict[str, object] = {}
    blocks: list[bytes] = []
    at = 0
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        block = array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype.newbyteorder("<")],
            "shape": list(array.shape),
            "data_offsets": [at, at + len(block)],
        }
        blocks.append(block)
        at += len(block)
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of a file.

    Raises:
        JudgeError: the file is missing or not a well-formed safetensors file of known types.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JudgeError(
            f"{path}: not readable ({error.strerror or error}); is the scorer complete?"
        ) from None
    try:
        return _parsed(data)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise JudgeError(
            f"{path}: not a safetensors file ({error}); fetch or train the scorer again"
        ) from None


def _parsed(data: bytes) -> dict[str, NDArray[Any]]:
    (length,) = struct.unpack_from("<Q", data)
    if length > min(_HEADER_LIMIT, len(data) - 8):
        raise ValueError("the header is longer than the file")
    header = json.loads(data[8 : 8 + length].decode("utf-8"))
    body = memoryview(data)[8 + length :]
    found: dict[str, NDArray[Any]] = {}
    for name, about in header.items():
        if name == "__metadata__":
            continue
        kind = np.dtype(_TYPES[about["dtype"]])
        shape = tuple(about["shape"])
        start, end = about["data_offsets"]
        size = kind.itemsize
        for side in shape:
            if not isinstance(side, int) or side < 0:
                raise ValueError(f"{name} has no valid shape")
            size *= side
        if not 0 <= start <= end <= len(body) or end - start != size:
            raise ValueError(f"{name} does not fit its place")
        found[name] = np.frombuffer(body[start:end], dtype=kind).reshape(shape)
    return found
