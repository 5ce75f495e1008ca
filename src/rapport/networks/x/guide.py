"""What the connecting page says about X, and what its plans allow.

Prices and limits as of 22 August 2026: https://docs.x.com/x-api/getting-started/pricing,
https://docs.x.com/x-api/fundamentals/rate-limits, https://docs.x.com/changelog
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Budget, Field, Guide, Step

_QUARTER, _DAY = timedelta(minutes=15), timedelta(days=1)

# Calls one account may make, by plan. X limits each endpoint; these are of the two that count most:
# reading mentions, and posting. Headers of the answers correct them. Basic and Pro are no longer sold (since
# 6 February 2026) and keep the limits they were sold with:
# https://developer.x.com/en/docs/twitter-api/rate-limits
BUDGETS: Mapping[str, tuple[Budget, ...]] = {
    "pay_per_use": (
        Budget(name="read", calls=300, per=_QUARTER),
        Budget(name="write", calls=100, per=_QUARTER),
    ),
    "basic": (Budget(name="read", calls=10, per=_QUARTER), Budget(name="write", calls=100, per=_DAY)),
    "pro": (Budget(name="read", calls=300, per=_QUARTER), Budget(name="write", calls=100, per=_QUARTER)),
    "enterprise": (
        Budget(name="read", calls=300, per=_QUARTER),
        Budget(name="write", calls=100, per=_QUARTER),
    ),
}
DEFAULT_TIER = "pay_per_use"

GUIDE = Guide(
    about=_(
        "One account on X: mentions, answers, quotes and private messages come in, answers and private "
        "messages go out in the account's name. X charges for it."
    ),
    needs=(
        _("The password of the brand's account on X, or a colleague who is logged in to it."),
        _("A developer account on X with some credit: 10 US dollars are enough to try."),
    ),
    steps=(
        Step(text=_("Log in to X's developer console with the brand's account."), url="https://console.x.com"),
        Step(text=_("Create an app. Its name is shown to nobody but you."), url="https://console.x.com"),
        Step(
            text=_(
                "Open the app's user authentication settings. Choose read, write and direct messages; the "
                "type is web app. As callback address, paste the one that this page shows."
            ),
            url="https://docs.x.com/fundamentals/developer-apps",
        ),
        Step(text=_("Copy the Client ID and the Client Secret of OAuth 2.0 into the fields below.")),
        Step(
            text=_("Buy credits, and set a spending limit there."),
            url="https://docs.x.com/x-api/getting-started/pricing",
        ),
        Step(text=_("Continue to X, check that the brand's account is logged in, and let the app in.")),
        Step(
            text=_(
                "For pushed events, register the webhook address that the channel's page shows once it is "
                "connected. Each app has an address of its own: that of any one of its channels."
            ),
            url="https://docs.x.com/x-api/webhooks/quickstart",
        ),
    ),
    fields=(
        Field(name="client_id", label=_("Client ID"), help=_("From the app's keys and tokens, OAuth 2.0.")),
        Field(
            name="client_secret", label=_("Client Secret"), kind="secret", required=False,
            help=_("Beside the Client ID. X shows it once."),
        ),
        Field(
            name="tier", label=_("Plan on X"), kind="choice", required=False, default=DEFAULT_TIER,
            choices=(
                ("pay_per_use", _("Pay per use")),
                ("basic", _("Basic (no longer sold)")),
                ("pro", _("Pro (no longer sold)")),
                ("enterprise", _("Enterprise")),
            ),
            help=_("Decides how many calls Rapport makes."),
        ),
        Field(
            name="messages", label=_("Read private messages"), kind="switch", required=False, default=True,
            help=_("One cent for each message on pay per use."),
        ),
        Field(
            name="quotes", label=_("Find posts that quote ours"), kind="switch", required=False, default=True,
            help=_("Half a cent for each quote on pay per use."),
        ),
        Field(
            name="listen", label=_("Searches"), kind="lines", required=False,
            help=_(
                "One search a line, as X writes them, for posts that do not name the account: "
                '"alvara air" -is:retweet lang:en. Half a cent for each post found.'
            ),
        ),
        Field(
            name="threads", label=_("Fetch whole conversations"), kind="switch", required=False, default=False,
            help=_("The other answers in a conversation, to read along. Half a cent for each."),
        ),
        Field(
            name="recheck_minutes", label=_("Minutes between checks for deleted posts"), kind="number",
            required=False, default=60,
            help=_("X tells nobody that a customer deleted or changed a post; it is looked up again for two days."),
        ),
        Field(
            name="consumer_secret", label=_("API Key Secret"), kind="secret", required=False,
            help=_("Only for webhooks: X signs them with it."),
        ),
        Field(
            name="bearer_token", label=_("Bearer token"), kind="secret", required=False,
            help=_("Only for the live stream of mentions and searches: the app's own token."),
        ),
        Field(
            name="access_token", label=_("Access token"), kind="secret", required=False,
            help=_("Leave it empty and log in through X. Only if you made a token yourself."),
        ),
        Field(
            name="refresh_token", label=_("Refresh token"), kind="secret", required=False,
            help=_("Belongs to the access token, which ends after two hours."),
        ),
        Field(
            name="api_url", label=_("Address of the API"), kind="url", required=False,
            placeholder="https://api.x.com",
            help=_("Leave it empty, unless X gave you another one or you try out X's playground."),
        ),
    ),
    oauth=True,
    oauth_optional=True,
    costs=_(
        "Pay per use, in US dollars, as of August 2026: 0.001 for each of your own mentions and posts that is "
        "read, 0.005 for other posts, 0.01 for a private message or a person looked up; 0.015 for a post, "
        "0.01 for an answer to somebody who mentioned you, 0.20 for a post with a link, 0.015 for a private "
        "message sent. The same thing read twice on one day is charged once. At most 3 million posts a month."
    ),
    cannot=(
        _(
            "Since 23 February 2026 apps may answer only posts that mention the account or quote it. Others "
            "must be answered on x.com. Enterprise contracts are free of this."
        ),
        _("Posts that quote another one need an Enterprise contract."),
        _("Answers cannot be edited afterwards, only deleted. Private messages cannot be taken back."),
        _("X does not tell who deleted a post; Rapport looks again for two days."),
        _("The profile can be read, not changed. Encrypted chats (XChat) cannot be read."),
        _("People may refuse private messages from accounts they do not follow."),
    ),
)  # fmt: skip
