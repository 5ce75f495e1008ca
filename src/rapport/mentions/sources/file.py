"""Files of posts: read by ``rapport listen --from`` alone, never by a listener that happens to run."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from rapport.mentions.sources.base import Kind


class File(Kind):
    """Options: ``path``. Cursor: ``offset`` (bytes), ``line``, ``head`` and ``digest`` (of so many first bytes)."""

    key = "file"
    label = gettext_lazy("File")
    about = gettext_lazy("Posts of a file, read on the command line.")
    network = "file"
