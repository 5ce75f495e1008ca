"""How an Instagram account is connected: the guided page's words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Field, Guide, Step
from rapport.networks.meta.guide import ADDRESS_FIELD, APP_FIELDS, HUMAN_AGENT_FIELD

# Permission and what is missing without it, for people. The first two are indispensable.
# https://developers.facebook.com/docs/permissions
PERMISSIONS = {
    "instagram_basic": _("reading the account and its posts"),
    "pages_read_engagement": _("reaching the account through its Facebook page"),
    "instagram_manage_comments": _("hearing and answering comments and mentions"),
    "instagram_manage_messages": _("hearing and answering direct messages"),
    "pages_messaging": _("sending files in direct messages"),
    "pages_manage_metadata": _("webhooks, so that what customers write arrives at once"),
    "pages_show_list": _("listing your pages"),
}
INDISPENSABLE = ("instagram_basic", "pages_read_engagement")

GUIDE = Guide(
    about=_("Comments, mentions and direct messages of one Instagram business or creator account."),
    needs=(
        _("An Instagram business or creator account that is linked to a Facebook page."),
        _("In the Instagram app: Settings, Messages, Connected tools, Allow access to messages switched on."),
        _("A Meta app of type Business. The one you use for Facebook pages is fine."),
    ),
    steps=(
        Step(
            text=_("Link the Instagram account with your Facebook page, if it is not yet."),
            url="https://www.facebook.com/business/help/connect-instagram-to-page",
        ),
        Step(
            text=_("Create an app of type Business, or open the one you have."),
            url="https://developers.facebook.com/apps",
        ),
        Step(
            text=_(
                "Add the products Facebook Login for Business, Webhooks, Messenger and Instagram to the app."
            ),
            url="https://developers.facebook.com/docs/instagram-platform/instagram-api-with-facebook-login/get-started",
        ),
        Step(text=_("Copy the app ID and the app secret from App settings, Basic, into the fields below.")),
        Step(
            text=_(
                "Enter Rapport's return address, shown on this page, under Facebook Login, Settings, Valid OAuth Redirect URIs."
            ),
            url="https://developers.facebook.com/docs/facebook-login/security",
        ),
        Step(
            text=_(
                "Choose to log in with Facebook and pick your Instagram account; or paste the token of its page."
            )
        ),
        Step(
            text=_(
                "When the channel is connected: under Webhooks choose Instagram, enter the channel's webhook address and "
                "your verify token, and subscribe to comments, live_comments, mentions, messages, message_reactions, "
                "messaging_seen and messaging_postbacks."
            ),
            url="https://developers.facebook.com/docs/instagram-platform/webhooks",
        ),
        Step(
            text=_(
                "Switch the app to Live and ask for advanced access to the permissions: until then only people with a role in your app are heard."
            ),
            url="https://developers.facebook.com/docs/app-review",
        ),
    ),
    fields=(
        *APP_FIELDS,
        Field(
            name="access_token",
            label=_("Page access token"),
            kind="secret",
            required=False,
            help=_(
                "Only if you do not log in with Facebook. It is the token of the page that the account is linked to."
            ),
        ),
        HUMAN_AGENT_FIELD,
        ADDRESS_FIELD,
    ),
    oauth=True,
    oauth_optional=True,
    costs=_("Meta charges nothing. App review and business verification take days to weeks."),
    cannot=(
        _(
            "Direct messages later than 24 hours after the person's last message, or 7 days with the Human Agent feature."
        ),
        _("More than one private reply to a comment, or one later than 7 days."),
        _("Pictures in comments, and changing a comment after it was posted."),
        _("Hearing that a person changed or deleted a comment."),
        _(
            "Mentions by private accounts, and answers to stories or pictures that tag you, other than by direct message."
        ),
        _("Searching Instagram for people who talk about you without naming the account."),
    ),
)
