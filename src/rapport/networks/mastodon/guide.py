"""How a channel on Mastodon is connected: the page an admin reads and fills in."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Field, Guide, Step

GUIDE = Guide(
    about=_(
        "Mentions, private messages, hashtags and replies on Mastodon and on servers that speak its language, "
        "such as GoToSocial, Takahē, Pleroma and Akkoma."
    ),
    needs=(
        _("An account for your brand on a server whose rules allow companies."),
        _("To be logged in to that account in this browser, or an access token made by whoever is."),
    ),
    steps=(
        Step(
            text=_(
                "Type the address of your server, for example mastodon.social, and choose to log in there."
            )
        ),
        Step(
            text=_(
                "Your server asks whether Rapport may read and post for the account. Say yes; that is all."
            )
        ),
        Step(
            text=_(
                "Without the login: on your server open Preferences, Development, New application. Give it a name "
                "and the rights read, write:statuses, write:media and write:accounts (on Takahē: read and write), "
                "save, open it, and copy “Your access token” into the form."
            ),
            url="https://docs.joinmastodon.org/client/token/",
        ),
        Step(
            text=_(
                "On GoToSocial applications are made under Settings, User, Applications; on Takahē only the login "
                "gives a token."
            ),
            url="https://docs.gotosocial.org/en/latest/api/authentication/",
        ),
    ),
    fields=(
        Field(
            name="server",
            label=_("Server"),
            help=_("The part of your handle after the last @."),
            placeholder="mastodon.example",
        ),
        Field(
            name="token",
            label=_("Access token"),
            help=_("Only if you do not log in there. It is kept encrypted and not shown again."),
            kind="secret",
            required=False,
        ),
        Field(
            name="hashtags",
            label=_("Hashtags to listen to"),
            help=_("One per line. Everything public under them that your server knows of is heard."),
            kind="lines",
            required=False,
        ),
        Field(
            name="timeline",
            label=_("Public timeline to listen to"),
            help=_("Every public post there is heard. Only for small servers, or your own."),
            kind="choice",
            required=False,
            default="",
            choices=(
                ("", _("None")),
                ("local", _("People of this server")),
                ("federated", _("Everything this server knows of")),
            ),
        ),
    ),
    oauth=True,
    oauth_optional=True,
    costs=_("Nothing. Many servers live on donations."),
    cannot=(
        _("A reply reaches a person only if it names them: their handle is put in front and counts as text."),
        _("A private message can be read by everybody it names, and by the operators of both servers."),
        _("No server knows of all posts: a hashtag brings what your server has heard of."),
        _("There are no opening hours in a profile."),
    ),
)
