"""Two hundred people at their desks while customers write: one machine, the product's own processes, real sockets.

Every agent has an event stream and does what ``live.js`` and ``list.js`` do: after a hint the list is fetched, and the
open case if it is meant. Now and then an agent opens a case, and sometimes leaves a note. Messages are stored as raw
events, as a webhook would, and go through the whole pipeline. In a second run the web process is ended twice.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from tests.crash.instance import Instance

from bench.agents_figures import Seen, figures, rows
from bench.browser import Browser, Gone
from bench.place import fill, table

# As live.js.
SETTLE_S = 0.12
SHARE = 4
MOST_REST_S = 10.0
RETRY_S = 1.0
THINK_S = 45.0
_QUIET_S = 180.0
_VIEWS = ("mine", "mine", "mine", "unassigned", "all", "waiting", "teams", "mine", "all", "unassigned")
_PICK = re.compile(rb'name="pick" value="(\d+):(\d+)"')
_PART = {"HX-Request": "true"}


@dataclass
class Agent:
    """One person's desk."""

    browser: Browser
    view: str
    chance: random.Random
    seen: Seen = field(default_factory=Seen)
    shown: list[tuple[bytes, bytes]] = field(default_factory=list)
    busy: bool = False
    open_case: int = 0
    problems: list[str] = field(default_factory=list)
    _pending: set[int] = field(default_factory=set)
    _all: bool = False
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _timer: asyncio.TimerHandle | None = None

    @property
    def told(self) -> bool:
        """Whether there is something to fetch."""
        return self._asked.is_set() or self._timer is not None

    async def listen(self) -> None:
        while True:
            try:
                async for name, data in self.browser.events("/live/"):
                    now = time.time()
                    if name == "hello":
                        self.seen.hello(now)
                        self._all = True
                    elif name == "hint":
                        hint = json.loads(data)
                        self.seen.hint(now, hint["brand"], hint["cases"])
                        self._pending.update(hint["cases"])
                        self._all |= not hint["cases"]
                        if not self._concerned(hint):
                            self._later()
                            if self.open_case not in hint["cases"]:
                                continue
                    else:
                        continue
                    self._asked.set()
            except (Gone, OSError):
                self.seen.cuts += 1
            await asyncio.sleep(RETRY_S)

    def _concerned(self, hint: dict[str, Any]) -> bool:
        """Whether this list may look different now."""
        if self.view != "mine" or hint.get("mine") is not False:
            return True
        return any(str(case_id).encode() in dict(self.shown) for case_id in hint["cases"])

    def _later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MOST_REST_S, self._asked.set)

    async def refresh(self) -> None:
        """The list after each hint, not at once and not all the time."""
        while True:
            await self._asked.wait()
            await asyncio.sleep(SETTLE_S)
            self._asked.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self.busy = True
            pending, everything, self._pending, self._all = self._pending, self._all, set(), False
            began = time.time()
            if not await self.fetch_list():
                self._all = True
                self._asked.set()  # as hello after the reconnect does
                await asyncio.sleep(RETRY_S)
                continue
            if self.open_case and (everything or self.open_case in pending):
                await self.get(f"/desk/{self.view}/case/{self.open_case}/", "case")
            rest = min((time.time() - began) * SHARE, MOST_REST_S)
            await asyncio.sleep(rest * self.chance.uniform(0.75, 1.25))
            self.busy = self._asked.is_set()

    async def fetch_list(self) -> bool:
        began = time.time()
        answer = await self.get(f"/desk/{self.view}/?limit=40", "list")
        if answer is None or answer.status != 200:
            return False
        self.shown = _PICK.findall(answer.body)
        self.seen.refreshes.append((began, time.time()))
        return True

    async def work(self) -> None:
        """Opens a case, reads and thinks; one in three times leaves a note."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / THINK_S))
            if not self.shown:
                continue
            case_id = int(self.chance.choice(self.shown)[0])
            began = time.time()
            if await self.get(f"/desk/{self.view}/case/{case_id}/", "case") is None:
                continue
            self.seen.opened.append(time.time() - began)
            self.open_case = case_id
            if self.chance.random() < 1 / 3:
                await self.get(
                    f"/desk/{self.view}/case/{case_id}/note/", "case", body=b"note=Asked+the+airport."
                )

    async def get(self, path: str, part: str, *, body: bytes | None = None) -> Any:
        headers = {**_PART, "HX-Target": part}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            answer = await self.browser.ask(path, headers, method="POST" if body else "GET", body=body)
        except (Gone, OSError):
            return None
        if answer.status >= 400:
            self.problems.append(f"{answer.status} {path}")
        return answer

    async def agrees(self) -> bool:
        """Whether what is shown is what there is."""
        shown = self.shown
        for _try in range(3):
            if await self.fetch_list():
                return shown == self.shown
        return False


class _Feeder:
    """Customers, in a process of their own; when each of their messages was stored."""

    def __init__(self, instance: Instance, rate: float, seconds: float) -> None:
        self.stored: dict[int, float] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.agents_world", "feed", str(rate), str(seconds)],
            env=_environment(instance), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            number, at = json.loads(line)
            self.stored[number] = at

    @property
    def done(self) -> bool:
        return self._process.poll() is not None and not self._reader.is_alive()


def _environment(instance: Instance) -> dict[str, str]:
    return instance.environment | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])
    }


def _inside(instance: Instance, *arguments: str) -> Any:
    made = subprocess.run(
        [sys.executable, "-m", "bench.agents_world", *arguments],
        env=_environment(instance), check=True, capture_output=True,
    )  # fmt: skip
    return json.loads(made.stdout)


def _webs(instance: Instance) -> list[psutil.Process]:
    """The web processes that run now."""
    assert instance.process is not None
    found = []
    for child in psutil.Process(instance.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if child.cmdline()[-1:] == ["web"]:
                found.append(child)
    return found


def _memory_mb(instance: Instance) -> float:
    return float(sum(one.memory_info().rss for one in _webs(instance))) / 2**20


def _cpu(instance: Instance) -> dict[str, float]:
    """Seconds of processor time so far, by what used them. Web processes that ended are those of their supervisor's
    children who are no more."""
    assert instance.process is not None
    ended = psutil.Process(instance.process.pid).cpu_times()
    found = {
        "agents (the bench)": time.process_time(),
        "web": ended.children_user
        + ended.children_system
        + sum(sum(one.cpu_times()[:2]) for one in _webs(instance)),
    }
    for name in ("worker", "listen", "postgres"):
        pid = instance.pid_of(name)
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            every = [process, *(process.children() if name == "postgres" else [])]
            found[name] = (
                sum(sum(one.cpu_times()[:4]) for one in every)
                if name == "postgres"
                else sum(process.cpu_times()[:2])
            )
    return found


async def _run(
    instance: Instance, logins: list[dict[str, Any]], rate: float, seconds: float, kills: Iterable[int]
) -> dict[str, Any]:
    agents = [
        Agent(
            Browser("127.0.0.1", instance.port, login["session"]), _VIEWS[n % len(_VIEWS)], random.Random(n)
        )
        for n, login in enumerate(logins)
    ]
    await agents[0].fetch_list()
    before = _memory_mb(instance)
    tasks = [asyncio.create_task(one()) for agent in agents for one in (agent.listen, agent.refresh)]
    while any(not agent.seen.hellos or not agent.seen.refreshes for agent in agents):
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    connected = _memory_mb(instance)
    working = [asyncio.create_task(agent.work()) for agent in agents]
    spent, began = _cpu(instance), time.time()
    feeder = _Feeder(instance, rate, seconds)
    for part, number in enumerate(kills, 1):
        await asyncio.sleep(max(0.0, began + part * seconds / 3 - time.time()))
        pid = instance.pid_of("web")
        assert pid is not None
        os.kill(pid, number)
    while not feeder.done:
        await asyncio.sleep(0.2)
    ended = time.time()
    took = ended - began
    load = {name: (now - spent.get(name, 0.0)) / took for name, now in _cpu(instance).items()}
    peak = _memory_mb(instance)
    # Nobody does anything any more; the worker's last hints, and then until every screen has fetched what it was told of.
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    await asyncio.sleep(3)
    deadline = time.time() + _QUIET_S
    while any(agent.busy or agent.told for agent in agents) and time.time() < deadline:
        await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    agree = [await agent.agrees() for agent in agents]
    for agent in agents:
        agent.browser.close()
    return {
        "stored": feeder.stored,
        "cases": await asyncio.to_thread(_inside, instance, "cases"),
        "seen": [agent.seen for agent in agents],
        "brands": [login["brands"] for login in logins],
        "wrong": agree.count(False),
        "problems": [problem for agent in agents for problem in agent.problems],
        "memory": (before, connected, peak),
        "load": load,
        "between": (began, ended),
    }


def run(
    *, agents: int = 200, rate: float = 50, seconds: float = 60, messages: int = 50_000, webs: int = 1
) -> str:
    """Measure without and with restarts of the web process, and return a section of Markdown."""
    found = {}
    for name, kills in (
        ("steady", ()),
        ("web ended by SIGTERM, then by SIGKILL", (signal.SIGTERM, signal.SIGKILL)),
    ):
        with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
            data = Path(folder) / "data"
            fill(data, messages)
            instance = Instance(data, RAPPORT_WEB_PROCESSES=str(webs))
            try:
                instance.start()
                logins = _inside(instance, "logins")[:agents]
                found[name] = figures(asyncio.run(_run(instance, logins, rate, seconds, kills)))
                if found[name]["errors"]:
                    print(instance.tail())
            finally:
                instance.destroy()
        print(name, json.dumps(found[name]), flush=True)
    return (
        "## Two hundred agents\n\n"
        f"{agents} agents with open event streams on six brands of very different size, half of them on their own cases, "
        f"the others on longer lists; {rate:g} messages/s stored as raw events for {seconds:g} s; every agent opens a "
        f"case about every {THINK_S:g} s, and at a third of them leaves a note. Web, worker, listener, PostgreSQL, the customers and "
        "the two hundred browsers share the machine. Times in milliseconds from the commit of the raw event: until the hint, "
        "for each agent who may see the brand; and until the answer to a list that was asked for after it.\n\n"
        + table(["", *found], rows(found))
        + "\n\nLimit: the web process renders one list at a time. Screens take turns: each rests four times as long as its "
        "last list took, so that opening a case stays quick when lists come late.\n"
    )


def main() -> None:
    """``python -m bench.agents --seconds 20``: print, and write nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--webs", type=int, default=1, help="web processes")
    arguments = parser.parse_args()
    print(run(**vars(arguments)))


if __name__ == "__main__":
    main()
