from __future__ import annotations

from collections.abc import Iterator

import pytest

from rapport.networks.mastodon.tests.place import GoToSocialPlace, MastodonPlace, TakahePlace

EVERY = [MastodonPlace, GoToSocialPlace, TakahePlace]


@pytest.fixture(params=EVERY, ids=[one.flavour.name for one in EVERY])
def place(request: pytest.FixtureRequest) -> Iterator[MastodonPlace]:
    with request.param() as found:
        yield found


@pytest.fixture
def mastodon() -> Iterator[MastodonPlace]:
    with MastodonPlace() as found:
        yield found


@pytest.fixture
def takahe() -> Iterator[MastodonPlace]:
    with TakahePlace() as found:
        yield found
