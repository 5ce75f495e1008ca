"""``rapport users``: who works here, from the command line. The first owner is made with it."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from rapport.cli.runtime import CommandError, django_ready, print_json

if TYPE_CHECKING:
    from rapport.brands.models import Brand
    from rapport.staff.models import User

ROLES = ["admin", "lead", "agent", "viewer"]
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
brand_option = click.option("--brand", required=True, metavar="SLUG", help="Which brand.")


@click.group("users")
def command() -> None:
    """List, add and change the people who work here."""


@contextlib.contextmanager
def _ready() -> Iterator[None]:
    """Django, and what cannot be done as a sentence."""
    with django_ready():
        from rapport.lib.errors import ActionError

        try:
            yield
        except ActionError as error:
            raise CommandError(str(error)) from None


@command.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """Everybody, with their roles and teams."""
    with _ready():
        from rapport.staff.models import User

        users = [_facts(user) for user in User.objects.prefetch_related("memberships__brand", "teams__brand")]
    if as_json:
        print_json(users)
        return
    for user in users:
        click.echo(_line(user))
    if not users:
        click.echo("Nobody yet. Add the first: rapport users add you@example.com --name 'Your Name' --owner")


@command.command("add")
@click.argument("email")
@click.option("--name", help="As colleagues and customers see it. Asked for when missing.")
@click.option("--initials", default="", help="For signatures as ^MK; from the name when missing.")
@click.option("--owner", is_flag=True, help="Admin of every brand, now and later.")
@click.option("--role", type=click.Choice(ROLES), help="Role for --brand.")
@click.option("--brand", metavar="SLUG", help="Which brand --role is for.")
@stdin_option
@json_option
def add(
    email: str,
    name: str | None,
    initials: str,
    owner: bool,
    role: str | None,
    brand: str | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add a user. Without a terminal and --password-stdin a password is made and printed."""
    if (role is None) != (brand is None):
        raise click.UsageError("--role and --brand go together.")
    if name is None:
        name = click.prompt("Name") if sys.stdin.isatty() else email.split("@", 1)[0]
    password, made = _password(password_stdin)
    with _ready():
        from django.db import transaction

        from rapport.staff import actions
        from rapport.staff.models import Role

        with transaction.atomic():
            user = actions.add_user(
                actor_id=None, email=email, name=str(name), password=password, initials=initials, owner=owner
            )
            if role is not None and brand is not None:
                brand_id = _brand(brand).pk
                actions.set_role(actor_id=None, user_id=user.pk, brand_id=brand_id, role=Role(role))
        facts = _facts(user)
    if as_json:
        print_json({**facts, **({"password": password} if made else {})})
        return
    click.echo(f"Added {_line(facts)}")
    if made:
        click.echo(f"Password: {password}")
    if not owner and role is None:
        click.echo("They see nothing yet. Give a role: rapport users role EMAIL agent --brand SLUG")


@command.command("password")
@click.argument("email")
@stdin_option
@json_option
def password(email: str, password_stdin: bool, as_json: bool) -> None:
    """Give a user a new password; their sessions end."""
    new, made = _password(password_stdin)
    with _ready():
        from rapport.staff import actions

        user = actions.set_password(actor_id=None, user_id=_user(email).pk, password=new)
        facts = _facts(user)
    if as_json:
        print_json({**facts, **({"password": new} if made else {})})
        return
    click.echo(f"{user.email} has a new password." + (f" It is: {new}" if made else ""))


@command.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice([*ROLES, "none", "owner", "no-owner"]))
@click.option("--brand", metavar="SLUG", help="Which brand; not for owner.")
@json_option
def role(email: str, role: str, brand: str | None, as_json: bool) -> None:
    """Give a user a role for a brand, or take it away with none. owner: every brand."""
    if (brand is None) != (role in {"owner", "no-owner"}):
        raise click.UsageError("A role needs --brand SLUG; owner and no-owner are for every brand.")
    with _ready():
        from rapport.staff import actions
        from rapport.staff.models import Role

        user_id = _user(email).pk
        if brand is None:
            user = actions.set_owner(actor_id=None, user_id=user_id, owner=role == "owner")
        else:
            wanted = None if role == "none" else Role(role)
            user = actions.set_role(actor_id=None, user_id=user_id, brand_id=_brand(brand).pk, role=wanted)
        _show(user, as_json)


@command.command("deactivate")
@click.argument("email")
@click.option("--undo", is_flag=True, help="Let them in again.")
@json_option
def deactivate(email: str, undo: bool, as_json: bool) -> None:
    """Lock a user out at once. What they wrote stays theirs."""
    with _ready():
        from rapport.staff import actions

        _show(actions.set_active(actor_id=None, user_id=_user(email).pk, active=undo), as_json)


@command.command("team")
@click.argument("email")
@click.argument("team")
@brand_option
@click.option("--remove", is_flag=True, help="Take them out of the team.")
@json_option
def team(email: str, team: str, brand: str, remove: bool, as_json: bool) -> None:
    """Put a user in a brand's team; the team is made on first use."""
    with _ready():
        from rapport.staff import actions

        user = _user(email)
        actions.set_team(
            actor_id=None, user_id=user.pk, brand_id=_brand(brand).pk, team=team, member=not remove
        )
        _show(user, as_json)


def _user(email: str) -> User:
    from rapport.staff.models import User

    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise CommandError(f"There is no user {email}. See 'rapport users list'.")
    return user


def _brand(slug: str) -> Brand:
    from rapport.brands.models import Brand

    brand = Brand.objects.filter(slug=slug).first()
    if brand is None:
        known = ", ".join(Brand.objects.values_list("slug", flat=True)[:20]) or "there is none yet"
        raise CommandError(f"There is no brand {slug}. Brands: {known}.")
    return brand


def _password(from_stdin: bool) -> tuple[str, bool]:
    """The password to set, and whether it was made here. Never an argument: others can read those."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        return click.prompt("Password", hide_input=True, confirmation_prompt=True), False
    return secrets.token_urlsafe(12), True


def _show(user: User, as_json: bool) -> None:
    facts = _facts(user)
    if as_json:
        print_json(facts)
    else:
        click.echo(_line(facts))


def _facts(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "initials": user.initials,
        "active": user.is_active,
        "owner": user.is_superuser,
        "roles": {membership.brand.slug: membership.role for membership in user.memberships.all()},
        "teams": [f"{team.brand.slug}/{team.name}" for team in user.teams.all()],
    }


def _line(user: dict[str, Any]) -> str:
    parts = [f"{user['email']} ({user['name']}, ^{user['initials']})"]
    if not user["active"]:
        parts.append("deactivated")
    if user["owner"]:
        parts.append("owner")
    parts += [f"{role} of {slug}" for slug, role in user["roles"].items()]
    parts += [f"team {team}" for team in user["teams"]]
    return ", ".join(parts)
