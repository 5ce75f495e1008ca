"""The operator's commands, as an operator uses them."""

from __future__ import annotations

from rapport.cli.main import COMMANDS
from rapport.cli.tests.conftest import Instance

PARKED = """
from rapport.brands.models import Channel
from rapport.inbox.tests.making import make_brand, make_channel
from rapport.ingest.actions import store_raw
from rapport.ingest.process import process_pending
from rapport.networks.base import RawItem
channel = make_channel(make_brand(), network="nowhere")
store_raw(channel_id=channel.id, items=[RawItem("post", {"n": n}) for n in range(3)])
process_pending()
"""


def test_it_manages_users(instance: Instance) -> None:
    assert instance.json("users", "list") == []
    instance.python("from rapport.inbox.tests.making import make_brand; make_brand()")
    made = instance.json("users", "add", "Owner@Example.com", "--name", "Olga Owner", "--owner")
    assert (made["email"], made["initials"], made["owner"]) == ("owner@example.com", "OO", True)
    assert len(made["password"]) >= 12
    assert "is a user already" in instance.run("users", "add", "owner@example.com", "--name", "X", code=1)
    weak = ("users", "add", "ana@example.com", "--name", "Ana", "--password-stdin")
    assert "too short" in instance.run(*weak, stdin="short\n", code=1)
    given = instance.run(*weak, "--role", "agent", "--brand", "aero", stdin="a long enough one\n")
    assert "agent of aero" in given
    assert "a long enough one" not in given
    instance.run("users", "team", "ana@example.com", "Bags", "--brand", "aero")
    instance.run("users", "role", "ana@example.com", "lead", "--brand", "aero")
    ana = next(user for user in instance.json("users", "list") if user["email"] == "ana@example.com")
    assert (ana["roles"], ana["teams"]) == ({"aero": "lead"}, ["aero/Bags"])
    assert "only owner" in instance.run("users", "deactivate", "owner@example.com", code=1)
    assert instance.json("users", "deactivate", "ana@example.com")["active"] is False
    assert "no user" in instance.run("users", "password", "nobody@example.com", code=1)
    assert "Brands: aero" in instance.run("users", "role", "ana@example.com", "lead", "--brand", "x", code=1)
    actions = instance.rows("SELECT action FROM audit_auditentry WHERE object_type = 'user' ORDER BY id")
    assert [action for (action,) in actions] == [
        "user.added", "user.added", "user.role", "user.team", "user.role", "user.deactivated",
    ]  # fmt: skip


def test_it_shows_and_replays_parked_events(instance: Instance) -> None:
    assert "Nothing is parked" in instance.run("events", "list")
    instance.python(PARKED)
    events = instance.json("events", "list")
    assert [event["state"] for event in events] == ["parked"] * 3
    assert "nowhere" in events[0]["error"]
    shown = instance.json("events", "show", str(events[0]["id"]))
    assert shown["payload"] == {"n": 2}
    assert "no event" in instance.run("events", "show", "999999", code=1)
    assert instance.json("events", "replay", str(events[0]["id"]), "999999") == {
        "replayed": 1,
        "not_parked": 1,
    }
    assert instance.json("events", "replay", "--all", "--brand", "aero")["replayed"] == 2
    assert instance.rows("SELECT count(*) FROM ingest_rawevent WHERE state = 'pending'") == [(3,)]
    instance.run("events", "replay", code=2)


def test_the_doctor_finds_what_is_wrong(instance: Instance) -> None:
    findings = {finding["subject"]: finding for finding in instance.json("doctor")}
    assert findings["database"]["level"] == "ok"
    assert findings["worker"]["level"] == "warning"
    instance.python(PARKED)
    instance.python(
        "from rapport.brands.models import Channel\n"
        "Channel.objects.update(state='disconnected', last_error='The token was revoked.')\n"
        "from rapport.ingest.models import RawEvent\n"
        "RawEvent.objects.filter(payload__n=0).update(state='pending', received_at='2020-01-01T00:00:00Z')"
    )
    instance.environment["RAPPORT_SECRET_KEY"] = "not to be seen " * 4
    found = instance.json("doctor", code=1)
    levels = {(finding["subject"].split()[0], finding["level"]) for finding in found}
    assert {("channel", "problem"), ("parked", "warning"), ("incoming", "problem")} <= levels
    assert all(finding["advice"] for finding in found if finding["level"] != "ok")
    assert "not to be seen" not in str(found)
    assert "(hidden)" in str(found)


def test_the_doctor_reports_a_database_that_is_away(instance: Instance) -> None:
    instance.url = "postgresql://me:sesame@127.0.0.1:1/none"
    found = instance.json("doctor", code=1)
    problems = [finding["text"] for finding in found if finding["level"] == "problem"]
    assert ["refused" in text for text in problems] == [True]
    assert "sesame" not in str(found)


def test_every_command_has_help(instance: Instance) -> None:
    listed = instance.run("--help")
    assert all(f"  {name} " in listed for name in COMMANDS)
