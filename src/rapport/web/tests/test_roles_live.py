"""Whose event stream carries which brand's hints."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.test import AsyncClient

from rapport.lib.live import notify_desk
from rapport.web.tests.doors_world import Site, World, make_world


@pytest.mark.django_db(transaction=True)
def test_every_stream_carries_the_hints_of_ones_own_brands_only() -> None:
    def tell(*sites: Site) -> None:
        for site in sites:
            with transaction.atomic():
                notify_desk(brand_id=site.brand.id, case_ids=[site.case.id])

    async def heard(world: World, actor: str, *sites: Site) -> list[int]:
        """The brands of the hints until the last of ``sites``, which is the actor's own, was told of."""
        client = AsyncClient()
        await client.aforce_login(world.people[actor], backend="django.contrib.auth.backends.ModelBackend")
        answer: Any = await client.get("/live/")
        stream = answer.streaming_content
        brands: list[int] = []
        async for chunk in stream:
            if chunk.startswith(b"event: hello"):
                await sync_to_async(tell)(*sites)
            brands += [
                json.loads(event.split(b"data: ")[1])["brand"]
                for event in chunk.split(b"\n\n")
                if event.startswith(b"event: hint")
            ]
            if brands and brands[-1] == sites[-1].brand.id:
                break
        await stream.aclose()
        return brands

    async def scenario() -> None:
        world = await sync_to_async(make_world)()
        ours, theirs = world.ours, world.theirs
        for actor in ("viewer", "agent", "lead", "admin"):
            found = await asyncio.wait_for(heard(world, actor, theirs, ours), 10)
            assert found == [ours.brand.id], actor
        assert await asyncio.wait_for(heard(world, "foreign", ours, theirs), 10) == [theirs.brand.id]
        both = await asyncio.wait_for(heard(world, "owner", ours, theirs), 10)
        assert both == [ours.brand.id, theirs.brand.id]

    asyncio.run(scenario())
