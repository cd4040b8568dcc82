"""A store that may only be read: by a user who really may not write, on a mount, on a server that grants SELECT."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from liangxin.errors import StoreError, UsageError
from liangxin.specs import Endpoint, Generation
from liangxin.store import Database, Runs
from liangxin.store.schema import MIGRATIONS, READABLE
from testbench.command import liangxin
from testbench.older import older_store
from testbench.site import Client, free_port, serve

pytestmark = pytest.mark.slow

STRANGER = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
"""How a command is run that may do what the modes say and no more: root may write anything."""
if STRANGER and shutil.which(STRANGER[0]) is None:
    pytest.skip(
        "root may write everything here: setpriv (util-linux) is not installed", allow_module_level=True
    )

READING = (
    ("runs", "--format", "json"),
    ("scores", "a", "--format", "json"),
    ("scores", "a", "--format", "csv"),
    ("compare", "a", "b", "--format", "json"),
    ("leaderboard", "flames", "--format", "json"),
    ("export", "a", "--output", "{out}/rows.jsonl"),
    ("export", "a", "--output", "{out}/run.db"),
    ("report", "a", "b", "--output", "{out}/report.html"),
)
RUN = ("run", "flames", "--data", "{out}/items.jsonl", "--model", "replay:{out}/a.jsonl")
WRITING = (
    (*RUN, "--name", "a"),
    (*RUN, "--trials", "2"),
    ("judge", "a", "--judge", "rule"),
    ("judge", "a", "--judge", "scorer"),
    ("import", "{out}/other.db"),
    ("decide", "a", "--measure", "harmless_rate", "--judge", "scorer", "--at-least", "50", "--judge-trusted"),
    ("sample", "a", "--judge", "scorer", "--for-labels", "2"),
    ("validate", "a", "--judge", "scorer", "--gold", "labels:{out}/labels.jsonl"),
)

CALLER = """
import json, sys
from pathlib import Path
from testbench.command import liangxin
for words in json.loads(sys.argv[2]):
    done = liangxin(Path(sys.argv[1]), *words)
    print(json.dumps([done.returncode, done.stdout, done.stderr]))
"""


def called(
    folder: Path, commands: Sequence[Sequence[str]], before: Sequence[str] = STRANGER
) -> list[tuple[int, str, str]]:
    """Exit status, output and errors of each command; `before` is the program that runs them."""
    words = [*before, sys.executable, "-c", CALLER, str(folder), json.dumps(commands)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def filled(commands: Sequence[Sequence[str]], out: Path, store: str) -> list[list[str]]:
    return [[*(word.format(out=out) for word in words), "--store", store] for words in commands]


def fill(folder: Path, store: str) -> None:
    """Two runs, their data, and what the writing commands need."""
    rows = [
        {"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": f"题{number}"}
        for number in range(6)
    ]
    write(folder / "items.jsonl", rows)
    for name in ("a", "b"):
        answers = [{"prompt": row["prompt"], "response": f"我不能这样做。{name}"} for row in rows]
        write(folder / f"{name}.jsonl", answers)
        words = [word.format(out=folder) for word in RUN[:-1]]
        words += [f"replay:{folder}/{name}.jsonl", "--name", name, "--judge", "scorer", "--store", store]
        done = liangxin(folder, *words)
        assert done.returncode == 0, done.stderr
    labels = [{"prompt": row["prompt"], "response": "我不能这样做。a", "level": 3} for row in rows]
    write(folder / "labels.jsonl", labels)


def write(place: Path, rows: Sequence[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    place.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A folder that everybody may enter, with a whole store and what the commands write to."""
    folder = Path(tempfile.mkdtemp(prefix="liangxin-read-"))
    folder.chmod(0o755)
    (folder / "out").mkdir()
    fill(folder / "out", str(folder / "whole.db"))
    shutil.copy(folder / "whole.db", folder / "out" / "other.db")
    assert [one.name for one in folder.glob("whole.db*")] == ["whole.db"]
    (folder / "out").chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """While nobody but root may write in the folder."""
    for one in folder.iterdir():
        one.chmod(0o444)
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


def content(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}


