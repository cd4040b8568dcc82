"""What `liangxin serve` does once its words are parsed."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from liangxin.benchmarks.selection import select as select_benchmarks
from liangxin.cli.opening import open_store
from liangxin.cli.terminal import tell
from liangxin.errors import LiangxinError, UsageError
from liangxin.specs import Endpoint, Generation
from liangxin.store import Database

if TYPE_CHECKING:
    from liangxin.web.site import AttackSettings, Network, Site

ATTACKED = ("flames", "sc-safety", "cvalues-safety")
"""Whose categories and levels red teaming uses where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How the site is to be opened."""

    store: str | None
    host: str
    port: int
    team: bool
    public_url: str | None
    proxies: tuple[str, ...]
    no_token: bool
    reset: str | None
    models: tuple[str, ...]
    benchmarks: tuple[str, ...]
    judge: str
    endpoint: Endpoint
    generation: Generation
    system: str | None
    judge_endpoint: Endpoint


def open_site(opening: Opening) -> None:
    """Serve until Ctrl-C.

    Raises:
        UsageError: the extra `web` is not installed, or an address, model or benchmark is not as asked.
        LiangxinError: the store cannot be opened, or the port is taken.
    """
    try:
        import uvicorn

        from liangxin.web.announced import AnnouncedServer
        from liangxin.web.app import create_app
        from liangxin.web.connections import server_options
    except ImportError as error:
        raise UsageError(
            f"the site needs more than is installed ({error.name}): pip install 'liangxin[web]'"
        ) from None
    listening = _listen(opening)
    database = open_store(opening.store, create=True)
    try:
        site = site_of(opening, database)
        asyncio.run(_check(site.attack))
        app = create_app(site)
        if opening.reset is not None:
            _reset(site, opening.reset)
        if listening is None:
            tell(f"something serves {site.base_url} already: if it is this site, the link works there")
            return
        entrance = site.base_url if site.token is None else f"{site.base_url}/enter?token={site.token}"
        said = [
            f"量心 Liangxin: {entrance}  (store {database.shown}; Ctrl-C ends)",
            *_left_open(opening, site),
            *(() if site.single_user else _first_owner(site)),
        ]
        config = uvicorn.Config(**server_options(app, site.limits))
        AnnouncedServer(config, lambda: tell("\n".join(said))).run(sockets=[listening])
    except KeyboardInterrupt:
        # Ending a site is no failure: what people sent is stored.
        pass
    finally:
        if listening is not None:
            listening.close()
        database.close()


def site_of(opening: Opening, database: Database) -> Site:
    """The site as it was asked for.

    One user needs no account where the site listens on this machine alone, on a file, and nobody has an account
    with a password yet; anything else is a team's. A store that can only be read takes no sign-in: whoever may read it
    browses on this machine alone.

    Raises:
        UsageError: a team is to sign in to a store that can only be read.
    """
    from liangxin.web.site import AttackSettings, Site

    public = _public(opening.public_url)
    proxies = tuple(map(_proxy, opening.proxies))
    asked = opening.team or public is not None or proxies
    alone = _is_loopback(opening.host) and not asked
    if database.read_only and (not alone or opening.reset is not None):
        raise UsageError(
            f"the store {database.shown} can only be read here, so nobody can sign in: serve it on this machine alone, "
            "without --team, --public-url, --trust-proxy, --host and --reset"
        )
    alone = alone and (database.read_only or (database.is_sqlite and not _has_accounts(database)))
    if opening.no_token and not alone:
        raise UsageError("--no-token is for the one user of this machine; on this site everybody signs in")
    local = f"http://{_bracketed(opening.host)}:{opening.port}"
    return Site(
        database=database,
        base_url=public or local,
        single_user=alone,
        hosts=_hosts(opening, public),
        secure=bool(public and public.startswith("https:")),
        proxies=proxies,
        token=secrets.token_urlsafe(32) if alone and not opening.no_token else None,
        attack=AttackSettings(
            models=opening.models,
            benchmarks=tuple(select_benchmarks(opening.benchmarks or ATTACKED, None)),
            endpoint=opening.endpoint,
            generation=opening.generation,
            judge=opening.judge,
            judge_endpoint=opening.judge_endpoint,
            system=opening.system,
        ),
    )


async def _check(attack: AttackSettings) -> None:
    """Open each model and the judge once: a SPEC that cannot be used is said before anybody comes."""
    from liangxin.engine.chatting import Referee, RefereeSettings, open_attacked

    for spec in attack.models:
        await open_attacked(spec, attack.endpoint, attack.generation, attack.system).aclose()
    for benchmark in attack.benchmarks:
        settings = RefereeSettings(benchmark=benchmark, judge=attack.judge, endpoint=attack.judge_endpoint)
        await Referee(settings).aclose()


def _left_open(opening: Opening, site: Site) -> Iterator[str]:
    """What a stranger could use."""
    from liangxin.judges import judge_traits
    from liangxin.models import model_traits

    paid = [spec for spec in site.attack.models if model_traits(spec).costs]
    paid += [site.attack.judge] if judge_traits(site.attack.judge).costs else []
    if opening.no_token and paid:
        yield f"--no-token: every user and program of this machine can spend the key of {', '.join(paid)}"
    if opening.public_url is not None and not site.proxies:
        yield (
            "no --trust-proxy: everybody counts as coming from the proxy's address, "
            "and fifty wrong passwords make all new browsers wait"
        )


def _proxy(text: str) -> Network:
    """A proxy's address or network."""
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        found = None
    if found is None or found.prefixlen == 0:
        raise UsageError(
            f"--trust-proxy should be the proxy's address or network, like 127.0.0.1 or 10.1.2.0/24; found {text!r}"
        )
    return found


