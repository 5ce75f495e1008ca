from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rapport.cli.tests.conftest import Instance


@pytest.fixture(scope="module")
def demo(shared_instance: Instance) -> Instance:
    """Making a demo takes long, and none of these tests minds what the others did to it."""
    shared_instance.run("demo")
    return shared_instance


def test_it_prints_the_login_in_words_and_as_json(demo: Instance) -> None:
    words = demo.run("demo")
    found = demo.json("demo")
    owner = found["logins"][0]
    assert (owner["email"], owner["role"]) == ("owner@demo.local", "owner")
    assert owner["password"] in words
    assert found["brands"] == ["Alvara Air", "Mokka & Moon", "Telqo", "Velorine"]
    assert found["posts_written"] == 0
    assert demo.json("demo", "--renew-password")["logins"][0] == owner


def test_live_stops_politely_when_asked(demo: Instance) -> None:
    before = demo.rows("SELECT count(*) FROM practice_post")[0][0]
    process = subprocess.Popen(
        [sys.executable, "-m", "rapport.cli", "demo", "--live", "--speed", "50"],
        env=demo.env(),
        cwd=demo.data,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _until_somebody_posts(demo, before, process)
        os.kill(process.pid, signal.SIGTERM)
        _out, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "Traceback" not in errors


def _until_somebody_posts(instance: Instance, before: int, process: subprocess.Popen[str]) -> None:
    for _ in range(3000):
        if instance.rows("SELECT count(*) FROM practice_post")[0][0] > before:
            return
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
    raise AssertionError("no customer wrote")


def test_it_says_what_cannot_go_together(demo: Instance) -> None:
    assert "--live prints nothing" in demo.run("demo", "--live", "--renew-password", code=2)


def test_unusable_logins_are_a_sentence(instance: Instance) -> None:
    (instance.data / "demo-login.json").write_text("{")
    assert "Delete it and run 'rapport demo' again" in instance.run("demo", code=1)


def test_the_weather_is_changed_and_calmed(demo: Instance) -> None:
    stormy = demo.json("demo", "--weather", "outage=true", "--weather", "duplicate_rate=0.5")
    assert (stormy["outage"], stormy["duplicate_rate"]) == (True, 0.5)
    assert "duplicate_rate       0.0" in demo.run("demo", "--weather", "calm")
    assert "stays as it is" in demo.run("demo", "--weather", "duplicate_rate=7", code=1)
    assert "no such setting" in demo.run("demo", "--weather", "wind=1", code=1)
    assert "is not like" in demo.run("demo", "--weather", "outage", code=2)
