"""`liangxin serve`: it opens, says where, refuses what cannot be, and ends with Ctrl-C."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from liangxin.people.accounts import Accounts
from liangxin.store import Database
from testbench.command import process
from testbench.site import Client, free_port


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A site of its own process, with what it said until it was up; it is interrupted at the end."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "liangxin", "serve", *words]
    with subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment
    ) as process:
        assert process.stderr is not None
        said: list[str] = []
        while not any("Ctrl-C" in line for line in said):
            line = process.stderr.readline()
            assert line, said
            said.append(line)
        try:
            yield process, said
        finally:
            process.send_signal(signal.SIGINT)
            said += process.stderr.read().splitlines()
            process.wait(30)


def test_what_it_says_is_true_at_once(tmp_path: Path) -> None:
    """It answers once it has said where, and whoever ends it then has ended it: no waiting before either."""
    port = free_port()
    with (
        serving(tmp_path, "--port", str(port)) as (_, said),
        closing(Client(f"http://127.0.0.1:{port}")) as client,
    ):
        (link,) = re.findall(r"/enter\?token=\S+", said[0])
        assert "你好" in client.get(link).text
    with serving(tmp_path, "--port", str(port)) as (process, _):
        pass
    assert process.returncode == 0


def test_one_user_needs_no_account_and_ctrl_c_is_no_failure(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, "--port", str(port)) as (process, said):
        link = re.search(rf"http://127\.0\.0\.1:{port}(/enter\?token=\S{{43}}) ", said[0])
        assert link, said
        client = Client(f"http://127.0.0.1:{port}")
        answer = client.get("/runs", follow=False)
        assert (answer.status, answer.headers["location"]) == (303, "/login?next=%2Fruns")
        answer = client.get(link[1], follow=False)
        assert (answer.status, answer.headers["location"]) == (303, "/")
        assert "你好" in client.get("/").text
        assert client.request("GET", "/", headers={"Host": "evil.example"}).status == 421
        assert client.request("GET", "/", headers={"X-Forwarded-For": "10.0.0.1"}).status == 403
        client.close()
    assert process.returncode == 0
    assert not [line for line in said if "Traceback" in line]
    assert (tmp_path / "liangxin.db").exists()


def test_without_a_token_whoever_reaches_the_site_is_its_user_and_a_key_is_warned_of(tmp_path: Path) -> None:
    port = free_port()
    words = ["--no-token", "--port", str(port), "--model", "openai:m", "--base-url", "http://127.0.0.1:9/v1"]
    with serving(tmp_path, *words) as (process, said):
        client = Client(f"http://127.0.0.1:{port}")
        assert "你好" in client.get("/").text
        client.close()
    assert process.returncode == 0
    assert "token=" not in said[0]
    assert [line for line in said if "can spend the key of openai:m" in line]


def test_few_open_files_and_many_that_say_nothing(tmp_path: Path) -> None:
    port = free_port()
    inherited = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, inherited[1]))
    try:
        with serving(tmp_path, "--no-token", "--port", str(port)) as (_, said):
            resource.setrlimit(resource.RLIMIT_NOFILE, inherited)
            client = Client(f"http://127.0.0.1:{port}")
            idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
            assert client.get("/").status == 200
            client.close()
            for one in idle:
                one.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, inherited)
    assert not [line for line in said if "Traceback" in line or "Too many open files" in line]


def test_a_team_begins_with_the_owners_invitation(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, "--team", "--port", str(port)) as (process, said):
        client = Client(f"http://127.0.0.1:{port}")
        assert client.get("/", follow=False).headers["location"].startswith("/login")
        line = process.stderr.readline() if process.stderr and len(said) == 1 else said[-1]
        found = re.search(rf"http://127\.0\.0\.1:{port}(/invite/\S+)", line)
        assert found, line
        assert client.get(found[1]).status == 200
        client.close()
    assert process.returncode == 0


def test_an_owner_who_forgot_the_password_gets_a_link(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "liangxin.db"))
    Accounts(database).create("负责人", "correct horse battery", "owner")
    database.close()
    port = free_port()
    with serving(tmp_path, "--port", str(port), "--reset", "负责人") as (_, said):
        client = Client(f"http://127.0.0.1:{port}")
        line = next((one for one in said if "/reset/" in one), "")
        found = re.search(rf"http://127\.0\.0\.1:{port}(/reset/\S+)", line)
        assert found, said
        assert "负责人" in client.get(found[1]).text
        beside = process(tmp_path, "serve", "--port", str(port), "--reset", "负责人", seconds=30)
        assert beside.returncode == 0, beside.stderr
        newer = re.search(r"/reset/\S+", beside.stderr)
        assert newer, beside.stderr
        assert "负责人" in client.get(newer[0]).text, "the site that runs takes the link"
        assert client.get(found[1]).status == 404, "the link before is void"
        client.close()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--public-url", "liangxin.example"], 2, "--public-url should be like https://"),
        (["--trust-proxy", "nginx"], 2, "--trust-proxy should be the proxy's address or network"),
        (["--trust-proxy", "0.0.0.0/0"], 2, "--trust-proxy should be the proxy's address or network"),
        (["--team", "--no-token"], 2, "--no-token is for the one user of this machine"),
        (["--host", "192.0.2.1"], 1, "cannot listen at 192.0.2.1"),
        (["--benchmark", "flaems"], 2, "Did you mean 'flames'"),
        (["--model", "opnai:x"], 2, "no model"),
        (["--judge", "ruel"], 2, "no judge"),
        (["--reset", "无人"], 2, "nobody is called '无人'"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, words: list[str], status: int, said: str) -> None:
    done = process(tmp_path, "serve", "--port", str(free_port()), *words, seconds=30)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, "--port", str(port)):
        done = process(tmp_path, "serve", "--port", str(port), seconds=30)
    assert done.returncode == 1
    assert f"cannot listen at 127.0.0.1:{port}" in done.stderr
