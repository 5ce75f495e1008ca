"""However the server plans it, no more is claimed than was asked for."""

from collections.abc import Callable, Sequence

import pytest
from django.db import connection

from rapport.brands.models import Brand, Channel
from rapport.ingest.listener import claim_due
from rapport.ingest.streams import claim_streams
from rapport.mentions.listeners import claim_sources
from rapport.mentions.models import Source

pytestmark = pytest.mark.django_db

# Without these a server that looks for a few of few rows asks an IN (…) anew for each.
_OFF = ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize", "bitmapscan")


@pytest.fixture
def row_by_row() -> None:
    with connection.cursor() as cursor:
        for one in _OFF:
            cursor.execute(f"SET LOCAL enable_{one} = off")


def _channels() -> None:
    brand = Brand.objects.create(slug="aero", name="Aero")
    Channel.objects.bulk_create(
        Channel(
            brand=brand,
            network="practice",
            external_id=str(number),
            handle=str(number),
            polled=True,
            streamed=True,
        )
        for number in range(4)
    )


def _sources() -> None:
    Source.objects.bulk_create(Source(kind="practice", name=str(number)) for number in range(4))


@pytest.mark.usefixtures("row_by_row")
@pytest.mark.parametrize(
    ("make", "claim"), [(_channels, claim_due), (_channels, claim_streams), (_sources, claim_sources)]
)
def test_no_more_than_the_limit(make: Callable[[], None], claim: Callable[..., Sequence[object]]) -> None:
    make()
    assert [len(claim(limit=3)), len(claim(limit=3))] == [3, 1]
