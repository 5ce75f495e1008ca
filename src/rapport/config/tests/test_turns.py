"""How many requests are worked on at once."""

import asyncio

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import RequestFactory

from rapport.config.turns import LISTS_AT_ONCE, MOST_AT_ONCE, in_turns


class _Works:
    """Counts who is inside, and lets them out when told."""

    def __init__(self) -> None:
        self.inside = self.most = self.done = 0
        self.go_on = asyncio.Event()

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.go_on.wait()
        self.inside -= 1
        self.done += 1
        if request.GET.get("fails"):
            raise ValueError("as a view may")
        return HttpResponse("done")


async def _ask(paths: list[str]) -> _Works:
    works = _Works()
    ask = in_turns(works)
    asked = [asyncio.create_task(ask(RequestFactory().get(path))) for path in paths]
    for _turn in range(5):
        await asyncio.sleep(0)
    works.go_on.set()
    await asyncio.gather(*asked, return_exceptions=True)
    return works


def test_only_so_many_are_worked_on_at_once_and_all_are_answered() -> None:
    works = asyncio.run(_ask(["/desk/"] * (MOST_AT_ONCE * 3)))
    assert (works.most, works.done) == (MOST_AT_ONCE, MOST_AT_ONCE * 3)


def test_one_that_fails_makes_room_too() -> None:
    works = asyncio.run(_ask(["/desk/?fails=1"] * (MOST_AT_ONCE * 2)))
    assert works.done == MOST_AT_ONCE * 2


def test_an_event_stream_takes_nobodys_turn() -> None:
    works = asyncio.run(_ask(["/live/"] * (MOST_AT_ONCE * 2)))
    assert works.most == MOST_AT_ONCE * 2


def test_a_case_does_not_wait_behind_lists() -> None:
    async def scenario() -> list[int]:
        works = _Works()
        ask = in_turns(works)
        lists = [
            asyncio.create_task(ask(RequestFactory().get("/desk/", headers={"HX-Target": "list"})))
            for _number in range(LISTS_AT_ONCE * 3)
        ]
        await asyncio.sleep(0.01)
        seen = [works.inside]
        case = asyncio.create_task(ask(RequestFactory().get("/desk/", headers={"HX-Target": "case"})))
        await asyncio.sleep(0.01)
        seen.append(works.inside)
        works.go_on.set()
        await asyncio.gather(case, *lists)
        return [*seen, works.done]

    assert asyncio.run(scenario()) == [LISTS_AT_ONCE, LISTS_AT_ONCE + 1, LISTS_AT_ONCE * 3 + 1]
