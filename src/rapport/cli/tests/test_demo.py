from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapport.cli.tests.conftest import Instance


def test_it_prints_the_login_in_words_and_as_json(instance: Instance) -> None:
    words = instance.run("demo")
    found = instance.json("demo")
    owner = found["logins"][0]
    assert (owner["email"], owner["role"]) == ("owner@demo.local", "owner")
    assert owner["password"] in words
    assert found["brands"] == ["Alvara Air", "Mokka & Moon", "Telqo", "Velorine"]
    assert found["posts_written"] == 0
    assert instance.json("demo", "--renew-password")["logins"][0] == owner


def test_live_stops_politely_when_asked(instance: Instance) -> None:
    instance.run("demo")
    before = instance.rows("SELECT count(*) FROM practice_post")[0][0]
    process = subprocess.Popen(
        [sys.executable, "-m", "rapport.cli", "demo", "--live", "--speed", "50"],
        env=instance.env(),
        cwd=instance.data,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _until_somebody_posts(instance, before, process)
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


def test_it_says_what_cannot_go_together(instance: Instance) -> None:
    assert "--live prints nothing" in instance.run("demo", "--live", "--renew-password", code=2)


def test_unusable_logins_are_a_sentence(instance: Instance) -> None:
    (instance.data / "demo-login.json").write_text("{")
    assert "Delete it and run 'rapport demo' again" in instance.run("demo", code=1)


def test_the_weather_is_changed_and_calmed(instance: Instance) -> None:
    stormy = instance.json("demo", "--weather", "outage=true", "--weather", "duplicate_rate=0.5")
    assert (stormy["outage"], stormy["duplicate_rate"]) == (True, 0.5)
    assert "duplicate_rate       0.0" in instance.run("demo", "--weather", "calm")
    assert "stays as it is" in instance.run("demo", "--weather", "duplicate_rate=7", code=1)
    assert "no such setting" in instance.run("demo", "--weather", "wind=1", code=1)
    assert "is not like" in instance.run("demo", "--weather", "outage", code=2)
