"""What ``rapport doctor`` says of sources."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from rapport.cli.checks import Level
from rapport.cli.checks_sources import sources
from rapport.mentions.models import Source


@pytest.mark.django_db
def test_a_line_for_each_source_in_trouble() -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    Source.objects.create(kind="mastodon", name="ill", failures=3, last_error="It is asleep.")
    Source.objects.create(kind="jetstream", name="alone")
    Source.objects.filter(name="alone").update(created_at=long_ago)
    Source.objects.create(kind="jetstream", name="well", lease_until=timezone.now() + timedelta(minutes=1))
    Source.objects.create(kind="feed", name="resting", state="paused", failures=3)
    found = {finding.subject: finding for finding in sources()}
    assert set(found) == {"source alone", "source ill"}
    assert "It is asleep." in found["source ill"].text
    assert all(finding.level is Level.WARNING for finding in found.values())
