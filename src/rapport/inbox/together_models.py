"""Many people at one case: who follows it, who looks and writes, and whom it went to. Read in by
``inbox/models.py``, where Django looks for them.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class CaseFollow(models.Model):
    """Somebody follows a case: they chose to, were given it, were named in it, or wrote in it.

    ``muted``: they left it. The row stays, so that nothing of that brings them back but themselves.
    Triggers (``migrations/_triggers.py``) begin it for whoever is given a case, writes a note or is named in
    one, so that no way of doing so can forget it; a reply does in ``outbox/actions.py``.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows", db_index=False
    )
    case = models.ForeignKey("inbox.Case", on_delete=models.CASCADE, related_name="follows")
    created_at = models.DateTimeField(db_default=Now())
    muted = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "case"], name="case_follow_once")]
        indexes = [
            models.Index(fields=["user", "case"], name="case_followed", condition=Q(muted=False)),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} follows case {self.case_id}"


class CaseLook(models.Model):
    """One screen that has a case open, and whether somebody writes there. It never holds the words.

    The table is unlogged: a crash empties it, and screens fill it again within seconds. Plain numbers and no
    foreign keys, because it is written every few seconds by everybody. ``screen``: a name the screen gave
    itself, which no other has. ``seen_at``: when it last said so; the epoch once it is gone. ``writing``:
    "reply", "note" or "", as of ``typed_at``. ``reply_began_at`` and ``reply_typed_at``: since when somebody
    writes an answer there, and when they last pressed a key; kept after they left, for whoever comes next.
    """

    case_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    screen = models.CharField(max_length=16)
    seen_at = models.DateTimeField(db_default=Now())
    writing = models.CharField(max_length=5, blank=True, default="", db_default="")
    typed_at = models.DateTimeField(null=True)
    reply_began_at = models.DateTimeField(null=True)
    reply_typed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case_id", "user_id", "screen"], name="case_look_once")
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} looks at case {self.case_id}"


class CaseHandover(models.Model):
    """A case went from one person to another, and somebody should hear of it.

    With a ``note`` it was handed over: whoever has it now sees the note until they act. Without one it was
    taken or given away, and ``former``, who had it, is told. ``done_at``: read, by whom it concerned.
    """

    case = models.ForeignKey("inbox.Case", on_delete=models.CASCADE, related_name="handovers")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    former = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    team = models.ForeignKey(
        "staff.Team", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    note = models.OneToOneField("inbox.Note", null=True, on_delete=models.CASCADE, related_name="handover")
    made_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["case", "id"], name="handover_open", condition=Q(done_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"case {self.case_id} from user {self.former_id} to user {self.person_id}"
