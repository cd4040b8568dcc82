"""Workbooks from outside, looked at before anything parses them."""

from __future__ import annotations

import io
import zipfile

from liangxin.errors import PeopleError, TooLarge

MOST_BYTES = 20 * 1024 * 1024
_UNPACKED = 300 * 1024 * 1024
_CHUNK = 1 << 20


def check_size(content: bytes) -> None:
    """Refuse what no annotator's file needs.

    Raises:
        TooLarge: more than 20 MB.
    """
    if len(content) > MOST_BYTES:
        raise TooLarge(
            "文件超过 20 MB，请分成几个。", "The file has more than 20 MB; divide it into several."
        )


def check_book(content: bytes) -> None:
    """Refuse an xlsx file that is none, unpacks to too much, or declares entities.

    The sizes in a zip's directory may lie, so that every part is unpacked once, piece by piece.

    Raises:
        PeopleError: it is not a workbook, or has a document type.
        TooLarge: packed or unpacked it is too large.
    """
    check_size(content)
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for part in packed.infolist():
                tail = b""
                with packed.open(part) as stream:
                    while piece := stream.read(_CHUNK):
                        total += len(piece)
                        if total > _UNPACKED:
                            raise TooLarge(
                                "工作簿解压后太大，没有读取。",
                                "Unpacked the workbook is too large; it was not read.",
                            )
                        _check_piece(part.filename, tail + piece)
                        tail = piece[-16:]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, ValueError):
        raise _no_book() from None
    except zipfile.zlib.error:  # type: ignore[attr-defined]
        raise _no_book() from None


def _check_piece(name: str, piece: bytes) -> None:
    """openpyxl reads with the standard library's parser, which would expand a document type's entities."""
    if not name.lower().endswith((".xml", ".rels", ".vml")):
        return
    # In UTF-16 the same declaration looks different.
    if b"<!" in piece.replace(b"\0", b"").replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise PeopleError(
            "工作簿里有不该有的声明（DOCTYPE），没有读取。",
            "The workbook declares a document type; it was not read.",
        )


def _no_book() -> PeopleError:
    return PeopleError(
        "这不是 xlsx 工作簿，请在表格程序里另存为 .xlsx。",
        "This is not an xlsx workbook; save it as .xlsx in a table program.",
    )


def is_sheet(content: bytes, about: str) -> bool:
    """Whether a workbook has the page that the sheets of this site carry; errors as `check_book`."""
    check_book(content)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        try:
            return f'name="{about}"'.encode() in packed.read("xl/workbook.xml")
        except KeyError:
            raise _no_book() from None