@pytest.fixture
def place(made: Path) -> Iterator[Path]:
    folder = made / "store"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def leave_log(made: Path, place: Path, *endings: str) -> None:
    """The store as it lies there while a run has not folded its log: nearly everything is in the log."""
    live = made / "live.db"
    database = Database(str(live))
    held = sqlite3.connect(live)
    held.execute("PRAGMA wal_autocheckpoint=0")
    held.execute("SELECT count(*) FROM runs").fetchall()
    source = Database(str(made / "whole.db"), create=False)
    from liangxin.store import copy_run

    for run in reversed(Runs(source).all()):
        copy_run(source, run, database)
    source.close()
    for ending in ("", *endings):
        shutil.copy(f"{live}{ending}", place / f"store.db{ending}")
    database.close()
    held.close()
    for ending in ("", "-wal", "-shm"):
        live.with_name(live.name + ending).unlink(missing_ok=True)


def test_every_command_that_reads_reads_what_is_only_in_the_log(made: Path, place: Path) -> None:
    """A log without its index, which cannot be made beside it: what SQLite alone refuses, or overlooks."""
    leave_log(made, place, "-wal")
    immutable = sqlite3.connect(f"file:{place}/store.db?mode=ro&immutable=1", uri=True)
    assert immutable.execute("SELECT count(*) FROM turns").fetchone() == (0,), "all answers are in the log"
    immutable.close()
    out = made / "out"
    expected = [liangxin(made, *words) for words in filled(READING, out, str(made / "whole.db"))]
    assert [(done.returncode, done.stderr) for done in expected if done.returncode] == []
    rows = (out / "rows.jsonl").read_bytes()
    for one in ("rows.jsonl", "run.db", "report.html"):
        (out / one).unlink()
    before = content(place)
    with closed(place):
        found = called(made, filled(READING, out, str(place / "store.db")))
    assert [(status, said) for status, said, _ in found] == [(0, done.stdout) for done in expected]
    assert (out / "rows.jsonl").read_bytes() == rows
    assert "我不能这样做。b" in (out / "report.html").read_text(encoding="utf-8")
    carried = json.loads(
        liangxin(made, "scores", "a", "--format", "json", "--store", str(out / "run.db")).stdout
    )
    assert carried == json.loads(expected[1].stdout)
    assert content(place) == before


def test_what_must_write_says_so_in_one_sentence(made: Path, place: Path) -> None:
    shutil.copy(made / "whole.db", place / "store.db")
    before = content(place)
    store = str(place / "store.db")
    with closed(place):
        found = called(made, filled(WRITING, made / "out", store))
    for words, (status, out, err) in zip(WRITING, found, strict=True):
        assert (status, out) == (1, ""), (words, out, err)
        (said,) = err.splitlines()
        assert said.startswith(f"liangxin: the store {store} can only be read here ("), words
    assert content(place) == before


SCORES = ("scores", "a", "--format", "json")
MOUNT = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


@pytest.mark.parametrize("state", ["file", "folder", "log and index", "no answer yet", "a name to quote"])
def test_scores_are_the_same_whatever_may_not_be_written(made: Path, place: Path, state: str) -> None:
    store = place / ("100%?#库.db" if state == "a name to quote" else "store.db")
    shutil.copy(made / "whole.db", store)
    if state == "log and index":
        leave_log(made, place, "-wal", "-shm")
    if state == "no answer yet":
        (place / "store.db-wal").touch()
    before = content(place)
    expected = liangxin(made, *SCORES, "--store", str(made / "whole.db"))
    with closed(place):
        if state == "file":
            place.chmod(0o777)
        ((status, out, err),) = called(made, [[*SCORES, "--store", str(store)]])
    assert (status, out, err) == (0, expected.stdout, expected.stderr)
    # Nothing lies beside it that its owner could not open again.
    assert content(place) == before


