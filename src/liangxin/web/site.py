"""What one running site is: its store, its address, and the models that people may attack."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from liangxin.people.logins import parsed
from liangxin.specs import Benchmark, Endpoint, Generation
from liangxin.store import Database
from liangxin.web.kept import KeptRuns

Network = IPv4Network | IPv6Network


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
class ConnectionLimits:
    """What is waited for."""

    seconds: float = 20.0
    """For a request's head, between requests, and for any more of a body or any taking of an answer."""
    rate: float = 4096.0
    """Bytes a second that a body brings, and that of an answer are taken, at least."""
    open_at_once: int = 0
    """Connections; 0 takes what the process may have open, less what the store and uploads need."""


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
    proxies: tuple[Network, ...] = ()
    """Who is believed about who asks (X-Forwarded-For); nobody is about how (X-Forwarded-Proto, -Host, Forwarded)."""
    token: str | None = None
    """What the one user of a loopback site shows once in each browser; None lets in whoever reaches the site."""
    attack: AttackSettings = field(default_factory=AttackSettings)
    reader_csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """What stands in the forms of a site whose store can only be read: no session can be kept there."""
    limits: ConnectionLimits = ConnectionLimits()
    """How long it waits for whoever asks."""
    kept: KeptRuns = field(init=False, repr=False, compare=False)
    """What it has found out about runs lately."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kept", KeptRuns(self.database))

    @property
    def reader(self) -> str:
        """What the browser of the one user keeps where no session can be stored."""
        return hmac.new((self.token or "").encode(), b"reader", "sha256").hexdigest()

    def is_proxy(self, address: str) -> bool:
        """Whether an address is one of the named proxies."""
        found = parsed(address)
        return found is not None and any(found in network for network in self.proxies)

    @property
    def cookie(self) -> str:
        """The session cookie's name: cookies are shared by all ports of one host, so it holds the port.

        Over https the prefix keeps other hosts of the domain from setting it.
        """
        prefix = "__Host-" if self.secure else ""
        return f"{prefix}liangxin_{urlsplit(self.base_url).port or 'site'}"

    def device_cookie(self, account: int | str) -> str:
        """The name of what a browser keeps of an account that signed in with it."""
        return f"{self.cookie}_device_{account}"
