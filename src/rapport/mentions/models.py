"""Saved queries, and the mentions they find: posts about a brand, whoever they are addressed to.

A :class:`Post` is kept only when a query matches it; what was heard and matched nothing is only counted. A
:class:`Mention` is a post in the eyes of one brand, with its state; each :class:`Match` says which version of which
query found it, and why. Streams are in ``stream_models.py``, alerts in ``spike_models.py``.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from rapport.mentions.act_models import MentionAct as MentionAct
from rapport.mentions.servers import id_there
from rapport.mentions.spike_models import Alert as Alert
from rapport.mentions.spike_models import AlertSetting as AlertSetting
from rapport.mentions.spike_models import KeptCounts as KeptCounts
from rapport.mentions.stream_models import Denominator as Denominator
from rapport.mentions.stream_models import Source as Source


class QueryKind(models.TextChoices):
    BRAND = "brand", _("Our brand")
    COMPETITOR = "competitor", _("A competitor")
    TOPIC = "topic", _("A topic")


class QueryState(models.TextChoices):
    ACTIVE = "active", _("Listening")
    PAUSED = "paused", _("Paused")


class Query(models.Model):
    """A saved query of a brand. What it says is its newest version's."""

    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="listening_queries")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=QueryKind, default=QueryKind.BRAND)
    state = models.CharField(max_length=8, choices=QueryState, default=QueryState.ACTIVE)
    version = models.ForeignKey(
        "mentions.QueryVersion", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)
    # The past, looked through once it was saved: {"from", "until", "next", "looked", "found", "state", "error"}.
    backfill = models.JSONField(default=dict, db_default={}, blank=True)

    class Meta:
        ordering = ["brand", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "name"],
                condition=Q(deleted_at__isnull=True),
                name="query_name_once_per_brand",
            )
        ]

    def __str__(self) -> str:
        return self.name


class QueryVersion(models.Model):
    """What a query said from ``created_at`` on; never changed, because mentions name the version that found them."""

    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(help_text="1, 2, 3 …")
    text = models.TextField(help_text="As it was written, options included.")
    canonical = models.TextField(help_text="The same, written by show().")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["query", "-number"]
        constraints = [models.UniqueConstraint(fields=["query", "number"], name="version_once_per_query")]

    def __str__(self) -> str:
        return f"{self.query_id} v{self.number}"


class QueryExample(models.Model):
    """A test case kept with a query: a text it must match, or must not."""

    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="examples")
    text = models.TextField()
    must_match = models.BooleanField()
    post = models.JSONField(default=dict, help_text="What else is known of it: author, lang, network …")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["query", "id"]

    def __str__(self) -> str:
        return self.text[:60]


