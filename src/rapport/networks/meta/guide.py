"""What the connecting pages of Meta's networks ask alike."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Field
from rapport.networks.meta.graph import GRAPH_URL

APP_FIELDS = (
    Field(
        name="app_id",
        label=_("App ID"),
        help=_("The number at the top of your app's dashboard at Meta."),
        placeholder="1234567890123456",
    ),
    Field(
        name="app_secret",
        label=_("App secret"),
        kind="secret",
        help=_(
            "App settings, Basic, App secret, Show. It signs our calls and proves that webhooks are Meta's."
        ),
    ),
    Field(
        name="verify_token",
        label=_("Verify token"),
        kind="secret",
        required=False,
        help=_("Any words of your own. You type the same ones where Meta asks for the webhook's address."),
    ),
)
HUMAN_AGENT_FIELD = Field(
    name="human_agent",
    label=_("The app has the Human Agent feature"),
    kind="switch",
    required=False,
    default=False,
    help=_(
        "With it people may answer private messages for 7 days instead of 24 hours. Meta grants it by app review."
    ),
)
ADDRESS_FIELD = Field(
    name="graph_url",
    label=_("Address of the Graph API"),
    kind="url",
    required=False,
    default=GRAPH_URL,
    help=_("Leave it as it is, unless your calls to Meta go through a gateway of your own."),
)
