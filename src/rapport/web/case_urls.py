"""Addresses about one case: how far it was read, what is being written, the case work, and its person."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import casework, contact, drafts, scheduled, thread, together

urlpatterns = [
    path("seen/", thread.seen, name="case-seen"),
    path("draft/", drafts.save, name="case-draft"),
    path("draft/use/", drafts.use, name="case-draft-use"),
    path("draft/drop/", drafts.drop, name="case-draft-drop"),
    path("follow/", together.follow, name="case-follow"),
    path("looking/", together.looking, name="case-looking"),
    path("hand/", together.hand, name="case-hand"),
    path("handed/", together.handed, name="case-handed"),
    path("later/", scheduled.later, name="case-later"),
    path("merge/", casework.merge, name="case-merge"),
    path("part/", casework.part, name="case-part"),
    path("split/", casework.split, name="case-split"),
    path("unsplit/", casework.unsplit, name="case-unsplit"),
    path("link/", casework.link, name="case-link"),
    path("unlink/", casework.unlink, name="case-unlink"),
    path("person/name/", contact.rename, name="case-person-name"),
    path("person/attribute/", contact.attribute, name="case-person-attribute"),
    path("person/note/", contact.note, name="case-person-note"),
    path("person/note/keep/", contact.note_keep, name="case-person-note-keep"),
    path("person/same/", contact.same, name="case-person-same"),
    path("person/part/", contact.part, name="case-person-part"),
    path("person/split/", contact.split, name="case-person-split"),
]
