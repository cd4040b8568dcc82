"""What one running site is: its store, its address, and the models that people may attack."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from liangxin.specs import Benchmark, Endpoint, Generation
from liangxin.store import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackSettings:
    """How the red-teaming page reaches models and the judge that speaks afterwards."""

    models: tuple[str, ...] = ()
    """Model SPECs on offer; the browser names one by its number and can name no other."""
    benchmarks: tuple[Benchmark, ...] = ()
    """Whose taxonomy and scale attacks use."""
    endpoint: Endpoint = Endpoint()
    generation: Generation = Generation()
    judge: str = "rule"
    judge_endpoint: Endpoint = Endpoint()
    system: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One running site."""

    database: Database
    base_url: str
    """Where people reach it, without a slash at the end: what invitation links begin with."""
    single_user: bool
    """On loopback: one user, who needs no account."""
    hosts: frozenset[str] = frozenset()
    """The Host headers that are answered (name and port); empty answers all."""
    secure: bool = False
    """Whether people come over https: cookies are then sent over nothing else."""
    proxy: bool = False
    """Whether a proxy in front is trusted to say who asks (X-Forwarded-For)."""
    attack: AttackSettings = field(default_factory=AttackSettings)
    reader_csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """What stands in the forms of a site whose store can only be read: no session can be kept there."""

    @property
    def cookie(self) -> str:
        """The session cookie's name: cookies are shared by all ports of one host, so it holds the port.

        Over https the prefix keeps other hosts of the domain from setting it.
        """
        prefix = "__Host-" if self.secure else ""
        return f"{prefix}liangxin_{urlsplit(self.base_url).port or 'site'}"
