"""Sending, and the answer to "did it post?".

SMTP has no idempotency and cannot be asked afterwards, so two traces are left that can:

1. Just before the mail is handed over, a record of it goes into the Sent folder with the flag ``\\Draft``, which
   is taken away once the server has accepted it. Without a record nothing was handed over.
2. The mail goes to our own mailbox as well, in the same SMTP transaction: the server accepts it for both or for
   neither. So if the connection broke in between, the copy's arrival proves that the customer's was accepted.

Where the provider files sent mail itself, its copy in Sent does for both.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMessage, Sent
from rapport.networks.email import headers, mime, quoting
from rapport.networks.email.addresses import is_address, normal, untagged
from rapport.networks.email.box import Box
from rapport.networks.email.compose import COPY, REF, Composed, Parent, check_answerable, compose
from rapport.networks.email.ids import external_id, is_name, thread_key
from rapport.networks.email.imap import Mailbox
from rapport.networks.email.smtp import Submission
from rapport.networks.email.wire import Deadline
from rapport.networks.errors import NetworkError, Refused, TryAgain

log = logging.getLogger(__name__)

# Together well within the lease of a reply.
SEND_S = 36.0
FIND_S = 16.0
# How long a copy may be on its way before it is taken as never sent, and how long one look waits for it.
COPY_LOST = timedelta(minutes=10)
_LOOK_AGAIN = timedelta(minutes=2)
_WAIT_S = 6.0
_MAX_PARENT = 300_000
_DRAFT, _SEEN, _DELETED = b"\\Draft", b"\\Seen", b"\\Deleted"


def send(box: Box, message: OutgoingMessage) -> Sent:
    """Compose, record, hand over. Only what happens after the mail's last byte is in doubt."""
    recipient = normal(message.recipient_id or "")
    if not is_address(recipient):
        raise Refused(_("There is no address to write to."))
    with Deadline(SEND_S) as deadline, Mailbox(box, deadline) as mailbox:
        parent = _parent(box, message, mailbox)
        check_answerable(message, parent)
        now = datetime.now(UTC)
        mail = compose(box, message, parent, recipient=_answer_to(parent, recipient, box), now=now)
        with Submission(box, deadline) as submission:
            copies = submission.envelope(
                box.address,
                mail.recipient,
                box.address if box.copy_to_self and not box.files_sent else None,
                size=len(mail.data) + 1000,
            )
            if box.files_sent:
                submission.data(mail.data)
            else:
                _hand_over(mailbox, submission, message, mail, copies=copies)
        return Sent(external_id=mail.message_id, sent_at=now, thread_key=thread_key(mail.thread))


def _hand_over(
    mailbox: Mailbox, submission: Submission, message: OutgoingMessage, mail: Composed, *, copies: bool
) -> None:
    folder = mailbox.sent_folder(make=True) or "Sent"
    mailbox.open(folder, write=True)
    # An earlier try that was surely refused may have left its record.
    stale = _drafts(mailbox, message)
    if stale:
        mailbox.expunge(stale)
    kept = (f"{COPY}: yes\r\n".encode() if copies else b"") + mail.data
    uid = mailbox.append(folder, kept, [_SEEN, _DRAFT])
    records = [uid] if uid is not None else _drafts(mailbox, message)
    try:
        submission.data(mail.data)
    except NetworkError as error:
        if not (isinstance(error, TryAgain) and error.doubt):
            with contextlib.suppress(NetworkError):
                mailbox.expunge(records)
        raise
    try:
        mailbox.mark(records, remove=_DRAFT)
    except NetworkError as error:
        # It is sent; only our note of it stays a draft.
        log.warning("a sent mail's record could not be completed: %s", error)


def find_sent(box: Box, message: OutgoingMessage) -> Sent | None:
    """Whether an earlier try was accepted; None when surely not.

    Raises TryAgain while that is not known yet, and Refused where it never will be (no copy to ourselves):
    then a person decides, because neither a second mail nor a lost one is ours to choose.
    """
    with Deadline(FIND_S) as deadline, Mailbox(box, deadline) as mailbox:
        drafts: list[int] = []
        folder = mailbox.sent_folder()
        if folder is not None:
            mailbox.open(folder, write=True)
            found = _filed(mailbox, message)
            if found is not None:
                return found
            drafts = _drafts(mailbox, message)
        if not drafts and not box.files_sent:
            return None
        copied = bool(drafts) and any(mailbox.header(one, COPY) for one in drafts)
        if copied or box.files_sent:
            found = _copy(box, mailbox, message, folder, deadline)
            if found is not None:
                if drafts and folder is not None:
                    mailbox.open(folder, write=True)
                    mailbox.mark(drafts, remove=_DRAFT)
                return found
            if drafts:
                _give_up_or_wait(mailbox, drafts, folder)
            return None
        raise Refused(
            _(
                "The connection broke while the mail server took this mail, so it may have been sent. Ask the "
                "customer, or look into the mail server's log, before you send it again."
            )
        )


def _give_up_or_wait(mailbox: Mailbox, drafts: Sequence[int], folder: str | None) -> None:
    """Take records away whose copy never came; raises TryAgain while it may still come."""
    if folder is not None:
        mailbox.open(folder, write=True)
    made = [one.arrived for one in mailbox.envelopes(drafts) if one.arrived is not None]
    if made and max(made) < datetime.now(UTC) - COPY_LOST:
        mailbox.expunge(drafts)
        return
    raise TryAgain(
        _("It is not clear yet whether the mail server took this mail; waiting for its copy."),
        after=_LOOK_AGAIN,
        doubt=True,
    )