def _has_accounts(database: Database) -> bool:
    """Whether anybody signs in with a password."""
    from sqlalchemy import func, select

    from liangxin.store.people import ACCOUNTS

    with database.begin() as connection:
        query = select(func.count()).where(ACCOUNTS.c.password != "", ACCOUNTS.c.closed.is_(None))
        return bool(connection.execute(query).scalar())


def _first_owner(site: Site) -> Iterator[str]:
    from liangxin.people.invitations import first_owner_link

    link = first_owner_link(site.database, site.base_url)
    if link is not None:
        yield f"nobody has an account yet. Make the owner's here (once, within a day): {link}"


def _reset(site: Site, name: str) -> None:
    """Whoever can start the site may let somebody set a new password: an owner who forgot theirs has no other way."""
    from liangxin.people.accounts import Accounts
    from liangxin.people.resets import Resets

    account = Accounts(site.database).by_name(name)
    if account is None:
        raise UsageError(f"--reset: nobody is called {name!r} in this store")
    token = Resets(site.database).make(account.key, None)
    tell(f"{account.name} sets a new password here (once, within a day): {site.base_url}/reset/{token}")


def _listen(opening: Opening) -> socket.socket | None:
    """The listening socket: a port that is taken is said before anything else is done.

    None where it is taken and a link is wanted: it is for the site that runs there.
    """
    family = socket.AF_INET6 if ":" in opening.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((opening.host, opening.port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE and opening.reset is not None:
            return None
        raise LiangxinError(
            f"cannot listen at {opening.host}:{opening.port}: {error.strerror or error}; choose another --port or --host"
        ) from None
    return listening


def _public(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise UsageError(
            f"--public-url should be like https://liangxin.example.org, without a path; found {url!r}"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _hosts(opening: Opening, public: str | None) -> frozenset[str]:
    """The Host headers that are answered: on every address (0.0.0.0, ::) people come by names unknown here."""
    if public is not None:
        return frozenset({urlsplit(public).netloc, f"{_bracketed(opening.host)}:{opening.port}"})
    if not _is_loopback(opening.host):
        return frozenset()
    names = {_bracketed(opening.host), "127.0.0.1", "localhost", "[::1]"}
    return frozenset(f"{name}:{opening.port}" for name in names)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
