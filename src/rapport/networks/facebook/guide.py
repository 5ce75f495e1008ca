"""How a Facebook page is connected: the guided page's words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Field, Guide, Step
from rapport.networks.meta.guide import ADDRESS_FIELD, APP_FIELDS, HUMAN_AGENT_FIELD

# Permission and what is missing without it, for people. The first two are indispensable.
# https://developers.facebook.com/docs/permissions
PERMISSIONS = {
    "pages_read_engagement": _("reading the page and its posts"),
    "pages_manage_engagement": _("answering, editing and deleting comments"),
    "pages_read_user_content": _("hearing comments, visitors' posts, mentions and reviews"),
    "pages_messaging": _("hearing and answering private messages"),
    "pages_manage_metadata": _("webhooks, so that what customers write arrives at once"),
    "pages_manage_posts": _("posting on the page"),
    "pages_show_list": _("listing your pages"),
}
INDISPENSABLE = ("pages_read_engagement", "pages_manage_engagement")

GUIDE = Guide(
    about=_(
        "Comments, visitors' posts, mentions and reviews of one Facebook page, and the page's private messages "
        "in Messenger."
    ),
    needs=(
        _("A Facebook page on which you have full control."),
        _("A Meta app of type Business. One app serves all your pages and Instagram accounts."),
        _("A verified business at Meta, once people without a role in your app are to be heard."),
    ),
    steps=(
        Step(
            text=_("Create an app of type Business, or open the one you have."),
            url="https://developers.facebook.com/apps",
        ),
        Step(
            text=_("Add the products Facebook Login for Business, Webhooks and Messenger to the app."),
            url="https://developers.facebook.com/docs/development/create-an-app",
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
                "Choose to log in with Facebook and pick your page; or make a page token yourself and paste it."
            ),
            url="https://developers.facebook.com/tools/explorer",
        ),
        Step(
            text=_(
                "When the channel is connected: under Webhooks choose Page, enter the channel's webhook address and your "
                "verify token, and subscribe to feed, mention, ratings, messages, message_echoes, message_edits, "
                "message_reactions, message_reads, message_deliveries and messaging_postbacks."
            ),
            url="https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
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
                "Only if you do not log in with Facebook. It must be the token of the page, not your own."
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
            "Private answers later than 24 hours after the person's last message, or 7 days with the Human Agent feature."
        ),
        _("More than one private reply to a comment, or one later than 7 days."),
        _("Searching Facebook for people who talk about you without naming the page."),
        _("Changing or taking back a private message."),
        _("Knowing who wrote, where a person's settings or a missing permission hide them."),
    ),
)
