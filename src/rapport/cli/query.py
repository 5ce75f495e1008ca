"""``rapport query``: write, translate and try listening queries. Needs no database and nothing set up."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from rapport.cli.runtime import CommandError, print_json
from rapport.lib.text import storable

if TYPE_CHECKING:
    from rapport.listening.explain import Sentence
    from rapport.listening.parse import Parsed
    from rapport.listening.post import Post
    from rapport.listening.problems import Problem
    from rapport.listening.query import Query
    from rapport.listening.reference import Hit

_BAD_LINES_NAMED = 10
# A query may begin with a minus: what is no option is an argument.
_MINUS = {"ignore_unknown_options": True}


class Trouble(CommandError):
    """Exit code 2, as grep has it: 1 says that nothing matched."""

    exit_code = 2


@click.group("query")
def command() -> None:
    """Write, translate and try listening queries.

    The language is described in docs/how-to/listen.md. Nothing here needs a database.
    """
    from django.conf import settings as django_settings

    # Nothing is read or written: this works before anything is installed or set.
    if not django_settings.configured:
        django_settings.configure(USE_I18N=False)


@command.command("check", context_settings=_MINUS)
@click.argument("query")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(query: str, as_json: bool) -> None:
    """Say what is wrong with QUERY and where, or what it looks for.

    QUERY may be - to read it from standard input. Exit code 1 when it has an error.
    """
    from rapport.listening.parse import read

    parsed = read(_given(query))
    if as_json:
        print_json(_parsed_json(parsed))
    else:
        _tell(parsed)
    if parsed.query is None:
        sys.exit(1)


@command.command("convert", context_settings=_MINUS)
@click.argument("query")
@click.option(
    "--from",
    "dialect",
    type=click.Choice(["brandwatch", "meltwater", "sprinklr", "x"]),
    required=True,
    help="Whose language QUERY is in.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def convert(query: str, dialect: str, as_json: bool) -> None:
    """Translate QUERY from another tool's language.

    The result goes to standard output; what has no counterpart here is left out and named on standard error.
    QUERY may be - to read it from standard input. Exit code 1 when the result still has an error.
    """
    from rapport.listening.dialects import Dialect
    from rapport.listening.dialects import convert as converted_from

    converted = converted_from(_given(query), Dialect(dialect))
    if as_json:
        lost = [{"text": one.text, "start": one.start, "reason": str(one.reason)} for one in converted.lost]
        print_json({"converted": converted.query, "left_out": lost, **_parsed_json(converted.parsed)})
    else:
        click.echo(converted.query)
        for one in converted.lost:
            click.echo(f"Left out: {one.text} (column {one.start + 1}). {one.reason}", err=True)
        for problem in converted.parsed.problems:
            click.echo(_problem_text(problem, converted.query), err=True)
    if converted.parsed.query is None:
        sys.exit(1)


@command.command("match", context_settings=_MINUS)
@click.argument("file", type=click.Path())
@click.argument("query")
@click.option("--json", "as_json", is_flag=True, help='Print {"id": …, "why": …} for each, one a line.')
def match(file: str, query: str, as_json: bool) -> None:
    """Print the posts in FILE that match QUERY. FILE may be - for standard input.

    FILE has a JSON object a line with id and text, and what else is known: title, author, author_name, to,
    created_at, lang, network, channel, url, country, mentions, tags, links, media, is_reply, is_repost, is_quote,
    is_verified, followers, likes, reposts, replies. Or it is CSV with such columns, or those of twcs. What is not
    given is not known, and a field of the query that asks for it decides nothing, not even with a minus.

    Exit code 0 when a post matched, 1 when none did, 2 when the query or the file cannot be used. Lines that are
    no post are passed over and named on standard error.
    """
    from rapport.listening.parse import read

    query = storable(query)
    parsed = read(query)
    for problem in parsed.problems:
        if problem.severity != "note":
            click.echo(_problem_text(problem, query), err=True)
    if parsed.query is None:
        sys.exit(Trouble.exit_code)
    tally: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    with _opened(file) as opened:
        for post, why in _matching(_posts(opened, tally), parsed.query, unknown):
            tally["matched"] += 1
            click.echo(_match_json(post, why) if as_json else _match_line(post, why))
    _tell_tally(file, tally, unknown)
    if not tally["matched"]:
        sys.exit(Trouble.exit_code if tally["bad"] and not tally["posts"] else 1)


def _given(query: str) -> str:
    """The query itself, or what is on standard input."""
    if query != "-":
        return storable(query)
    text = sys.stdin.buffer.read(1_000_000).decode("utf-8", "replace")
    return storable(text.removeprefix("\ufeff").rstrip("\r\n"))


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with open(file, "rb") as opened:
            yield opened
    except OSError as error:
        if error.filename != file and not isinstance(error, IsADirectoryError):
            raise
        raise Trouble(f"{file} cannot be read: {error.strerror or error}.") from None


def _posts(opened: BinaryIO, tally: Counter[str]) -> Iterator[Post]:
    from rapport.cli.query_posts import BadLine, posts

    for post in posts(opened):
        if isinstance(post, BadLine):
            tally["bad"] += 1
            if tally["bad"] <= _BAD_LINES_NAMED:
                click.echo(f"Line {post.number}: {post.reason}", err=True)
            continue
        tally["posts"] += 1
        yield post


def _matching(
    posts: Iterable[Post], query: Query, unknown: Counter[str]
) -> Iterator[tuple[Post, tuple[Hit, ...]]]:
    """The posts that match, each as soon as it was read; in ``unknown`` which fields left how many others open."""
    from rapport.listening.matcher import Matcher
    from rapport.listening.query import Query as Asked
    from rapport.listening.reference import evaluate
    from rapport.listening.tree import has_fields, without_fields

    matcher = Matcher({0: query})
    asks_fields = has_fields(query.root)
    could = without_fields(query.root) if asks_fields else None
    # What does not have the words cannot be left open by a field.
    may = Matcher({0: Asked(could)}) if could is not None else None
    for post in posts:
        matches = matcher.match(post)
        if matches:
            yield post, matches[0].why()
        elif asks_fields and (may is None or may.match(post)):
            unknown.update(evaluate(query, post).unknown)


def _tell_tally(file: str, tally: Counter[str], unknown: Counter[str]) -> None:
    if tally["bad"] > _BAD_LINES_NAMED:
        click.echo(f"… and {tally['bad'] - _BAD_LINES_NAMED:,} more lines.", err=True)
    if tally["bad"]:
        click.echo(f"{tally['bad']:,} of {tally['bad'] + tally['posts']:,} lines are no posts.", err=True)
        if not tally["posts"]:
            click.echo(
                f"{file} has no post: JSON lines with id and text are expected, or CSV with columns id and text.",
                err=True,
            )
    for name, count in sorted(unknown.items()):
        click.echo(
            f"{count:,} posts may match or not: what “{name}:” asks for is not known of them.", err=True
        )


def _match_json(post: Post, why: Iterable[Hit]) -> str:
    from rapport.listening.show import show_node

    hits = [
        {
            "term": show_node(hit.leaf),
            "in": hit.where,
            **({"start": hit.start, "end": hit.end, "found": _original(post, hit)} if hit.end else {}),
        }
        for hit in why
    ]
    return json.dumps({"id": post.id, "why": hits}, ensure_ascii=False)


def _original(post: Post, hit: Hit) -> str:
    text = post.title if hit.where == "title" else post.text
    return (text or "")[hit.start : hit.end]


def _match_line(post: Post, why: Iterable[Hit]) -> str:
    """Id and text in one line; on a terminal what was found stands out."""
    shown, at = "", 0
    for start, end in _apart(sorted((hit.start, hit.end) for hit in why if hit.where == "text" and hit.end)):
        shown += _printable(post.text[at:start]) + click.style(_printable(post.text[start:end]), bold=True)
        at = end
    title = f"{_printable(post.title)}: " if post.title else ""
    return f"{post.id}\t{title}{shown}{_printable(post.text[at:])}"


def _apart(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans that overlap or touch as one."""
    reached = -1
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= reached:
            joined[-1] = (joined[-1][0], max(reached, end))
        else:
            joined.append((start, end))
        reached = joined[-1][1]
    yield from joined


