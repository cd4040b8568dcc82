"""Reading the tables of a declaration: every mistake is one sentence, and all of them are said at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from liangxin.errors import DataError
from liangxin.files import show
from liangxin.specs import Bilingual


class Mistakes:
    """What is wrong with one declaration, a sentence each: `FILE: table.key: found …, expected …`."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._said: list[str] = []

    def say(self, place: str, found: str, expected: str) -> None:
        """Note one mistake."""
        self._said.append(f"{self.file}: {place}: found {found}, expected {expected}")

    def __bool__(self) -> bool:
        return bool(self._said)

    def stop(self) -> None:
        """Say them all, one a line.

        Raises:
            DataError: there is any.
        """
        if self._said:
            raise DataError("\n".join(dict.fromkeys(self._said)))


class TomlTable:
    """One table; what is asked of it is known, and `close` reports every key that nobody asked for."""

    def __init__(
        self, values: Mapping[str, Any], place: str, mistakes: Mistakes, *, absent: bool = False
    ) -> None:
        self.values = values
        self.absent = absent
        """Whether the declaration has no such table; that was said already where it needs one."""
        self.place = place
        self.mistakes = mistakes
        self._known: list[str] = []

    def at(self, key: str) -> str:
        """A key's place for a message."""
        return f"{self.place}.{key}" if self.place else key

    def wrong(self, key: str, found: object, expected: str) -> None:
        """Note that a key's value is not what it should be."""
        self.mistakes.say(self.at(key), show(found), expected)

    def get(self, key: str) -> Any:
        """The value as it stands, or None; the key counts as known."""
        self._known.append(key)
        return self.values.get(key)

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text that is not blank; required where there is no default."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            self.wrong(key, value, "a text that is not blank")
            return default or ""
        return value

    def optional(self, key: str) -> str | None:
        """A text, or None where the key is absent."""
        return None if self.get(key) is None else self.text(key)

    def flag(self, key: str, *, default: bool) -> bool:
        """true or false."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong(key, value, "true or false")
            return default
        return value

    def one_of(self, key: str, allowed: Sequence[str], *, default: str | None = None) -> str:
        """One of some words."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or value not in allowed:
            near = difflib.get_close_matches(value, allowed, n=1) if isinstance(value, str) else []
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            self.wrong(key, value, " or ".join(allowed) + hint)
            return default or allowed[0]
        return value

    def texts(self, key: str, *, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """One text or a list of texts."""
        value = self.get(key)
        if value is None and default is not None:
            return tuple(default)
        found = [value] if isinstance(value, str) else value
        if (
            not isinstance(found, list)
            or not found
            or not all(isinstance(one, str) and one.strip() for one in found)
        ):
            self.wrong(key, value, "a text, or a list of texts")
            return tuple(default or ())
        return tuple(found)

    def pairs(self, key: str) -> dict[str, str]:
        """A table of texts; empty where absent."""
        value = self.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(key, value, "a table of texts")
            return {}
        for name, one in value.items():
            if not isinstance(one, str) or not one.strip():
                self.wrong(f"{key}.{name}", one, "a text that is not blank")
        return {name: one for name, one in value.items() if isinstance(one, str) and one.strip()}

    def bilingual(self, key: str, *, default: Bilingual | None = None) -> Bilingual:
        """A text for both languages, or a table of `zh` and `en`."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and value.strip():
            return Bilingual(zh=value, en=value)
        if isinstance(value, dict):
            table = TomlTable(value, self.at(key), self.mistakes)
            found = Bilingual(zh=table.text("zh"), en=table.text("en"))
            table.close()
            return found
        self.wrong(key, value, "a text, or a table with zh and en")
        return default or Bilingual(zh="", en="")

    def table(self, key: str, *, required: bool = False) -> TomlTable:
        """A table; an empty one where it is absent."""
        value = self.get(key)
        if isinstance(value, dict):
            return TomlTable(value, self.at(key), self.mistakes)
        if value is not None or required:
            self.wrong(key, value, f"a table [{self.at(key)}]")
        return TomlTable({}, self.at(key), self.mistakes, absent=True)

    def list_of_tables(self, key: str) -> list[TomlTable]:
        """A list of tables; empty where it is absent."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.wrong(key, value, f"tables [[{self.at(key)}]]")
            return []
        return [TomlTable(one, f"{self.at(key)}[{n}]", self.mistakes) for n, one in enumerate(value, start=1)]

    def close(self, known: Iterable[str] = ()) -> None:
        """Report every key that was never asked for."""
        allowed = [*dict.fromkeys([*self._known, *known])]
        for key in self.values:
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, n=1)
                hint = f"{near[0]} (did you mean that?)" if near else "one of " + ", ".join(allowed)
                self.mistakes.say(self.at(key), "an unknown key", hint)
