"""The data files that a declaration names: found, read row by row, joined, and digested as one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from liangxin import cells
from liangxin.benchmarks.declared.documents import KEY, document_rows
from liangxin.benchmarks.declared.mapping import FieldMapping
from liangxin.benchmarks.declared.tables import TomlTable
from liangxin.data import each_once
from liangxin.digests import text_digest
from liangxin.errors import DataError
from liangxin.files import file_digest, read_rows, show
from liangxin.files.opening import content_name, format_of
from liangxin.files.unread import UnreadFields
from liangxin.records import Item, Row

FILE = "@file"
"""The pseudo-column that holds the file's name without its endings."""
_ENDINGS = re.compile(r"(?:\.(?:jsonl|json|csv|tsv|xlsx|xlsm|parquet|txt|gz|zip))+$", re.IGNORECASE)
_FOUND = re.compile(r"(?:(?<=: )|^)(?:found|not) .*, expected ", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A second file whose row of the same key completes a row."""

    file: str
    key: str
    """The row's column that holds the key."""
    by: str
    """The second file's column (or `@key`) that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFiles:
    """A declaration's `[data]`, bound to the folder of the TOML file."""

    where: str
    """The declaration's path, for messages."""
    folder: str
    names: tuple[str, ...]
    columns: tuple[str, ...] | None
    titles: Mapping[str, str]
    join: Join | None
    mapping: FieldMapping

    def digest(self, data: str | None) -> str:
        """The sha256 (64 hex digits) of one file's bytes; of several, of their names and digests in order.

        Raises:
            DataError: a file is missing or cannot be read.
        """
        paths = self.paths(data)
        every = [*paths, *self._joined_path(paths)]
        if len(every) == 1:
            return file_digest(str(every[0]))
        lines = [f"{path.name} {file_digest(str(path))}\n" for path in every]
        return text_digest("".join(lines))

    def items(self, data: str | None) -> Iterator[Item]:
        """Every item of the data, in order.

        Raises:
            DataError: a file or a row is wrong, or two rows give the same item. No text of a row that is
                secret, or may be, stands in the message.
        """

        def refused(item: Item, row: Row, first: Row) -> DataError:
            there = f"{Path(first.file).name}:{first.number}"
            found = f"the same item as {there} ({'secret' if item.secret else show(item.id)})"
            return DataError.at(row.file, row.number, "id", found=found, expected="each row once")

        def rows() -> Iterator[tuple[Row, Sequence[Item]]]:
            return ((row, self._items(unread.watched(row))) for row in self._rows(data))

        unread = UnreadFields(*([self.join.key] if self.join else ()))
        yield from each_once(rows, refused)
        unread.tell(self.where)

    def _items(self, row: Row) -> Sequence[Item]:
        try:
            return self.mapping.read(row)
        except DataError as error:
            raise (self._masked(error) if self._hides(row) else error) from None

    def paths(self, data: str | None) -> list[Path]:
        """The data files; with `data`, the file itself, or those of that folder.

        Raises:
            DataError: nothing is there.
        """
        if data is not None and not Path(data).is_dir():
            if not Path(data).exists():
                raise DataError(f"{data}: no such file")
            return [Path(data)]
        folder = Path(self.folder if data is None else data)
        found: list[Path] = []
        for name in self.names:
            matched = sorted(folder.glob(name)) if _GLOB.search(name) else [folder / name]
            there = [path for path in matched if path.is_file()]
            if not there:
                raise DataError(
                    f"{self.where}: data.file: found no file {folder / name}, expected the data there; "
                    "give its place with --data PATH (the file, or the folder that holds it)"
                )
            found.extend(path for path in there if path not in found)
        return found

    def _joined_path(self, paths: list[Path]) -> list[Path]:
        if self.join is None:
            return []
        path = paths[0].parent / Path(self.join.file).name
        if not path.is_file():
            raise DataError(
                f"{self.where}: data.join.file: found no file {path}, expected it beside {paths[0].name}"
            )
        return [path]

    def _rows(self, data: str | None) -> Iterator[Row]:
        paths = self.paths(data)
        try:
            joined = self._joined(paths)
            for path in paths:
                stem = _ENDINGS.sub("", path.name)
                for row in self._read(path):
                    cells = {**row.values, FILE: self.titles.get(stem, stem)}
                    whole = Row(file=row.file, number=row.number, values=cells)
                    yield whole if self.join is None else self._completed(whole, self.join, joined)
        except DataError as error:
            raise (self._masked(error) if self._may_hide else error) from None

    def _read(self, path: Path, *, headed: bool = False) -> Iterator[Row]:
        if format_of(content_name(str(path))) == ".json":
            return document_rows(str(path))
        return read_rows(str(path), None if headed else self.columns)

    def _joined(self, paths: list[Path]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for path in self._joined_path(paths):
            join = self.join
            for row in self._read(path, headed=True):
                key = _key(row, join.by) if join else ""
                if key in found:
                    raise DataError.at(
                        row.file,
                        row.number,
                        join.by if join else "",
                        found=f"{show(key)}, as in row {found[key].number}",
                        expected="each key once",
                    )
                found[key] = row
        return found

    def _completed(self, row: Row, join: Join, joined: Mapping[str, Row]) -> Row:
        key = _key(row, join.key)
        other = joined.get(key)
        if other is None:
            raise DataError.at(
                row.file, row.number, join.key, found=show(key), expected=f"a key of {Path(join.file).name}"
            )
        differ = next(
            (
                name
                for name, value in other.values.items()
                if not name.startswith("@")
                and name not in (join.by, join.key)
                and name in row.values
                and row.values[name] != value
            ),
            None,
        )
        if differ is not None:
            raise DataError.at(
                row.file,
                row.number,
                differ,
                found=show(row.values[differ]),
                expected=f"the same as row {other.number} of {Path(join.file).name}",
            )
        added = {name: value for name, value in other.values.items() if not name.startswith("@")}
        return Row(file=row.file, number=row.number, values={**added, **row.values})

    @property
    def _may_hide(self) -> bool:
        return self.mapping.all_secret or self.mapping.secret_column is not None

    def _hides(self, row: Row) -> bool:
        """Whether the row is secret; one whose own mark cannot be read is taken for secret."""
        try:
            return self.mapping.is_secret(row)
        except DataError:
            return True

    @staticmethod
    def _masked(error: DataError) -> DataError:
        """The error without what was found: only where, and what was expected."""
        return DataError(_FOUND.sub("found something else (not shown: secret), expected ", str(error)))


def _key(row: Row, column: str) -> str:
    key = cells.own_id(row, column, expected="a key")
    if key is None:
        raise cells.wrong(row, column, "a key")
    return key


def data_files(root: TomlTable, where: str, folder: str, mapping: FieldMapping) -> tuple[DataFiles, bool]:
    """`[data]`: file or files, header, names, join; and whether it is a sample."""
    table = root.table("data", required=True)
    file, files = table.get("file"), table.get("files")
    names: tuple[str, ...] = ()
    if not table.absent and (file is None) == (files is None):
        table.wrong("file", file, "either file or files")
    elif not table.absent:
        names = table.texts("files") if file is None else (table.text("file"),)
    for name in names:
        if _GLOB.search(name) and (Path(name).is_absolute() or "**" in name):
            table.wrong("files", name, "a pattern below the TOML file's folder, without **")
    header = table.flag("header", default=True)
    columns = table.texts("columns", default=())
    if header and columns:
        table.wrong("columns", list(columns), "header = false beside it")
    if not header and not columns:
        table.wrong("columns", None, "the names of the columns, as there is no header row")
    if len(set(columns)) != len(columns):
        table.wrong("columns", list(columns), "each name once")
    join = None
    if table.get("join") is not None:
        inner = table.table("join")
        join = Join(file=inner.text("file"), key=inner.text("key"), by=inner.text("by", default=KEY))
        inner.close()
    found = DataFiles(
        where=where,
        folder=folder,
        names=names,
        columns=columns or None,
        titles=table.pairs("names"),
        join=join,
        mapping=mapping,
    )
    sample = table.flag("sample", default=False)
    table.close()
    return found, sample