def _printable(text: str) -> str:
    """A text on one line, without what would steer a terminal."""
    return "".join(char if char.isprintable() or char in "\u200d\ufe0f" else " " for char in text)


def _problem_text(problem: Problem, source: str) -> str:
    return f"{problem.severity.value}: {problem.told(source)}"


def _tell(parsed: Parsed) -> None:
    from rapport.listening.explain import in_words
    from rapport.listening.show import show

    for problem in parsed.problems:
        click.echo(_problem_text(problem, parsed.source) + "\n", err=True)
    if parsed.query is not None:
        click.echo("\n".join([show(parsed.query), "", *in_words(parsed.query).lines()]))


def _parsed_json(parsed: Parsed) -> dict[str, Any]:
    from rapport.listening.explain import in_words
    from rapport.listening.show import show

    problems = []
    for one in parsed.problems:
        line, column = one.where(parsed.source)
        place = {"line": line, "column": column, "start": one.span[0], "end": one.span[1]}
        problems.append({"severity": one.severity.value, "message": one.message, **place})
    if parsed.query is None:
        return {"query": None, "problems": problems}
    return {"query": show(parsed.query), "problems": problems, "words": _words_json(in_words(parsed.query))}


def _words_json(sentence: Sentence) -> dict[str, Any]:
    return {"words": sentence.words, "parts": [_words_json(part) for part in sentence.parts]}