def test_a_read_only_mount_is_read_by_root_too(made: Path, place: Path) -> None:
    probe = ["unshare", "-m", "sh", "-c", MOUNT, "sh", str(place), "true"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount anything")
    shutil.copy(made / "whole.db", place / "store.db")
    expected = liangxin(made, *SCORES, "--store", str(made / "whole.db")).stdout
    commands = [
        [*SCORES, "--store", str(place / "store.db")],
        ["judge", "a", "--judge", "rule", "--store", str(place / "store.db")],
        ["run", "flames", "--model", "gguf", "--store", str(place / "new.db")],
    ]
    read, judged, new = called(made, commands, probe[:-1])
    assert read[:2] == (0, expected)
    assert judged[0] == new[0] == 1
    assert "can only be read here" in judged[2]
    assert "no store can be made in" in new[2]
    assert len(new[2].splitlines()) == 1


def test_a_store_that_is_being_written_is_read_beside_its_writer(made: Path, place: Path) -> None:
    """The owner's run goes on while a stranger looks: the index lies there, and its locks are used."""
    shutil.copy(made / "whole.db", place / "store.db")
    writer = Database(str(place / "store.db"))
    runs = Runs(writer)
    with writer.begin() as held:
        held.exec_driver_sql("SELECT count(*) FROM runs").fetchall()
        runs.update(runs.find("a"), name="renamed", units=6)
        modes = {one: stat.S_IMODE(one.stat().st_mode) for one in place.iterdir()}
        assert {one.name for one in modes} == {"store.db", "store.db-wal", "store.db-shm"}
        with closed(place):
            ((status, out, _),) = called(made, [["runs", "--format", "json", "--store", f"{place}/store.db"]])
        for one, mode in modes.items():
            one.chmod(mode)
    assert status == 0
    assert {json.loads(line)["name"] for line in out.splitlines()} == {"renamed", "b"}
    runs.update(runs.find("renamed"), name="a", units=6)
    writer.close()


@pytest.mark.parametrize("version", [4, 0])
def test_an_older_store_that_cannot_be_brought_up_says_so(made: Path, place: Path, version: int) -> None:
    if version:
        older_store(f"sqlite:///{place}/store.db", version)
        expected = (
            f"is version {version}, this release reads from {READABLE} on, and it can only be read here"
        )
    else:
        (place / "store.db").touch()
        expected = "is empty, and it can only be read here"
    with closed(place):
        ((status, _, err),) = called(made, [["runs", "--store", f"{place}/store.db"]])
    assert status == 1
    assert len(err.splitlines()) == 1
    assert expected in err


def test_a_store_without_what_only_writers_need_is_read(made: Path, place: Path) -> None:
    shutil.copy(made / "whole.db", place / "store.db")
    with sqlite3.connect(place / "store.db") as connection:
        connection.execute("DROP TABLE leases")
        for column in ("loader", "loading"):
            connection.execute(f"ALTER TABLE datasets DROP COLUMN {column}")
        connection.execute("DROP TABLE run_states")
        connection.execute(f"UPDATE liangxin_schema SET version = {READABLE}")
    connection.close()
    assert len(MIGRATIONS) > READABLE
    for one in place.glob("store.db-*"):
        one.unlink()
    words = (SCORES, ("runs",), ("judge", "a", "--judge", "rule"))
    commands = filled(words, made / "out", f"{place}/store.db")
    with closed(place):
        scores, listed, judged = called(made, commands)
    assert (scores[0], listed[0]) == (0, 0)
    assert judged[0] == 1
    assert "can only be read here" in judged[2]


def test_what_is_written_while_it_is_read_without_locks_is_noticed(made: Path, place: Path) -> None:
    """Somebody begins to write the file in the middle: half of the old and half of the new would be wrong."""
    shutil.copy(made / "whole.db", place / "store.db")
    program = (
        "import sys\nfrom liangxin.store import Database\n"
        "database = Database(sys.argv[1], create=False)\nassert database.read_only\n"
        "with database.begin() as connection:\n"
        "    connection.exec_driver_sql('select count(*) from turns').fetchall()\n"
        "    print('reading', flush=True)\n    sys.stdin.readline()\n"
    )
    with closed(place):
        reader = subprocess.Popen(
            [*STRANGER, sys.executable, "-c", program, str(place / "store.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
    (place / "store.db").chmod(0o644)
    with sqlite3.connect(place / "store.db") as connection:
        connection.execute("UPDATE runs SET name = 'c' WHERE name = 'a'")
    connection.close()
    _, err = reader.communicate("\n", timeout=30)
    assert "was written while it was read; run the command again" in err


@pytest.fixture
def reader_url(postgres_url: str, tmp_path: Path) -> str:
    """The URL of a user who may SELECT and nothing else, on a store with two runs."""
    import psycopg

    fill(tmp_path, postgres_url)
    parts = urlsplit(postgres_url)
    schema = parts.query.rpartition("%3D")[2]
    owner = postgres_url.replace("+psycopg", "")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        for grant in (
            f'GRANT USAGE ON SCHEMA "{schema}" TO reader',
            f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO reader',
        ):
            connection.execute(grant)  # type: ignore[call-overload, unused-ignore]
    return postgres_url.replace("liangxin@", "reader@")


def test_select_alone_is_enough_to_read(reader_url: str, postgres_url: str, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "a.jsonl", tmp_path / "out.jsonl")
    assert liangxin(tmp_path, "export", "a", "--output", "other.db", "--store", postgres_url).returncode == 0
    for words, same in zip(
        filled(READING, tmp_path, reader_url), filled(READING, tmp_path, postgres_url), strict=True
    ):
        done, expected = liangxin(tmp_path, *words), liangxin(tmp_path, *same)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, expected.stderr), words
    for words in filled(WRITING, tmp_path, reader_url):
        done = liangxin(tmp_path, *words)
        assert (done.returncode, done.stdout) == (1, ""), words
        (said,) = done.stderr.splitlines()
        assert "can only be read here (permission denied for table" in said, words


def test_a_server_with_an_older_store_says_that_it_cannot_be_brought_up(
    reader_url: str, postgres_url: str
) -> None:
    owner = Database(postgres_url)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"UPDATE liangxin_schema SET version = {READABLE}")
    Database(reader_url).close()
    with owner.begin() as connection:
        connection.exec_driver_sql("UPDATE liangxin_schema SET version = 4")
    owner.close()
    with pytest.raises(StoreError, match="is version 4, this release reads from"):
        Database(reader_url)


def opening(store: str, port: int) -> Any:
    from liangxin.cli.work.open_site import Opening

    return Opening(
        store=store,
        host="127.0.0.1",
        port=port,
        team=False,
        public_url=None,
        proxies=(),
        no_token=False,
        reset=None,
        models=(),
        benchmarks=(),
        judge="rule",
        endpoint=Endpoint(),
        generation=Generation(),
        system=None,
        judge_endpoint=Endpoint(),
    )


def browse(client: Client, run: str) -> None:
    """Every page of a run, in both languages; a form that writes is refused and says why."""
    home = client.get("/")
    assert "这个库只能读" in home.text
    assert "can only be read" in client.get("/language/en?back=/runs").text
    client.get("/language/zh")
    for address in ("/", "/runs", "/projects", "/attack", "/attacks", "/choices", "/people", "/account"):
        assert client.get(address).status == 200, address
    page = client.get(f"/runs/{run}?text={quote('不能')}")
    assert page.status == 200
    assert client.get(f"/runs/{run}/dialogues/0-1").status == 200
    shown = client.post("/runs/text", {"show": "yes", "back": f"/runs/{run}/dialogues/0-1"})
    assert "我不能这样做" in shown.text
    for address in ("/account/everywhere", "/logout"):
        refused = client.post(address, {})
        assert (refused.status, "这个库只能读，这一步要写入它" in refused.text) == (403, True), address
        forged = client.request("POST", address, body=b"csrf=")
        assert (forged.status, "这个库只能读，这一步" in forged.text) == (403, False)


def test_a_site_on_a_server_that_grants_select_is_browsed(reader_url: str) -> None:
    from liangxin.cli.work.open_site import site_of

    database = Database(reader_url)
    assert database.read_only
    asked = opening(reader_url, free_port())
    site = site_of(asked, database)
    with serve(site) as url:
        client = Client(url)
        for cookies in ({}, {site.cookie: "x"}, {site.cookie: site.token or ""}):
            client.cookies = cookies
            assert client.get("/runs", follow=False).status == 303, "nobody without the token"
        client.get(f"/enter?token={site.token}")
        browse(client, "a")
        client.close()
    for refused in (
        replace(asked, proxies=("10.0.0.1",)),
        replace(asked, team=True),
        replace(asked, public_url="https://x.example"),
        replace(asked, reset="甲"),
    ):
        with pytest.raises(UsageError, match="nobody can sign in: serve it on this machine alone"):
            site_of(refused, database)
    database.close()


def test_a_site_on_a_file_that_may_only_be_read_is_browsed(made: Path, place: Path) -> None:
    shutil.copy(made / "whole.db", place / "store.db")
    before = content(place)
    port = free_port()
    command = [
        *STRANGER,
        sys.executable,
        "-m",
        "liangxin",
        "serve",
        "--port",
        str(port),
        "--store",
        f"{place}/store.db",
    ]
    with closed(place):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8")
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            assert "Ctrl-C ends" in said
            client = Client(f"http://127.0.0.1:{port}")
            client.get(said[said.index("/enter") :].split()[0])
            browse(client, "a")
            client.close()
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode == 0
    assert content(place) == before
