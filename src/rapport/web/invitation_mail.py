"""The mail that carries an invitation's link, where this Rapport may send mail."""

from __future__ import annotations

import logging
import smtplib

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext as _

from rapport.staff.actions.invitations import Invited, mark_mailed

log = logging.getLogger(__name__)


def link_of(invited: Invited) -> str:
    """The address to open."""
    return f"{settings.RAPPORT_BASE_URL}{reverse('invitation', args=[invited.token])}"


def mail(invited: Invited) -> bool | None:
    """Send the link. None where no mail server is set up, False when it did not take the mail.

    Not from a job: the link's secret is written down nowhere, and a job is.
    """
    if not settings.RAPPORT_SMTP:
        return None
    invitation = invited.invitation
    names = {"name": invitation.invited_by.name, "brand": invitation.brand.name}
    subject = _("%(name)s invites you to work for %(brand)s in Rapport") % names
    body = "\n\n".join(
        [
            _("%(name)s invites you to answer customers of %(brand)s together, in Rapport.") % names,
            _("Open this link to begin:") + "\n" + link_of(invited),
            _("It works once, for seven days. If you expected nothing like this, do nothing."),
        ]
    )
    try:
        # A subject is one line, whatever somebody is called.
        sent = EmailMessage(" ".join(subject.split()), body + "\n", to=[invitation.email]).send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("invitation %s could not be mailed: %s", invitation.pk, error)
        return False
    if sent:
        mark_mailed(invitation=invitation)
    return bool(sent)
