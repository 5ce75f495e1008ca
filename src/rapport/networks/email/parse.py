"""What a mail means. Pure: no clock, no database, no network."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Author, Event, Media, MessageSeen
from rapport.networks.email import automatic, headers, htmltext, ids, mime, quoting
from rapport.networks.email.addresses import is_address, normal, shown, untagged
from rapport.networks.email.authentication import results
from rapport.networks.email.headers import Mail

# A mail is read up to here; more than any provider accepts.
MAX_MAIL = 60_000_000
MAX_TEXT = 100_000
_MAX_PEOPLE = 20
_REF = re.compile(r"[0-9a-f-]{36}")
_MARK = re.compile(r"[0-9a-f]{8,64}")


@dataclasses.dataclass(frozen=True, slots=True)
class Marks:
    """What tells mails with one Message-ID apart. ``sender``: the author's address; ``date``: ISO, in UTC,
    or the field's words."""

    message_id: str
    sender: str
    date: str
    subject: str


def parse_event(kind: str, payload: Any) -> list[Event]:
    """The message in a raw event. Raises ValueError, KeyError or TypeError when it is not understood."""
    if not isinstance(payload, Mapping):
        raise TypeError("the event is not an object")
    if kind == "unreadable":
        raise ValueError(f"the mail server does not hand it over: {payload['reason']!r}"[:500])
    if kind != "mail":
        raise ValueError(f"unknown kind of event {kind!r}")
    data = _bytes(payload["rfc822"])
    me = _strings(payload, "me")
    mail, cut = mime.read(data)
    return [_message(mail, data, payload, me, cut=cut)]


def identify(data: bytes, *, twin: str = "") -> str:
    """The external id of the message in a mail. Cheap: only its header fields are read.

    ``twin``: what tells it from another mail that has its Message-ID, "" for the one that has it.
    """
    try:
        mail, _ = mime.read(_head(data))
    except ValueError:
        return ids.without_id([data])
    return _identity(mail, data, twin)


def marks(data: bytes, me: Collection[str]) -> Marks | None:
    """What tells a mail from others; None when its header cannot be read."""
    mine = list(me)
    try:
        mail, _ = mime.read(_head(data))
    except ValueError:
        return None
    try:
        sender = _sender(mail, mine).external_id
    except ValueError:
        sender = ""
    stated = headers.raw(mail, "Date")
    at = headers.date(stated)
    return Marks(
        message_id=headers.message_id(mail),
        sender=mine[0] if sender in mine else sender,
        date=at.isoformat() if at is not None else stated,
        subject=headers.text(mail, "Subject"),
    )


def says_it_is_ours(data: bytes, me: Collection[str]) -> bool:
    """Whether a mail bears an address of ours as its sender, which anybody can write there."""
    try:
        mail, _ = mime.read(_head(data))
    except ValueError:
        return False
    sender = headers.addresses(mail, "From")
    return bool(sender) and untagged(sender[0][1])[0] in me and not _is_form(mail, me)


def _identity(mail: Mail, data: bytes, twin: str) -> str:
    named = headers.message_id(mail)
    if named:
        return ids.twin_id(named, twin) if twin else ids.external_id(named)
    body = data[len(_head(data)) :]
    return ids.without_id([*(headers.raw(mail, name) for name in ("From", "Date", "To", "Subject")), body])


def _head(data: bytes) -> bytes:
    match = re.search(rb"\r?\n\r?\n", data)
    return data[: match.end()] if match else data


def _message(mail: Mail, data: bytes, payload: Mapping[str, Any], me: list[str], *, cut: bool) -> MessageSeen:
    external_id = _identity(mail, data, _mark(payload))
    sender = _sender(mail, me)
    own = sender.external_id in me
    filed = payload.get("sent") is True
    # The address of a form's customer is in Reply-To; such a mail is the customer's, whoever sent it.
    form = _is_form(mail, me)
    machine = "" if own else automatic.kind_of(mail, lists=_strings(payload, "lists"), me=me, form=form)
    answered = headers.parents(mail)
    parent = answered[-1] if answered else ""
    facts: dict[str, Any] = {}
    if machine == "bounce":
        about, facts["bounce"] = automatic.bounce(mail)
        parent = about or parent
    text, full, media, left_out = _content(mail, own=own)
    if machine in {"bounce", "receipt", "report"}:
        media = ()  # the report's own fields and the mail it speaks of
    if full != text:
        facts["full_text"] = full
    facts |= _facts(mail, payload, machine, external_id)
    if left_out:
        facts["left_out"] = left_out
    if cut or payload.get("truncated"):
        facts["truncated"] = True
    ours = ids.read_ours(headers.message_id(mail))
    return MessageSeen(
        external_id=external_id,
        author=dataclasses.replace(sender, external_id=me[0]) if own else sender,
        text=text,
        sent_at=headers.sent_at(mail, arrived=_time(payload.get("arrived")))
        or datetime.fromtimestamp(0, UTC),
        visibility="private",
        parent_id=ids.external_id(parent) if parent else None,
        thread_key=ids.thread_key(_thread(mail, me, answered, parent, external_id)),
        media=media,
        automatic=bool(machine),
        # Anybody can write our address into From. What is not in our Sent folder is kept, but never
        # counts as an answer of ours.
        context=own and not filed,
        facts=facts,
        client_ref=ours[0] if ours and own else "",
    )


