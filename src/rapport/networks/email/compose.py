"""Our mail, as bytes: header fields that nobody can inject into, text, files. Pure but for the clock it is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMedia, OutgoingMessage
from rapport.networks.email import ids
from rapport.networks.email.addresses import ascii_domain, is_address, tagged
from rapport.networks.email.box import Box
from rapport.networks.errors import Refused

REF = "X-Rapport-Ref"
COPY = "X-Rapport-Copy"
LOOP = "X-Rapport-Loop"
_MAX_SUBJECT = 200
# What an id may be in a header of ours.
_ID = re.compile(r"[!-;=?-~]{1,500}")
_MAX_QUOTE_LINES = 200
_REPLY_PREFIX = re.compile(
    r"^\s*(?:(?:re|aw|antw|antwort|sv|ref|rif|odg|odp|vs|vá|ynt|отв|ответ|ตอบ|ตอบกลับ|回复|回覆|返信|답장)"
    r"\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]\s*)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What is known of the mail that is answered. ``quote`` is empty when nothing is to be quoted."""

    message_id: str = ""
    references: Sequence[str] = ()
    subject: str = ""
    reply_to: str = ""
    quote: str = ""
    quote_of: str = ""
    loop: int = 0


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail ready to go: ``message_id`` without angle brackets, and the thread's token."""

    message_id: str
    thread: str
    recipient: str
    data: bytes = field(repr=False)


def compose(box: Box, message: OutgoingMessage, parent: Parent, *, recipient: str, now: datetime) -> Composed:
    """The mail for ``message``. The same Message-ID every time it is composed."""
    thread = thread_of(message)
    named = ids.our_message_id(
        idempotency_key=message.idempotency_key,
        thread=thread,
        domain=ascii_domain(box.address.rpartition("@")[2]),
    )
    head = [_people("From", box.address, box.name), _people("To", recipient)]
    if box.plus_addressing:
        head.append(_people("Reply-To", tagged(box.address, thread), box.name))
    head.append(f"Message-ID: <{named}>")
    if parent.message_id and _ID.fullmatch(parent.message_id):
        head.append(f"In-Reply-To: <{parent.message_id}>")
        head.append("References: " + "\r\n ".join(f"<{one}>" for one in references(parent)))
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = subject(parent, message.text)
    mail["Date"] = format_datetime(now)
    mail[REF] = one_line(message.idempotency_key)
    if not message.by_person:
        # RFC 3834, 5: other machines then do not answer. The second is Microsoft's word for it.
        mail["Auto-Submitted"] = "auto-replied" if message.parent_id else "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail[LOOP] = str(parent.loop + 1)
    if message.lang and re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}", message.lang):
        mail["Content-Language"] = message.lang
    mail.set_content(_body(message.text, parent), charset="utf-8", cte="quoted-printable")
    for file in message.media:
        _attach(mail, file)
    # The library would turn an id or an address of more than a line into an encoded word, which nobody
    # reads there; so these fields are written here, from parts that were checked.
    data = "\r\n".join([*head, ""]).encode() + mail.as_bytes(policy=SMTP)
    return Composed(named, thread, recipient, data)


def thread_of(message: OutgoingMessage) -> str:
    """The token of the thread that ``message`` goes into; a thread of its own when it answers nothing."""
    found = ids.token_of_key(message.thread_key)
    if found is not None:
        return found
    for one in (message.parent_id, message.root_id):
        if one and (ours := ids.read_ours(one)):
            return ours[1]
    return ids.token(message.root_id or message.parent_id or message.idempotency_key)


def subject(parent: Parent, text: str) -> str:
    """``Re:`` once before the thread's subject, whatever languages it went through; the first words of a
    mail that answers nothing."""
    bare = _REPLY_PREFIX.sub("", one_line(parent.subject)).strip()[:_MAX_SUBJECT]
    if bare:
        return f"Re: {bare}"
    if parent.message_id:
        return "Re: " + _("your message")
    first = next((one.strip() for one in text.splitlines() if one.strip()), "")
    first = one_line(first)
    return first if len(first) <= 70 else first[:69].rsplit(" ", 1)[0] + "…"


def references(parent: Parent) -> list[str]:
    """The thread so far: its first message and the last ones (RFC 5322, 3.6.4), each fit for a header."""
    known = [one for one in parent.references if _ID.fullmatch(one)]
    known = [one for one in known if one != parent.message_id]
    return [*known[:1], *known[1:][-15:], parent.message_id]


def one_line(value: str) -> str:
    """Without line breaks and other control characters: what a header field may hold."""
    value = value.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(one if one.isprintable() else " " for one in value).split())


def _people(field_name: str, address: str, name: str = "") -> str:
    """A field with one address. The address was checked by whoever gave it."""
    if not is_address(address):
        raise Refused(_("There is no address to write to."))
    local, _at, domain = address.rpartition("@")
    path = f"<{local}@{ascii_domain(domain)}>"
    name = one_line(name)[:200]
    if not name:
        return f"{field_name}: {path}"
    if name.isascii():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{field_name}: "{quoted}"\r\n {path}'
    words = Header(name, "utf-8", header_name=field_name).encode(linesep="\r\n")
    return f"{field_name}: {words}\r\n {path}"


def _body(text: str, parent: Parent) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")
    if not parent.quote:
        return text + "\n"
    lines = parent.quote.splitlines()[:_MAX_QUOTE_LINES]
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    return f"{text}\n\n{parent.quote_of}\n{quoted}\n"


def _attach(mail: EmailMessage, file: OutgoingMedia) -> None:
    main, _, sub = file.content_type.lower().partition("/")
    if not re.fullmatch(r"[a-z]{1,20}", main) or not re.fullmatch(r"[a-z0-9][a-z0-9.+-]{0,80}", sub):
        main, sub = "application", "octet-stream"
    if main in {"message", "multipart", "text"}:
        # Parts of those kinds have rules of their own; as bytes they arrive as they are.
        main, sub = "application", "octet-stream"
    name = one_line(file.name).replace("/", "_").replace("\\", "_")[:150] or "file"
    mail.add_attachment(file.content, maintype=main, subtype=sub, filename=name)
    if file.alt:
        # There is no alt text in mail; the description of a part is the nearest thing (RFC 2183, RFC 2045, 8).
        list(mail.iter_attachments())[-1]["Content-Description"] = one_line(file.alt)[:900]


def check_answerable(message: OutgoingMessage, parent: Parent) -> None:
    """Raises Refused for what must not be answered: machines, and by rules also lists and loops."""
    kind = str(message.parent_facts.get("automatic") or "")
    if kind in {"list", "bulk"} and message.by_person:
        return
    if kind:
        raise Refused(
            _("The mail it answers was written by a machine (%(kind)s). Nobody would read the answer.")
            % {"kind": kind}
        )
    if not message.by_person and parent.loop >= 3:
        raise Refused(_("This conversation goes round in a loop of automatic mail."))
