"""A registry that is kind (it suggests) and strict (one name, one thing), importing on first use.

Beside what is built in, it finds what installed packages bring under an entry point group. Those are looked up
only when a name is not built in or a list is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from liangxin.errors import PluginError, UnknownName
from liangxin.hints import hint
from liangxin.specs import Bilingual, SpecHelp
from liangxin.traits import Origin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def kind_and_name(spec: str) -> tuple[str, str]:
    """The two parts of a SPEC, KIND or KIND:NAME; the name is empty where there is none."""
    kind, _, name = spec.partition(":")
    return kind, name


def resolved(thing: T | str) -> T:
    """The thing itself, or what stands at a place `package.module:attribute`, imported now."""
    if not isinstance(thing, str):
        return thing
    module, _, attribute = thing.partition(":")
    return cast("T", getattr(import_module(module), attribute))


def checked(record: type[T], name: str, thing: object) -> T:
    """A thing that must be a record with its own `name`.

    Raises:
        TypeError: it is something else.
        ValueError: it has another name.
    """
    if not isinstance(thing, record):
        raise TypeError(f"it is a {type(thing).__name__}, expected a {record.__name__}")
    own = getattr(thing, "name", name)
    if own != name:
        raise ValueError(f"it calls itself {own!r}")
    return thing


def kind_reader(record: type[T], spec: str, what: Bilingual) -> Callable[[str, object, Origin | None], T]:
    """What reads a kind's record, or an opener function as a kind that says nothing more of itself.

    Args:
        record: the kind's class, with `name`, `open` and `help`.
        spec: how a user names one, with `{}` for the kind.
        what: the word for one.
    """

    def read(name: str, thing: object, origin: Origin | None) -> T:
        opener = callable(thing) and not isinstance(thing, record)
        kind: Any = checked(record, name, cast("Any", record)(name=name, open=thing) if opener else thing)
        if kind.help:
            return cast("T", kind)
        zh = f"软件包 {origin.package} 的{what.zh}" if origin else f"登记的{what.zh}"
        en = f"a {what.en} of the package {origin.package}" if origin else f"a registered {what.en}"
        return cast("T", replace(kind, help=(SpecHelp(spec=spec.format(name), zh=zh, en=en),)))

    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Generic[T]):
    """One line of a registry's list."""

    name: str
    origin: Origin | None
    """None for what is built in."""
    thing: T | None
    """None for what cannot be used."""
    error: str = ""
    """Why it cannot be used: one sentence that names the package."""


class Registry(Generic[T]):
    """Names and where each thing lives, as `package.module:attribute`; nothing is imported until asked for.

    Args:
        kind: what it holds, in one word, for messages.
        places: what is built in; no package can take these names.
        see: the command that lists them.
        entry_points: the group under which installed packages bring more.
        reserved: names that mean something else, which no package can take.
        read: makes of (name, what stands there, its package) the thing that the registry hands out; what it
            raises makes the entry unusable. None hands it out as it is.
    """

    def __init__(
        self,
        kind: str,
        places: dict[str, str],
        *,
        see: str,
        entry_points: str = "",
        reserved: frozenset[str] = frozenset(),
        read: Callable[[str, object, Origin | None], T] | None = None,
    ) -> None:
        self._kind = kind
        self._places = dict(places)
        self._see = see
        self._group = entry_points
        self._reserved = reserved
        self._read = read

    def names(self) -> tuple[str, ...]:
        """Every name that is built in or was added, in registration order."""
        return tuple(self._places)

    def add(self, name: str, place: str) -> None:
        """Register `place` under `name`.

        Raises:
            ValueError: the name is taken; the first registration stays.
        """
        if name in self._places:
            raise ValueError(f"{self._kind} {name!r} is already registered ({self._places[name]})")
        self._places[name] = place

    def get(self, name: str, likely: str = "") -> T:
        """The thing registered under `name`, imported on first use.

        Args:
            likely: what will have been meant where no name is near.

        Raises:
            UnknownName: nothing has that name; the message suggests the nearest one.
            PluginError: a package brings it, and it cannot be used.
        """
        place = self._places.get(name)
        if place is not None:
            return self._made(name, resolved(place), None)
        found = self._brought(name)
        if not found:
            known = [*self._places, *(one.name for one in _installed(self._group))]
            raise UnknownName(f"no {self._kind} {name!r}.{hint(name, known, likely)} See `{self._see}`.")
        return self._loaded(found)

    def find(self, name: str) -> T | None:
        """As `get`, and None where nothing has that name.

        Raises:
            PluginError: as `get`.
        """
        return self.get(name) if name in self._places or self._brought(name) else None

    def origin(self, name: str) -> Origin | None:
        """The package that brings the thing of that name; None for what is built in, was added or is unknown."""
        found = () if name in self._places else self._brought(name)
        return _origin(found[0]) if found else None

    def entries(self) -> tuple[Registered[T], ...]:
        """Everything there is: what is built in or was added, then what packages bring, by name.

        What cannot be used stands there with its reason and does not stop the rest.
        """
        made = [Registered(name=name, origin=None, thing=self.get(name)) for name in self._places]
        for point in sorted(_installed(self._group), key=lambda one: (one.name, _origin(one).package)):
            try:
                thing = self._loaded([point] if point.name in self._places else self._brought(point.name))
            except PluginError as error:
                made.append(Registered(name=point.name, origin=_origin(point), thing=None, error=str(error)))
            else:
                made.append(Registered(name=point.name, origin=_origin(point), thing=thing))
        return tuple(made)

    def _brought(self, name: str) -> list[EntryPoint]:
        return [point for point in _installed(self._group) if point.name == name]

    def _loaded(self, points: list[EntryPoint]) -> T:
        """What packages bring under one name.

        Raises:
            PluginError: it cannot be used.
        """
        point, origin = points[0], _origin(points[0])
        name = point.name
        packages = " and ".join(sorted({_origin(one).package for one in points}))
        says = f"{self._kind} {name!r} of the package {packages} cannot be used"
        if name in self._places:
            raise PluginError(f"{says}: the name is built in")
        if name in self._reserved:
            raise PluginError(f"{says}: the name is reserved")
        if not _NAME.fullmatch(name):
            raise PluginError(f"{says}: a name has small letters and digits, with - or _ between")
        if len(points) > 1:
            raise PluginError(
                f"{self._kind} {name!r} is brought by {packages}, so none of them can be used: uninstall all but one"
            )
        try:
            return self._made(name, point.load(), origin)
        except (Exception, SystemExit) as error:
            raise PluginError(f"{says}: {type(error).__name__}: {error}") from error

    def _made(self, name: str, thing: object, origin: Origin | None) -> T:
        return cast("T", thing) if self._read is None else self._read(name, thing, origin)


def _installed(group: str) -> tuple[EntryPoint, ...]:
    """What installed packages bring under a group; a change of the search path is seen."""
    import sys

    return _found(group, tuple(sys.path)) if group else ()


@lru_cache(maxsize=32)
def _found(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    del path  # it is what the answer depends on
    from importlib.metadata import entry_points

    return tuple(point for point in entry_points(group=group) if point.dist is not None)


def _origin(point: EntryPoint) -> Origin:
    dist = point.dist
    if dist is None:
        raise PluginError(f"the entry point {point.name!r} belongs to no package")
    # As package indexes compare names (PEP 503), so that a spelling makes no other identity.
    package = re.sub(r"[-_.]+", "-", dist.name).lower()
    return Origin(package=package, version=dist.version, module=point.module)