def _sender(mail: Mail, me: list[str]) -> Author:
    found = headers.addresses(mail, "From") or headers.addresses(mail, "Sender", "Reply-To", "Return-Path")
    if _is_form(mail, me):
        found = [one for one in headers.addresses(mail, "Reply-To") if one[1] not in me]
    if not found:
        raise ValueError("a mail without a sender")
    name, address = found[0]
    if untagged(address)[0] in me:
        address = untagged(address)[0]
    return Author(external_id=address, handle=shown(address), name=name or shown(address))


def _is_form(mail: Mail, me: Collection[str]) -> bool:
    """Sent in our own name with somebody else's Reply-To: a form on our website."""
    sender = headers.addresses(mail, "From")
    if not sender or untagged(sender[0][1])[0] not in me:
        return False
    reply_to = [untagged(address)[0] for _, address in headers.addresses(mail, "Reply-To")]
    return any(one not in me for one in reply_to)


def _thread(mail: Mail, me: list[str], answered: list[str], parent: str, external_id: str) -> str:
    """The thread's token: from the address it came to, else from a mail of ours it names, else by its root."""
    for _, address in headers.addresses(mail, "To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"):
        plain, tag = untagged(address)
        if plain in me and (found := ids.token_of_tag(tag)):
            return found
    for one in [parent, *answered, headers.message_id(mail)]:
        if ours := ids.read_ours(one):
            return ours[1]
    root = answered[0] if answered else parent or external_id
    return ids.token(root)


def _content(mail: Mail, *, own: bool) -> tuple[str, str, tuple[Media, ...], int]:
    """What to show, all of it, the files, and how many files were too much."""
    parts = mime.parts(mail)
    plain = "\n\n".join(one.strip("\n") for one in parts.texts if one.strip())[:MAX_TEXT]
    html = "\n".join(parts.htmls)
    alts: dict[str, str] = {}
    if html.strip():
        rendered, alts = htmltext.to_text(html)
        # Some send only a line like "your program cannot show HTML" as text.
        if not plain.strip() or (len(plain) < 200 and "html" in plain.lower() and len(rendered) > len(plain)):
            plain = rendered[:MAX_TEXT]
    media = tuple(dataclasses.replace(file, alt=file.alt or alts.get(cid, "")) for cid, file in parts.files)
    full = plain.strip()
    shown = full if quoting.is_forward(headers.text(mail, "Subject")) else quoting.own_words(full)
    return shown, full, media, parts.left_out


def _facts(mail: Mail, payload: Mapping[str, Any], machine: str, external_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {"subject": headers.text(mail, "Subject")[:500]}
    email: dict[str, Any] = {}
    if references := headers.parents(mail):
        # The first and the last ones: what a reply needs to stay in its thread (RFC 5322, 3.6.4).
        email["references"] = [one for one in (references[:1] + references[1:][-15:]) if len(one) <= 500]
    own_id = headers.message_id(mail)
    if own_id and external_id != own_id and len(own_id) <= 998:
        email["message_id"] = own_id
    for name in ("Reply-To", "To", "Cc"):
        people = [address for _, address in headers.addresses(mail, name)][:_MAX_PEOPLE]
        if people:
            email[name.lower().replace("-", "_")] = people
    loop = headers.raw(mail, "X-Rapport-Loop")
    if loop.isascii() and loop.isdecimal():
        email["loop"] = min(int(loop[:4]), 1000)
    if email:
        found["email"] = email
    if machine:
        found["automatic"] = machine
    authentication = results(mail, trusted=[one.lower() for one in _strings(payload, "trusted")])
    if authentication:
        found["authentication"] = authentication
    html = "\n".join(mime.words(one) for one in mime.leaves(mail) if _is_html(one))
    if html.strip() and (safe := htmltext.safe(html)):
        found["html"] = safe
    return found


def _is_html(part: Mail) -> bool:
    return part.get_content_type() == "text/html" and part.get_content_disposition() != "attachment"


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError("the mail is not a string")
    if len(value) > MAX_MAIL * 4 // 3 + 4:
        raise ValueError("the mail is too long")
    try:
        found = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("the mail is not in base64") from error
    if not found.strip():
        raise ValueError("the mail is empty")
    return found


def _mark(payload: Mapping[str, Any]) -> str:
    found = payload.get("twin", "")
    if not isinstance(found, str):
        raise TypeError("twin is not a string")
    if found and not _MARK.fullmatch(found):
        raise ValueError("what tells the mail from another with its id is no hash")
    return found


def _strings(payload: Mapping[str, Any], name: str) -> list[str]:
    found = payload[name]
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise TypeError(f"{name} is not a list of strings")
    if name == "me" and (not found or not is_address(normal(found[0]))):
        raise ValueError("whose mailbox it is, is not said")
    return [normal(one) for one in found] if name == "me" else found


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("arrived is not a string")
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("arrived has no time zone")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("arrived is out of range") from error
