"""A registry that is kind (it suggests) and strict (one name, one thing), importing on first use."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Generic, TypeVar, cast

from liangxin.errors import UnknownName

T = TypeVar("T")


class Registry(Generic[T]):
    """Names and where each thing lives, as `package.module:attribute`; nothing is imported until asked for."""

    def __init__(self, kind: str, places: dict[str, str], *, see: str) -> None:
        self._kind = kind
        self._places = dict(places)
        self._see = see

    def names(self) -> tuple[str, ...]:
        """Every registered name, in registration order."""
        return tuple(self._places)

    def add(self, name: str, place: str) -> None:
        """Register `place` under `name`.

        Raises:
            ValueError: the name is taken; the first registration stays.
        """
        if name in self._places:
            raise ValueError(f"{self._kind} {name!r} is already registered ({self._places[name]})")
        self._places[name] = place

    def get(self, name: str) -> T:
        """The thing registered under `name`, imported on first use.

        Raises:
            UnknownName: nothing has that name; the message suggests the nearest one.
        """
        place = self._places.get(name)
        if place is None:
            near = difflib.get_close_matches(name, self._places, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownName(f"no {self._kind} {name!r}.{hint} See `{self._see}`.")
        module, _, attribute = place.partition(":")
        return cast("T", getattr(import_module(module), attribute))
