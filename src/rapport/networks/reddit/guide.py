"""What the connecting page says about Reddit.

Rules as of November 2025: https://support.reddithelp.com/hc/en-us/articles/42728983564564-Responsible-Builder-Policy
"""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Budget, Field, Guide, Step

# 100 calls a minute for each app, counted over ten minutes, whatever they do:
# https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki
BUDGETS = (
    Budget(name="read", calls=900, per=timedelta(minutes=10)),
    Budget(name="write", calls=100, per=timedelta(minutes=10)),
)

GUIDE = Guide(
    about=_(
        "One account on Reddit: mentions, answers and private messages come in, what is said in your communities "
        "and what searches find, and modmail where the account moderates. Answers go out in the account's name."
    ),
    needs=(
        _("The name and password of the brand's account on Reddit, with a confirmed e-mail address."),
        _("Reddit's approval for using its API, which it asks of everybody since November 2025."),
    ),
    steps=(
        Step(
            text=_(
                "Ask Reddit for access and say what it is for: answering customers. For a company that is a "
                "commercial use, which needs a contract."
            ),
            url="https://support.reddithelp.com/hc/en-us/articles/42728983564564-Responsible-Builder-Policy",
        ),
        Step(
            text=_(
                "Log in to Reddit with the brand's account, open its apps, and create one of the kind web app. As "
                "redirect address, paste the one that this page shows."
            ),
            url="https://www.reddit.com/prefs/apps",
        ),
        Step(text=_("Copy the id, which stands under the app's name, and the secret into the fields below.")),
        Step(text=_("Continue to Reddit and allow the app what it asks for.")),
    ),
    fields=(
        Field(
            name="username", label=_("Account"), placeholder="alvara_help",
            help=_("The account's name without u/. Reddit wants to see it in every call."),
        ),
        Field(name="client_id", label=_("The app's id"), help=_("Some twenty characters under the app's name.")),
        Field(name="client_secret", label=_("The app's secret"), kind="secret", required=False),
        Field(
            name="communities", label=_("Your communities"), kind="lines", required=False, placeholder="r/alvara",
            help=_("Everything that is posted and commented there is heard. One a line."),
        ),
        Field(
            name="listen", label=_("Searches"), kind="lines", required=False,
            help=_("Posts that mention these words are found; Reddit does not search comments. One search a line."),
        ),
        Field(
            name="search_in", label=_("Search only in"), kind="lines", required=False, placeholder="r/travel",
            help=_("Communities, one a line. Empty: everywhere."),
        ),
        Field(
            name="modmail", label=_("Read modmail"), kind="switch", required=False, default=False,
            help=_("Only where the account is a moderator."),
        ),
        Field(
            name="modmail_as_community", label=_("Answer modmail in the community's name"), kind="switch",
            required=False, default=False,
        ),
        Field(
            name="threads", label=_("Read what people say to each other under our posts"), kind="switch",
            required=False, default=False,
        ),
        Field(
            name="post_to", label=_("Community for our own posts"), required=False, placeholder="r/alvara",
        ),
        Field(
            name="subject", label=_("Subject of a first private message"), required=False,
        ),
        Field(
            name="recheck_minutes", label=_("Minutes between checks for changed comments"), kind="number",
            required=False, default=30,
            help=_("Reddit tells nobody that a comment was edited or deleted; it is looked up again for two days."),
        ),
        Field(
            name="refresh_token", label=_("Refresh token"), kind="secret", required=False,
            help=_("Leave it empty and log in through Reddit. Only if you have one already."),
        ),
        Field(name="access_token", label=_("Access token"), kind="secret", required=False),
        Field(
            name="api_url", label=_("Address of the API"), kind="url", required=False,
            placeholder="https://oauth.reddit.com", help=_("Leave it empty."),
        ),
    ),
    oauth=True,
    oauth_optional=True,
    costs=_(
        "Free for uses that are not commercial, up to 100 calls a minute. For commercial use Reddit makes contracts; "
        "the price it named in 2023 was 0.24 US dollars for a thousand calls."
    ),
    cannot=(
        _("Answers carry no files. Private messages cannot be edited or taken back."),
        _("Comments of strangers that do not mention the account are heard only in your own communities."),
        _("Since 2025 private messages arrive as chats; Reddit keeps the old way of sending and reading them open."),
        _("New accounts must rest for minutes between answers, and many communities forbid brands to post."),
        _("Reddit does not tell who voted."),
        _("The profile can be read, not changed."),
    ),
)  # fmt: skip