def _copy(
    box: Box, mailbox: Mailbox, message: OutgoingMessage, sent_folder: str | None, deadline: Deadline
) -> Sent | None:
    """Look for the copy where it may arrive, for a few seconds."""
    names = dict.fromkeys([*([sent_folder] if box.files_sent and sent_folder else []), *box.folders])
    junk = mailbox.special(b"\\Junk", ("Junk", "Spam", "Junk E-mail"))
    folders = [*names, *([junk] if junk and junk not in names else [])]
    until = time.monotonic() + min(_WAIT_S, deadline.left() / 2)
    while True:
        for name in folders:
            with contextlib.suppress(Refused):  # a folder that is gone holds nothing
                mailbox.open(name)
                found = _filed(mailbox, message)
                if found is not None:
                    return found
        if time.monotonic() >= until:
            return None
        time.sleep(0.5)


def _named(mailbox: Mailbox, message: OutgoingMessage) -> list[int]:
    # Some providers give mail an id of their own; the reference stays.
    found = mailbox.having("Message-ID", message.idempotency_key)
    return found or mailbox.having(REF, message.idempotency_key)


def _drafts(mailbox: Mailbox, message: OutgoingMessage) -> list[int]:
    known = mailbox.envelopes(_named(mailbox, message))
    return [one.uid for one in known if _DRAFT in one.flags and _DELETED not in one.flags]


def _filed(mailbox: Mailbox, message: OutgoingMessage) -> Sent | None:
    """The mail in the open folder, not as a draft."""
    for one in mailbox.envelopes(_named(mailbox, message)):
        if _DRAFT in one.flags or _DELETED in one.flags:
            continue
        # A customer's answer could quote our reference in a header of its own making; ours is from us.
        head = mailbox.fetch(one.uid, most=_MAX_PARENT)
        if head is None:
            continue
        mail, _cut = mime.read(head)
        if headers.raw(mail, REF) != message.idempotency_key:
            continue
        at = headers.sent_at(mail, arrived=one.arrived) or one.arrived or datetime.now(UTC)
        named = headers.message_id(mail)
        return Sent(external_id=named, sent_at=at, thread_key=message.thread_key)
    return None


def _answer_to(parent: Parent, recipient: str, box: Box) -> str:
    """Where the customer wants answers, or their address."""
    wanted = normal(parent.reply_to)
    return wanted if is_address(wanted) and untagged(wanted)[0] not in box.me else recipient


def _parent(box: Box, message: OutgoingMessage, mailbox: Mailbox) -> Parent:
    """What the answer needs to know of the mail it answers, from our own store or from the mailbox."""
    if message.parent_id is None:
        return Parent()
    facts = message.parent_facts
    email = facts.get("email") if isinstance(facts.get("email"), dict) else {}
    email = email if isinstance(email, dict) else {}
    named = str(email.get("message_id") or message.parent_id)
    if not is_name(named):
        named = ""
    reply_to = [str(one) for one in email.get("reply_to") or ()]
    # Our own mail is recorded as it was sent, without these.
    # A mail that shares its Message-ID is not looked up by it: another's words could be quoted to this customer.
    alone = message.parent_id == named or message.parent_id == external_id(named)
    if (not facts.get("subject") or box.quote_original) and named and alone:
        found = _looked_up(box, mailbox, named)
        if found is not None:
            return found
    return Parent(
        message_id=named,
        references=[str(one) for one in email.get("references") or ()],
        subject=str(facts.get("subject") or ""),
        reply_to=reply_to[0] if len(reply_to) == 1 else "",
        loop=int(email.get("loop") or 0),
    )


def _looked_up(box: Box, mailbox: Mailbox, named: str) -> Parent | None:
    """The parent as the mailbox has it; None when it is not there any more."""
    sent = mailbox.sent_folder()
    for folder in dict.fromkeys([*box.folders, *([sent] if sent else [])]):
        with contextlib.suppress(Refused):
            mailbox.open(folder)
            for uid in mailbox.having("Message-ID", named)[:3]:
                data = mailbox.fetch(uid, most=_MAX_PARENT)
                if data is None:
                    continue
                mail, _cut = mime.read(data)
                if headers.message_id(mail) == named:
                    return _read_parent(box, mail, named)
    return None


def _read_parent(box: Box, mail: headers.Mail, named: str) -> Parent:
    reply_to = [address for _, address in headers.addresses(mail, "Reply-To")]
    sender = next(iter(headers.addresses(mail, "From")), ("", ""))
    quote = ""
    if box.quote_original:
        quote = quoting.own_words("\n".join(mime.parts(mail).texts))
    at = headers.date(headers.raw(mail, "Date"))
    return Parent(
        message_id=named,
        references=headers.parents(mail),
        subject=headers.text(mail, "Subject"),
        reply_to=reply_to[0] if len(reply_to) == 1 else "",
        quote=quote,
        quote_of=_("On %(date)s, %(name)s wrote:")
        % {"date": f"{at:%Y-%m-%d %H:%M} UTC" if at else "?", "name": sender[0] or sender[1]},
    )
