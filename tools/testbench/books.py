"""Workbooks written part by part, as programs write them that are not ours, and with what is wrong in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def text_cell(place: str, text: str) -> str:
    """An inline text as XML."""
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def sheet_xml(rows: Sequence[Sequence[str]], dimension: str = "") -> str:
    """The rows of a sheet: texts, or cells as XML where they begin with `<c`."""
    made = []
    for number, cells in enumerate(rows, start=1):
        whole = "".join(
            cell if cell.startswith("<c") else text_cell(f"{chr(65 + at)}{number}", cell)
            for at, cell in enumerate(cells)
        )
        made.append(f'<row r="{number}">{whole}</row>')
    ref = f'<dimension ref="{dimension}"/>' if dimension else ""
    return f'<worksheet xmlns="{_MAIN}">{ref}<sheetData>{"".join(made)}</sheetData></worksheet>'


def book_of(
    sheets: Mapping[str, str], parts: Mapping[str, str] | None = None, hidden: Sequence[str] = ()
) -> bytes:
    """A workbook of sheets (name to XML).

    Args:
        parts: further parts, by name; `sharedStrings.xml` and `styles.xml` are named in the workbook; an empty text
            takes a part away.
        hidden: the sheets that are not shown.
    """
    named = list(enumerate(sheets, start=1))
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="s{n}"{" state=" + chr(34) + "hidden" + chr(34) if name in hidden else ""}/>'
        for n, name in named
    )
    targets = [(f"s{n}", "worksheet", f"worksheets/sheet{n}.xml") for n, _ in named]
    targets += [
        (kind, kind, f"{kind}.xml")
        for kind in ("sharedStrings", "styles")
        if f"xl/{kind}.xml" in (parts or {})
    ]
    relations = "".join(
        f'<Relationship Id="{at}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for at, kind, target in targets
    )
    content = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{relations}</Relationships>',
        **{f"xl/worksheets/sheet{n}.xml": sheets[name] for n, name in named},
        **(parts or {}),
    }
    return zipped({name: text for name, text in content.items() if text})


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """A zip of files by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return packed.getvalue()


def strings_xml(texts: Sequence[str]) -> str:
    """A part of shared strings, each given as XML within `si`."""
    return f'<sst xmlns="{_MAIN}">{"".join(f"<si>{one}</si>" for one in texts)}</sst>'


def styles_xml(formats: int, number_format: int = 0) -> str:
    """A part of styles with so many cell formats, all alike."""
    return f'<styleSheet xmlns="{_MAIN}"><cellXfs>{f"<xf numFmtId={chr(34)}{number_format}{chr(34)}/>" * formats}</cellXfs></styleSheet>'


def blanks_xml(rows: int) -> str:
    """So many rows of 1,500 blank cells; a thousand of them pack into some 9 kB."""
    row = "<row>" + "<c/>" * 1500 + "</row>"
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{row * rows}</sheetData></worksheet>'
