"""Reading and writing profiles as jobs: networks take their time, and a page should not wait for them."""

from __future__ import annotations

from procrastinate.contrib.django import app

from rapport.channels import profiles


@app.task(name=profiles.READ, queue=profiles.QUEUE)
def read_profile(channel_id: int) -> None:
    """Read a channel's profile as the public sees it."""
    profiles.read_one(channel_id=channel_id)


@app.task(name=profiles.WRITE, queue=profiles.QUEUE)
def write_profile(channel_id: int, changes: dict[str, str]) -> None:
    """Write texts to a channel's profile, then read it."""
    profiles.write_one(channel_id=channel_id, changes=changes)
