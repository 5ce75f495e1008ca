"""Posts of ours: made once whatever happens, found again, corrected by posting anew, deleted.

A post's record key follows from the outgoing's key, and it is put with ``swapRecord: null``, which the
server refuses where a record already is. So a second try can never make a second post.
https://docs.bsky.app/docs/api/com-atproto-repo-put-record
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMessage, Sent
from rapport.networks.bluesky import richtext
from rapport.networks.bluesky.images import images_embed
from rapport.networks.bluesky.reading import items, text_or_empty, within_or_empty
from rapport.networks.bluesky.recordkeys import (
    POST,
    derived_tid,
    split_uri,
    tid_time,
    uri_of,
    web_address,
)
from rapport.networks.bluesky.xrpc import Named, Pds
from rapport.networks.errors import Refused, TryAgain

MAX_GRAPHEMES = 300
MAX_BYTES = 3000
_MOST_NAMES = 20  # handles looked up for one post
_KEYS = 4  # record keys tried, should two posts' keys meet


def send(pds: Pds, message: OutgoingMessage) -> Sent:
    """Post it, or find that an earlier try did."""
    check_length(message.text, MAX_GRAPHEMES, MAX_BYTES)
    record: dict[str, Any] = {
        "$type": POST,
        "text": message.text,
        "createdAt": _now(),
        "facets": facets_for(pds, message.text),
    }
    if message.parent_id is not None:
        record["reply"] = _reply_to(pds, message.parent_id)
    if message.lang:
        record["langs"] = [message.lang]
    if message.media:
        record["embed"] = images_embed(pds, message.media)
    for rkey in _keys(message.idempotency_key, message.created_at):
        if _put_new(pds, rkey, record):
            return _sent(pds.did, rkey, record)
        if (found := _found(pds, rkey)) is not None and _is(found, message.text, message.parent_id):
            return _sent(pds.did, rkey, found)
    raise Refused(_("Bluesky has other posts under every key for this one."))


def find_sent(pds: Pds, message: OutgoingMessage) -> Sent | None:
    """Whether an earlier try posted it."""
    for rkey in _keys(message.idempotency_key, message.created_at):
        found = _found(pds, rkey)
        if found is None:
            return None
        if _is(found, message.text, message.parent_id):
            return _sent(pds.did, rkey, found)
    return None


def repost_corrected(pds: Pds, uri: str, text: str) -> Sent:
    """Correct a post by posting it anew and deleting it, which only does while nobody reacted to it.

    Bluesky has no way to change a post: the AppView keeps showing what it saw first. Repeating a
    correction ends at the same new post.
    """
    check_length(text, MAX_GRAPHEMES, MAX_BYTES)
    rkey = _own(pds, uri)
    correction = derived_tid(f"{uri}\0{text}", tid_time(rkey) or datetime.now(UTC))
    old = _found(pds, rkey)
    if old is None:
        if (new := _found(pds, correction)) is not None:
            return _sent(pds.did, correction, new)
        raise Refused(_("This post does not exist any more."))
    if _reactions(pds, uri):
        raise Refused(
            _(
                "Somebody has answered, liked or passed on this post already. Post a correction as a reply instead."
            )
        )
    record = {**old, "text": text, "facets": facets_for(pds, text), "createdAt": _now()}
    _put_new(pds, correction, record)
    delete(pds, uri)
    return _sent(pds.did, correction, record)


def delete(pds: Pds, uri: str) -> None:
    """Take a post of ours away; one that is gone already is no error."""
    pds.post("com.atproto.repo.deleteRecord", {"repo": pds.did, "collection": POST, "rkey": _own(pds, uri)})


def facets_for(pds: Pds, text: str) -> list[dict[str, Any]]:
    """Links, hashtags, and mentions of handles that exist."""
    known: dict[str, str | None] = {}

    def did_of(handle: str) -> str | None:
        if handle not in known and len(known) < _MOST_NAMES:
            try:
                found = pds.get("com.atproto.identity.resolveHandle", {"handle": handle})
                known[handle] = text_or_empty(found, "did", 200) or None
            except Refused:  # nobody has it: it stays text
                known[handle] = None
        return known.get(handle)

    return richtext.facets_of(text, did_of)


def length(text: str) -> int:
    """How long a post is, over :data:`MAX_GRAPHEMES` whenever it is refused."""
    return counted(text, MAX_GRAPHEMES, MAX_BYTES)


def counted(text: str, graphemes: int, octets: int) -> int:
    """Graphemes. A text with too many bytes for so few (family emoji, stacked accents) counts by its bytes, as
    many for each as the two limits have: so it is over the limit, too."""
    found, size = richtext.graphemes(text), len(text.encode("utf-8", "surrogatepass"))
    return found if size <= octets else max(found, -(-size * graphemes // octets))


def check_length(text: str, graphemes: int, octets: int) -> None:
    """Raises Refused for a text the network would refuse."""
    if (length := richtext.graphemes(text)) > graphemes:
        raise Refused(
            _("The text has %(length)d characters; Bluesky takes %(limit)d.")
            % {"length": length, "limit": graphemes}
        )
    if len(text.encode()) > octets:
        raise Refused(_("The text takes more than %(limit)d bytes.") % {"limit": octets})


def _keys(key: str, at: datetime) -> Iterator[str]:
    """The record keys for one outgoing, in the order to try them: always the first, hardly ever another."""
    for number in range(_KEYS):
        yield derived_tid(f"{key}/{number}" if number else key, at)


def _put_new(pds: Pds, rkey: str, record: Mapping[str, Any]) -> bool:
    """Make the record; False when there is one under that key."""
    try:
        pds.post(
            "com.atproto.repo.putRecord",
            {"repo": pds.did, "collection": POST, "rkey": rkey, "record": record, "swapRecord": None},
        )
    except Named as error:
        if error.name != "InvalidSwap":
            raise
        return False
    return True


def _found(pds: Pds, rkey: str) -> Mapping[str, Any] | None:
    try:
        answer = pds.get("com.atproto.repo.getRecord", {"repo": pds.did, "collection": POST, "rkey": rkey})
    except Named as error:
        if error.name != "RecordNotFound":
            raise
        return None
    return within_or_empty(answer, "value")


def _is(record: Mapping[str, Any], text: str, parent_id: str | None) -> bool:
    parent = within_or_empty(within_or_empty(record, "reply"), "parent").get("uri")
    return record.get("text") == text and parent == parent_id


def _reply_to(pds: Pds, uri: str) -> dict[str, Any]:
    """References to the post it answers and to the first one of that thread."""
    try:
        author, collection, rkey = split_uri(uri)
    except ValueError as error:
        raise Refused(_("This is not a public post on Bluesky.")) from error
    view = _view(pds, uri)
    if view is not None:
        if within_or_empty(view, "viewer").get("replyDisabled") is True:
            raise Refused(_("The author has switched off replies to this post."))
        found, record = view, within_or_empty(view, "record")
    elif author == pds.did:
        # Our own newest posts may not have reached the AppView yet.
        try:
            found = pds.get(
                "com.atproto.repo.getRecord", {"repo": author, "collection": collection, "rkey": rkey}
            )
        except Named as error:
            raise Refused(_("The post you answer does not exist any more.")) from error
        record = within_or_empty(found, "value")
    else:
        raise Refused(
            _(
                "The post you answer does not exist any more, or its author and this account have blocked each other."
            )
        )
    parent = {"uri": uri, "cid": text_or_empty(found, "cid", 200)}
    root = within_or_empty(within_or_empty(record, "reply"), "root")
    return {
        "root": {"uri": root["uri"], "cid": root["cid"]} if "uri" in root and "cid" in root else parent,
        "parent": parent,
    }


def _view(pds: Pds, uri: str) -> Mapping[str, Any] | None:
    for view in items(pds.get("app.bsky.feed.getPosts", [("uris", uri)]), "posts", 1):
        return view
    return None


def _reactions(pds: Pds, uri: str) -> bool:
    view = _view(pds, uri)
    return view is not None and any(
        view.get(name) for name in ("replyCount", "repostCount", "likeCount", "quoteCount")
    )


def _own(pds: Pds, uri: str) -> str:
    """The record key of a post of ours."""
    try:
        author, collection, rkey = split_uri(uri)
    except ValueError as error:
        raise Refused(_("Only public posts can be changed or deleted on Bluesky.")) from error
    if author != pds.did or collection != POST:
        raise Refused(_("This post belongs to another account."))
    return rkey


def _sent(did: str, rkey: str, record: Mapping[str, Any]) -> Sent:
    uri = uri_of(did, POST, rkey)
    try:
        at = datetime.fromisoformat(text_or_empty(record, "createdAt"))
    except ValueError as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error
    return Sent(external_id=uri, sent_at=at, url=web_address(uri))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
