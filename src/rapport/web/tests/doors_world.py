"""Two brands with one of everything each, people of every kind, and what the database holds at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Protocol

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from rapport.brands.models import Brand, Channel
from rapport.channels.models import PendingChannel, PendingStage
from rapport.contacts.models import Contact
from rapport.inbox.actions import add_tag
from rapport.inbox.models import Case, Message, Tag
from rapport.inbox.tests.making import case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.ingest.models import RawEvent, RawState
from rapport.media.actions import NewFile, keep
from rapport.mentions.models import Source
from rapport.networks.practice.models import Account, Post
from rapport.networks.webform.tokens import thread_token
from rapport.notices.models import Notice
from rapport.staff.actions.invitations import Invited, invite
from rapport.staff.models import Invitation, Role, Team, User

# Logged out, and logged in when the login was ended; then by what they are for the first brand. ``foreign`` is
# the other brand's admin, ``stranger`` has a login and no brand.
ACTORS = ("nobody", "ended", "stranger", "foreign", "viewer", "agent", "lead", "admin", "owner")
_BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass
class Site:
    """One brand's things. ``second`` is another case of the same person, ``else_case`` of somebody else."""

    brand: Brand
    channel: Channel
    form: Channel
    admin: User
    target: User
    message: Message
    later: Message
    own: Message
    case: Case
    second: Case
    else_case: Case
    tag: Tag
    team: Team
    invited: Invited
    file_id: int
    raw: RawEvent
    post: Post
    pending: PendingChannel
    notice: Notice

    @property
    def thread_token(self) -> str:
        return thread_token(f"{self.brand.slug}-thread")


@dataclass
class World:
    """``ours`` is where the actors have their roles; of ``theirs`` only ``foreign`` and ``owner`` know."""

    ours: Site
    theirs: Site
    people: dict[str, User]
    # Who → the key of their login's session: one login each, not one for each request.
    sessions: dict[str, str]

    def client(self, actor: str, *, csrf: bool = False) -> Client:
        """A browser as ``actor`` has it."""
        client = Client(enforce_csrf_checks=csrf, raise_request_exception=True)
        if actor != "nobody":
            client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[actor]
        return client


def make_world() -> World:
    """The whole of it, in the test's transaction."""
    people = {role.value: make_user(f"{role.label} Person") for role in Role}
    ours = _site("aerolux", people)
    people |= {"foreign": make_user("Fred"), "stranger": make_user("Stan"), "ended": make_user("Enda")}
    theirs = _site("bistro", {"admin": people["foreign"]})
    owner = make_user("Olga")
    User.objects.filter(id=owner.id).update(is_superuser=True)
    people["owner"] = User.objects.get(id=owner.id)
    User.objects.filter(id=people["ended"].id).update(is_active=False)
    Source.objects.create(
        kind="mastodon",
        name="m.example",
        options={"server": "https://m.example", "timeline": "local", "hashtags": []},
    )
    # What only says when somebody was here last is no change that a test looks for.
    User.objects.update(seen_at=timezone.now())
    Invitation.objects.update(renewed_at=timezone.now() - timedelta(hours=1))
    return World(ours, theirs, people, {actor: _logged_in(user) for actor, user in people.items()})


def _logged_in(user: User) -> str:
    client = Client()
    client.force_login(user, backend=_BACKEND)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _site(slug: str, people: dict[str, User]) -> Site:
    brand = make_brand(slug)
    for role, user in people.items():
        user.memberships.create(brand=brand, role=role)
    admin = people["admin"]
    channel = make_channel(brand, "practice")
    ana = make_contact(channel, f"Ana of {slug}")
    message = say(channel, ana, f"Where is my {slug} bag?")
    own = say(channel, None, f"We at {slug} look.", 5, to=message)
    later = say(channel, ana, f"Still no {slug} bag.", 9, to=own)
    second = case_of(say(channel, ana, f"And my {slug} seat?", 20))
    else_case = case_of(say(channel, make_contact(channel, f"Ben of {slug}"), f"A {slug} table?", 30))
    case = case_of(message)
    extra = make_contact(channel, f"Ana too of {slug}")
    alone = extra.contact_id
    extra.contact_id = ana.contact_id
    extra.save()
    Contact.objects.filter(id=alone).delete()
    (file_id,) = keep(brand_id=brand.id, files=[NewFile(f"{slug}.txt", b"words")])
    form = Channel.objects.create(
        brand=brand,
        network="webform",
        external_id=f"form:{slug}",
        handle=f"{slug} care",
        settings={"email": "required", "attachments": True, "sites": []},
    )
    author = Account.objects.create(handle=f"{slug}fan", name=f"{slug} fan")
    add_tag(actor=admin, case_id=case.id, name=f"{slug} tag")
    pending = PendingChannel.objects.create(
        brand=brand,
        network="webform",
        user=admin,
        session="of-nobody",
        stage=PendingStage.GRANTED,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    notice = Notice.objects.create(user=admin, key="door", brand=brand, kind="assigned", at=timezone.now())
    return Site(
        brand=brand,
        channel=channel,
        form=form,
        admin=admin,
        notice=notice,
        target=make_user(f"Tina of {slug}", brand=brand, role=Role.AGENT),
        message=message,
        later=later,
        own=own,
        case=Case.objects.get(id=case.id),
        second=second,
        else_case=else_case,
        tag=Tag.objects.get(brand=brand),
        team=Team.objects.create(brand=brand, name=f"Night of {slug}"),
        invited=invite(actor=admin, email=f"new@{slug}.example", brand_id=brand.id, role="agent"),
        file_id=file_id,
        raw=RawEvent.objects.create(
            channel=channel,
            kind="odd",
            dedupe_key=slug,
            payload={"of": slug},
            state=RawState.PARKED,
            error="No.",
        ),
        post=Post.objects.create(author=author, text=f"@nobody {slug}"),
        pending=pending,
    )


# Logins, wrong passwords and forms' pacing are counted whatever comes of a request.
_NOT_COMPARED = ("staff_session", "axes_%", "django_%", "webform_tries")


@cache
def _question() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
            "AND NOT relname LIKE ANY(%s) ORDER BY relname",
            [list(_NOT_COMPARED)],
        )
        names = [name for (name,) in cursor.fetchall()]
    return " UNION ALL ".join(
        f"SELECT '{name}', count(*), md5(coalesce(string_agg(h, '' ORDER BY h), '')) FROM "
        f"(SELECT md5((to_jsonb(t) - '{{seen_at,last_login}}'::text[])::text) h FROM {name} t) one"
        for name in names
    )


class Changes(Protocol):
    """What is in the database, made at a moment; ``since`` names the tables that are not as they were then."""

    def since(self) -> list[str]: ...


class Contents:
    """Every table's number of rows and a sum over what is in them."""

    def __init__(self) -> None:
        self._before = self._now()

    def since(self) -> list[str]:
        return sorted(name for name, now in self._now().items() if self._before[name] != now)

    @staticmethod
    def _now() -> dict[str, tuple[int, str]]:
        with connection.cursor() as cursor:
            cursor.execute(_question())
            return {name: (count, digest) for name, count, digest in cursor.fetchall()}


class Writes:
    """How many rows this transaction has written so far, also what was taken back: quick, and never too few."""

    def __init__(self) -> None:
        self._before = self._now()

    def since(self) -> list[str]:
        return sorted(name for name, now in self._now().items() if self._before.get(name, 0) != now)

    @staticmethod
    def _now() -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables "
                "WHERE schemaname = 'public' AND NOT relname LIKE ANY(%s)",
                [list(_NOT_COMPARED)],
            )
            return dict(cursor.fetchall())
