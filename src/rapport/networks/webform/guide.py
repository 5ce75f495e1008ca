"""The page on which a contact form is made."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Field, Guide, Step

GUIDE = Guide(
    about=_(
        "A contact form that works without scripts, on a page of its own and inside your website. What somebody "
        "sends opens a case; they read your answer on a page of their own, and by e-mail if you give a mail server."
    ),
    needs=(
        _("A name for the form."),
        _("To answer by e-mail as well: a mailbox's server, user name and password for sending (SMTP)."),
    ),
    steps=(
        Step(
            text=_("Fill in the fields below and connect. The channel's page then shows the form's address.")
        ),
        Step(
            text=_(
                'Link to that address, or put it into your website with <iframe src="the address" title="Contact '
                'us" width="100%" height="900"></iframe>. Give your website\'s address below first, or browsers '
                "will not show the form there."
            )
        ),
        Step(
            text=_(
                "For answers by e-mail, use a mailbox that is connected as an e-mail channel too: who answers the "
                "mail is then heard there."
            )
        ),
    ),
    fields=(
        Field(
            name="name",
            label=_("Name"),
            help=_("Shown above the form and as the sender of mails, such as “Alvara Air customer care”."),
        ),
        Field(
            name="intro",
            label=_("Words above the form"),
            help=_("When you answer, and what to have at hand. At most a few sentences."),
            required=False,
        ),
        Field(
            name="sites",
            label=_("Websites that show it"),
            help=_("One address on each line, such as https://www.example.com. Empty: only its own page."),
            kind="lines",
            required=False,
        ),
        Field(
            name="email",
            label=_("E-mail address of the sender"),
            kind="choice",
            default="required",
            choices=(
                ("required", _("Must be given")),
                ("optional", _("May be given")),
                ("none", _("Is not asked for")),
            ),
        ),
        Field(
            name="attachments", label=_("Files may be attached"), kind="switch", default=True, required=False
        ),
        Field(
            name="consent",
            label=_("Consent"),
            help=_("A sentence that must be agreed to before sending. Empty for none."),
            required=False,
        ),
        Field(
            name="smtp_host",
            label=_("Mail server for sending"),
            help=_("Empty: answers are shown on the customer's page only."),
            placeholder="smtp.example.com",
            required=False,
        ),
        Field(
            name="smtp_security",
            label=_("Encryption"),
            kind="choice",
            default="starttls",
            required=False,
            choices=(
                ("tls", _("TLS (port 465)")),
                ("starttls", _("STARTTLS (port 587)")),
                ("none", _("None")),
            ),
        ),
        Field(name="smtp_port", label=_("Port"), kind="number", required=False),
        Field(name="from_address", label=_("E-mail address of the brand"), kind="email", required=False),
        Field(name="smtp_username", label=_("User name"), required=False),
        Field(name="smtp_password", label=_("Password"), kind="secret", required=False),
        Field(
            name="certificates",
            label=_("Certificate of the mail server"),
            help=_(
                "In PEM form, only for a mail server of your own whose certificate no authority has signed."
            ),
            kind="lines",
            required=False,
        ),
    ),
    costs=_("Nothing."),
    cannot=(
        _("Nobody proves that an e-mail address is theirs. Ask before you tell anything that is private."),
        _("An answer cannot be changed or taken back once it was sent."),
    ),
)
