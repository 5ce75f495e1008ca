"""What Bluesky allows, and how a channel is connected: data for the composer, the guided page and the docs."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import (
    Budget,
    Capabilities,
    Elsewhere,
    Field,
    Guide,
    Hears,
    MediaRules,
    Step,
    Tested,
)
from rapport.networks.bluesky import chat, images, posting, profiles

CAPABILITIES = Capabilities(
    max_length=posting.MAX_GRAPHEMES,
    max_length_private=chat.MAX_GRAPHEMES,
    counts="graphemes: what a person sees as one character, of 10 bytes on average at most",
    hears=frozenset({Hears.MENTIONS, Hears.COMMENTS, Hears.PRIVATE, Hears.LISTEN}),
    public_reply=True,
    private_reply=True,
    private_reply_to_public=True,
    threads=True,
    answers_elsewhere=Elsewhere.NETWORK,
    edit=True,
    delete=True,
    poll=True,
    stream=True,
    history=True,
    media=MediaRules(
        max_count=images.MAX_IMAGES,
        max_bytes={"image": images.MAX_IMAGE_BYTES},
        content_types=("image/jpeg", "image/png", "image/webp", "image/gif"),
        alt_text=True,
    ),
    # https://docs.bsky.app/docs/advanced-guides/rate-limits: 5,000 points an hour and 35,000 a day for
    # writing, of which a post takes two here; calls are counted by address, and 3,000 fit in five minutes.
    budgets=(
        Budget(name="read", calls=3000, per=timedelta(minutes=5)),
        Budget(name="write", calls=2500, per=timedelta(hours=1)),
        Budget(name="write", calls=17_500, per=timedelta(days=1)),
    ),
    profile=True,
    profile_writes=frozenset({"name", "bio", "link"}),
    max_bio_length=profiles.MAX_BIO,
    tested=Tested.SERVER,
    facts={
        "edit": "Posts cannot be changed. Rapport deletes and posts anew, only while nobody has reacted.",
        "private": "Direct messages need an app password that allows them, carry no files, and cannot be "
        "taken back for the other person.",
        "stream": "Optional: Jetstream carries every post of the network; polling needs far less.",
    },
)

GUIDE = Guide(
    about=_("Mentions, replies, quotes and direct messages of one Bluesky account."),
    needs=(
        _("The account's handle, such as brand.bsky.social or brand.example."),
        _("Somebody who can log in to the account, for one minute."),
    ),
    steps=(
        Step(
            text=_("Log in as the brand's account and open Settings, Privacy and security, App passwords."),
            url="https://bsky.app/settings/app-passwords",
        ),
        Step(
            text=_(
                "Add an app password, call it Rapport, and tick “Allow access to your direct messages” if "
                "agents shall answer those."
            ),
            url="https://bsky.app/settings/app-passwords",
        ),
        Step(text=_("Copy the password, which looks like abcd-efgh-ijkl-mnop, and paste it here.")),
        Step(
            text=_(
                "To let people write to the account first, open Chat settings and allow messages from everyone."
            ),
            url="https://bsky.app/messages/settings",
        ),
    ),
    fields=(
        Field(
            name="identifier",
            label=_("Handle"),
            help=_("Without the @ sign."),
            placeholder="brand.bsky.social",
        ),
        Field(
            name="app_password",
            label=_("App password"),
            help=_("Not the account's own password. It can be revoked on Bluesky at any time."),
            kind="secret",
            placeholder="xxxx-xxxx-xxxx-xxxx",
        ),
        Field(
            name="service",
            label=_("Server"),
            help=_("Leave it as it is unless the account lives on a server of your own."),
            kind="url",
            required=False,
            default="https://bsky.social",
        ),
        Field(
            name="jetstream",
            label=_("Jetstream address"),
            help=_(
                "Optional. Hears within a second, and reads every post of the network for it: gigabytes a day."
            ),
            required=False,
            placeholder="wss://jetstream2.us-east.bsky.network/subscribe",
        ),
    ),
    oauth_optional=True,
    costs=_("Bluesky charges nothing."),
    cannot=(
        _("Changing a post: it is deleted and posted anew, and only while nobody has reacted to it."),
        _("Videos: Rapport shows those of customers and sends pictures."),
        _("Files in direct messages."),
        _("Writing first to people who take direct messages only from accounts they follow."),
    ),
)
