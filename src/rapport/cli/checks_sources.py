"""What ``rapport doctor`` says of the sources that are listened to without a channel. Imported once Django is set up."""

from __future__ import annotations

from collections.abc import Iterator

from rapport.cli.checks import Finding, Level
from rapport.mentions.source_queries import Doing, in_trouble


def sources() -> Iterator[Finding]:
    """A line for each source that fails, or that nobody reads."""
    for source, doing in in_trouble():
        subject = f"source {source.name}"
        if doing is Doing.TROUBLE:
            yield Finding(
                subject,
                Level.WARNING,
                f"{source.failures} failures in a row: {source.last_error}",
                "It is tried again by itself. Owners find it under Sources, where it can be paused.",
            )
        else:
            yield Finding(
                subject,
                Level.WARNING,
                "No listener reads it.",
                "Start 'rapport up', or another 'rapport listen'.",
            )
