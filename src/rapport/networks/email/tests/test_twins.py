"""Which mails with one Message-ID are one."""

from typing import Any

import pytest

from rapport.networks.email.twins import Owners

ME = ["help@alvara.example", "support@alvara.example"]
OURS = "11111111-2222-3333-4444-555555555555.rabcdefgh2345abcd.rapport@alvara.example"


def mail(**fields: str) -> bytes:
    given = {
        "From": "Ivana <ivana@customers.example>",
        "Date": "Sat, 21 Nov 2026 10:00:00 +0000",
        "Subject": "My order",
        "Message-ID": "<one@shop.example>",
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    return "".join(f"{name}: {value}\r\n" for name, value in given.items()).encode() + b"\r\nx\r\n"


def second(first: bytes, other: bytes) -> str:
    owners = Owners({})
    assert owners.twin(first, ME) == ""
    return Owners({"ids": owners.state()}).twin(other, ME)


@pytest.mark.parametrize(
    "other",
    [
        {"Date": "Sat, 21 Nov 2026 10:00:01 +0000"},
        {"From": "marko@customers.example", "Subject": "My other order"},
        {"From": "marko@customers.example", "Date": "no date"},
        # A form on our website that names every mail the same.
        {"From": "help@alvara.example", "Reply-To": "marko@customers.example", "Subject": "Form"},
    ],
)
def test_different_mails_are_two(other: dict[str, str]) -> None:
    found = second(mail(), mail(**other))
    assert found
    assert found == second(mail(Date=""), mail(**other))
    assert found != second(mail(), mail(Date="Sat, 21 Nov 2026 11:00:00 +0000"))


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"Received": "from here by there"},
        {"Date": "Sat, 21 Nov 2026 12:00:00 +0200 (EET)"},
        {"Subject": "[EXTERNAL] My order"},
        {"From": "Ivana via List <list@lists.example>", "Subject": "[list] My order"},
        {"From": "=?utf-8?q?Ivana?= <Ivana@customers.example>", "Subject": "=?utf-8?q?My_order?="},
    ],
)
def test_one_mail_that_came_two_ways_is_one(other: dict[str, str]) -> None:
    assert second(mail(), mail(**other)) == ""


def test_our_own_mail_is_never_another_than_its_copy() -> None:
    sent = {"From": "Help <help@alvara.example>", "Message-ID": "<ours@alvara.example>"}
    late = {"From": "support@alvara.example", "Date": "Sat, 21 Nov 2026 10:00:09 +0000", "Subject": "x"}
    assert second(mail(**sent), mail(**sent | late)) == ""
    assert second(mail(**sent), mail(**sent | {"From": "ivana@customers.example", "Date": ""}))


def test_nobody_else_can_have_an_id_of_ours() -> None:
    """Not even when their mail comes before ours is seen in the folder for sent mail."""
    owners = Owners({})
    named = {"Message_ID": f"<{OURS}>"}
    assert owners.twin(mail(**named), ME)
    assert owners.twin(mail(**named, From=ME[0]), ME) == ""


def test_it_remembers_so_many_and_longest_what_came_repeatedly() -> None:
    owners = Owners({})
    owners.twin(mail(), ME)
    assert owners.twin(mail(Date="Sun, 22 Nov 2026 10:00:00 +0000"), ME)
    for number in range(1000):
        owners.twin(mail(Message_ID=f"<{number}@x>"), ME)
    state = owners.state()
    assert (len(state["recent"]), len(state["repeated"])) == (400, 1)
    assert Owners({"ids": state}).twin(mail(Date="Mon, 23 Nov 2026 10:00:00 +0000"), ME)
    assert Owners({"ids": state}).twin(mail(), ME) == ""


@pytest.mark.parametrize("ids", [None, [], "x", {"recent": "x"}, {"recent": [1, "x", None], "repeated": {}}])
def test_a_spoilt_cursor_is_forgotten(ids: Any) -> None:
    assert Owners({"ids": ids}).state() == {"recent": [], "repeated": []}


def test_a_mail_without_an_id_has_no_twin() -> None:
    assert second(mail(Message_ID=""), mail(Message_ID="", Date="")) == ""