class PartnerAccount(models.Model):
    """An account whose posts are no mentions of a brand: a partner's, an agency's. Our own channels need no entry."""

    brand = models.ForeignKey(
        "brands.Brand", on_delete=models.CASCADE, related_name="partner_accounts", db_index=False
    )
    network = models.CharField(max_length=40, blank=True, help_text="Empty: on every network.")
    handle = models.CharField(max_length=200, help_text="Without @, folded.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["brand", "handle"]
        constraints = [
            models.UniqueConstraint(fields=["brand", "network", "handle"], name="partner_once_per_brand")
        ]

    def __str__(self) -> str:
        return f"{self.network}:{self.handle}"


class MuteKind(models.TextChoices):
    AUTHOR = "author", _("Author")
    WORD = "word", _("Word or phrase")
    SITE = "site", _("Website")


class Mute(models.Model):
    """What a brand does not want to see among its mentions. It sets aside; it deletes nothing."""

    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="mutes", db_index=False)
    kind = models.CharField(max_length=8, choices=MuteKind)
    network = models.CharField(max_length=40, blank=True, help_text="Of an author; empty: on every network.")
    value = models.CharField(max_length=200, help_text="Normalised: a handle, a word or phrase, a domain.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["brand", "kind", "value"]
        constraints = [
            models.UniqueConstraint(fields=["brand", "kind", "network", "value"], name="mute_once_per_brand")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class MutePass(models.Model):
    """A mute that came or went and is being asked of all mentions of the brand, from the newest down; gone when it is
    through. ``value`` and what is before it are the mute's, which may be gone itself."""

    brand = models.ForeignKey(
        "brands.Brand", on_delete=models.CASCADE, related_name="mute_passes", db_index=False
    )
    kind = models.CharField(max_length=8, choices=MuteKind)
    network = models.CharField(max_length=40, blank=True)
    value = models.CharField(max_length=200)
    top = models.BigIntegerField(help_text="The id of the newest mention when it began.")
    below = models.BigIntegerField(help_text="Mentions with smaller ids are still to come.")
    at = models.DateTimeField(db_default=Now(), help_text="Its last sign of life.")

    class Meta:
        ordering = ["brand", "value", "id"]
        constraints = [
            models.UniqueConstraint(fields=["brand", "kind", "network", "value"], name="mute_pass_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value} below {self.below}"

    @property
    def percent(self) -> int:
        """How far it is, 0 to 99."""
        return max(0, min(99, 100 * (self.top - self.below) // max(1, self.top)))


class Post(models.Model):
    """Something that was said in public and matched a query. ``message``: when a channel of ours heard it too."""

    network = models.CharField(max_length=40)
    external_id = models.CharField(max_length=500)  # "123@x.example" where ids are a server's own: servers.py
    message = models.OneToOneField(
        "inbox.Message", null=True, on_delete=models.CASCADE, related_name="heard_as"
    )
    source = models.ForeignKey(
        "mentions.Source", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    url = models.CharField(max_length=1000, blank=True)
    title = models.CharField(max_length=1000, blank=True)
    text = models.TextField()
    lang = models.CharField(max_length=16, blank=True)
    author_id_there = models.CharField(
        max_length=500, blank=True, help_text="The author's id on the network."
    )
    author = models.CharField(max_length=200, blank=True, help_text="A handle, without @.")
    author_name = models.CharField(max_length=200, blank=True)
    followers = models.BigIntegerField(null=True)
    verified = models.BooleanField(null=True)
    is_reply = models.BooleanField(null=True)
    is_quote = models.BooleanField(null=True)
    parent_external_id = models.CharField(max_length=500, blank=True)
    original_external_id = models.CharField(
        max_length=500, blank=True, help_text="Of a repost: what it repeats."
    )
    facts = models.JSONField(
        default=dict, help_text="What else a query may ask: media, tags, links, mentions …"
    )
    likes = models.PositiveIntegerField(null=True)
    reposts = models.PositiveIntegerField(null=True)
    replies = models.PositiveIntegerField(null=True)
    sent_at = models.DateTimeField(help_text="By the network's clock; never later than it arrived.")
    arrived_at = models.DateTimeField(db_default=Now())
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    likeness = models.CharField(
        max_length=40, blank=True, help_text="Equal for texts that say the same: reposts and near-duplicates."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "external_id"], name="post_once_per_network")
        ]
        indexes = [
            # Muting somebody sets aside what else they said.
            models.Index(fields=["author", "network"], name="post_of_author")
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def id_there(self) -> str:
        """The network's own id of it."""
        return id_there(self.external_id, self.facts)


class Gone(models.Model):
    """A version of a post that is not stored, because it matches nothing or was deleted, so that an older version
    that comes later is not taken for news. Kept for a while only."""

    network = models.CharField(max_length=40)
    external_id = models.CharField(max_length=500)
    edited_at = models.DateTimeField(null=True, help_text="Of the version; null: deleted.")
    until = models.DateTimeField(help_text="When it may be forgotten.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "external_id"], name="gone_once")]
        indexes = [models.Index(fields=["until"], name="gone_until")]

    def __str__(self) -> str:
        return f"{self.network}:{self.external_id}"


class MentionState(models.TextChoices):
    NEW = "new", _("New")
    SEEN = "seen", _("Seen")
    CASE = "case", _("Made a case")
    SPAM = "spam", _("Spam")
    MUTED = "muted", _("Muted")


class Mention(models.Model):
    """A post in the eyes of one brand: one row however many of its queries match.

    ``relevance``: 0 to 100, see ``relevance.py``. ``folded_into``: the mention under which this one is shown, because
    it repeats it. ``kinds``: of the queries that match, so that a list of one kind needs no join.
    """

    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="+", db_index=False)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="mentions")
    state = models.CharField(max_length=6, choices=MentionState, default=MentionState.NEW)
    kinds = ArrayField(models.CharField(max_length=12), default=list)
    relevance = models.PositiveSmallIntegerField(default=0)
    reach = models.BigIntegerField(
        default=0, help_text="The author's followers, and those of who repeated it."
    )
    mood = models.SmallIntegerField(null=True, help_text="-100 to 100; null: not known.")
    needs_reply = models.BooleanField(null=True)
    folded_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="folded")
    copies = models.PositiveIntegerField(default=0, db_default=0, help_text="How many are folded into it.")
    fold_key = models.CharField(
        max_length=40, blank=True, default="", db_default="",
        help_text="Equal for what may be folded: see likeness.py.",
    )  # fmt: skip
    case = models.ForeignKey("inbox.Case", null=True, on_delete=models.SET_NULL, related_name="from_mentions")
    sent_at = models.DateTimeField(help_text="The post's, for lists.")
    found_at = models.DateTimeField(db_default=Now())
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    handled_at = models.DateTimeField(null=True)
    # Grows with each change, so that an act on an older one is refused.
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "post"], name="mention_once_per_brand")]
        indexes = [
            models.Index(
                fields=["brand", "state", "-sent_at", "-id"],
                name="mention_list",
                condition=Q(folded_into__isnull=True),
            ),
            models.Index(
                fields=["brand", "state", "-relevance", "-sent_at", "-id"],
                name="mention_by_relevance",
                condition=Q(folded_into__isnull=True),
            ),
            models.Index(
                fields=["brand", "state", "-reach", "-sent_at", "-id"],
                name="mention_by_reach",
                condition=Q(folded_into__isnull=True),
            ),
            # Of a post that thousands repeat, the one or few that they are shown under.
            models.Index(
                fields=["fold_key", "sent_at"],
                name="mention_first_alike",
                condition=Q(folded_into__isnull=True) & ~Q(fold_key=""),
            ),
            models.Index(fields=["fold_key"], name="mention_all_alike", condition=~Q(fold_key="")),
        ]

    def __str__(self) -> str:
        return f"mention {self.id}"


class Match(models.Model):
    """A query found a mention. ``why``: [[part, start, end, term] …], offsets into the text (part "text") or title."""

    mention = models.ForeignKey(Mention, on_delete=models.CASCADE, related_name="matches", db_index=False)
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.ForeignKey(QueryVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    why = models.JSONField(default=list)
    sent_at = models.DateTimeField(help_text="The post's, for counting.")
    found_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mention", "query"], name="match_once_per_query")]
        indexes = [models.Index(fields=["query", "-sent_at", "mention"], name="match_of_query")]

    def __str__(self) -> str:
        return f"query {self.query_id} finds mention {self.mention_id}"


class CaseRule(models.Model):
    """Opens a case for a mention by itself when all that it asks is so; an empty condition asks nothing.

    ``asks``: {"kinds", "queries", "langs", "networks", "reach_from", "relevance_from", "mood_to", "needs_reply"}.
    """

    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="case_rules")
    name = models.CharField(max_length=80)
    asks = models.JSONField(default=dict)
    team = models.ForeignKey(
        "staff.Team", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    priority = models.PositiveSmallIntegerField(null=True)
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["brand", "id"]

    def __str__(self) -> str:
        return self.name


class RuleFailure(models.Model):
    """A case that a rule asked for and that could not be opened, until it is, or somebody deals with the mention."""

    rule = models.ForeignKey(CaseRule, on_delete=models.CASCADE, related_name="failures", db_index=False)
    mention = models.ForeignKey(Mention, on_delete=models.CASCADE, related_name="+")
    why = models.CharField(
        max_length=500, blank=True, help_text="For people; empty when only the log says it."
    )
    at = models.DateTimeField(db_default=Now(), help_text="When it was tried last.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "mention"], name="rule_failure_once")]

    def __str__(self) -> str:
        return f"rule {self.rule_id} opened no case for mention {self.mention_id}"


class Unheard(models.Model):
    """A message that came or changed and was not yet matched: left by trigger, taken by ``hearing.catch_up``."""

    message_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"message {self.message_id}"


class QueriesChanged(models.Model):
    """One row: counts every change of any query, so that each process knows by one look whether it is up to date."""

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
