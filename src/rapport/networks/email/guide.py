"""What the page on which a mailbox is connected asks for, and how one gets it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Field, Guide, Step

_SECURITY = (
    ("tls", _("TLS from the start (usual)")),
    ("starttls", _("STARTTLS")),
    ("none", _("None: only within your own machine or network")),
)

GUIDE = Guide(
    about=_(
        "A mailbox that customers write to, such as help@your-company.example. Rapport reads it over IMAP and "
        "answers over SMTP, under your address. Mail stays in the mailbox; other programs can go on using it."
    ),
    needs=(
        _("The address of the mailbox and its password, or an app password."),
        _("The names of the servers for IMAP and SMTP. Your mail provider's help pages list them."),
    ),
    steps=(
        Step(
            text=_(
                "Ask whoever runs your mail for a mailbox of its own for customers, with IMAP switched on."
            )
        ),
        Step(
            text=_("At Google: switch on 2-Step Verification, then create an app password and use it here."),
            url="https://myaccount.google.com/apppasswords",
        ),
        Step(
            text=_(
                "At Fastmail, Yahoo, iCloud and others too: create an app password in the account's security page."
            )
        ),
        Step(text=_("Enter the servers. Ports 993 and 465 with TLS are the usual ones.")),
        Step(
            text=_("Press Check. Rapport logs in to both servers and says what it found; it sends nothing.")
        ),
    ),
    fields=(
        Field(name="address", label=_("Address"), kind="email", placeholder="help@your-company.example"),
        Field(
            name="name",
            label=_("Name that customers see"),
            required=False,
            placeholder="Your Company Help",
        ),
        Field(
            name="username",
            label=_("User name"),
            help=_("Leave it empty where it is the address."),
            required=False,
        ),
        Field(name="password", label=_("Password or app password"), kind="secret"),
        Field(name="imap_host", label=_("IMAP server"), placeholder="imap.your-company.example"),
        Field(name="imap_port", label=_("IMAP port"), kind="number", default=993, required=False),
        Field(
            name="imap_security", label=_("IMAP encryption"), kind="choice", choices=_SECURITY, default="tls"
        ),
        Field(name="smtp_host", label=_("SMTP server"), placeholder="smtp.your-company.example"),
        Field(name="smtp_port", label=_("SMTP port"), kind="number", default=465, required=False),
        Field(
            name="smtp_security", label=_("SMTP encryption"), kind="choice", choices=_SECURITY, default="tls"
        ),
        Field(
            name="smtp_username",
            label=_("User name for SMTP"),
            help=_("Only where it is another one."),
            required=False,
        ),
        Field(
            name="smtp_password",
            label=_("Password for SMTP"),
            help=_("Only where it is another one."),
            kind="secret",
            required=False,
        ),
        Field(
            name="aliases",
            label=_("Other addresses of this mailbox"),
            help=_("One per line. Mail from them is your own, not a customer's."),
            kind="lines",
            required=False,
        ),
        Field(
            name="folders",
            label=_("Folders to read"),
            help=_("One per line. INBOX if you leave it empty. The folder for sent mail is read as well."),
            kind="lines",
            required=False,
        ),
        Field(
            name="sent_folder",
            label=_("Folder for sent mail"),
            help=_("Rapport finds it; name it only where it finds the wrong one."),
            required=False,
        ),
        Field(
            name="sent_copy",
            label=_("Who files sent mail?"),
            help=_(
                "Gmail puts what was sent over SMTP into the folder for sent mail itself; "
                "most servers do not."
            ),
            kind="choice",
            choices=(
                ("rapport", _("Rapport (usual)")),
                ("provider", _("The provider (Gmail)")),
            ),
            default="rapport",
        ),
        Field(
            name="copy_to_self",
            label=_("Send a copy of each answer to this mailbox"),
            help=_(
                "With it Rapport can tell whether an answer went out even when the connection broke at the worst "
                "moment. Without it a person has to look in that case."
            ),
            kind="switch",
            default=True,
            required=False,
        ),
        Field(
            name="plus_addressing",
            label=_("Answers come back to address+code@"),
            help=_(
                "Only if your server accepts such addresses. It keeps threads together in the oddest programs."
            ),
            kind="switch",
            default=False,
            required=False,
        ),
        Field(
            name="quote_original",
            label=_("Quote the customer's mail below the answer"),
            kind="switch",
            default=False,
            required=False,
        ),
        Field(
            name="mark_seen",
            label=_("Mark mail as read once Rapport has it"),
            kind="switch",
            default=False,
            required=False,
        ),
        Field(
            name="own_lists",
            label=_("Mailing lists that are meant for you"),
            help=_(
                "The List-Id of a group address that forwards to this mailbox, one per line. Mail of other lists "
                "is taken for newsletters."
            ),
            kind="lines",
            required=False,
        ),
        Field(
            name="authserv_ids",
            label=_("Names under which your own server checks senders"),
            help=_(
                "The first word of its Authentication-Results lines, one per line. Only these are believed for "
                "DKIM, SPF and DMARC."
            ),
            kind="lines",
            required=False,
        ),
        Field(
            name="certificates",
            label=_("Certificate of your own authority (PEM)"),
            help=_("Only for a server whose certificate no public authority has signed."),
            kind="lines",
            required=False,
        ),
    ),
    costs=_(
        "Nothing beyond what your mail provider asks. Providers limit how many mails a mailbox sends a day."
    ),
    cannot=(
        _("A mail that was sent cannot be changed or taken back."),
        _(
            "Logging in with OAuth is not supported. Microsoft 365 and Outlook.com no longer take passwords, so "
            "their mailboxes can be connected only through a relay or a forwarding that does."
        ),
        _("Mail programs seldom show the alt text of a picture; Rapport sends it as the file's description."),
    ),
)
