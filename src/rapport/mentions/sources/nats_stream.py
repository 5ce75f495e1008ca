"""The stream between processes: NATS JetStream, spoken to from threads.

One work queue with a subject for each partition: what is acknowledged is gone, what is not comes again. A partition
is read by one process at a time (see ``sharing.py``), in order. https://docs.nats.io/nats-concepts/jetstream
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from rapport.mentions.hearing import Heard
from rapport.mentions.sources.base import NotShared
from rapport.mentions.sources.carried import Bundle, bundles

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

log = logging.getLogger(__name__)

T = TypeVar("T")

PARTITIONS = 16
CALL_S = 10.0
# Bundles of one partition taken at once; with some 30 posts each a transaction of many hundreds.
TAKE = 20
# What has come waits no longer for what may follow: the server answers once it has all that was asked for.
GATHER_S = 0.5
# Comes again if its reader neither acknowledged it nor died; a reader that died is noticed by its lock at once.
ACK_WAIT_S = 120.0
# Of what the server takes, this much is left for headers.
HEADERS = 1_000
# Two publishers of the same post within this time are told apart by nothing: the second is left out.
DUPLICATES_S = 120.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


def place_in(url: str) -> tuple[str, str]:
    """The server's address and the stream's name out of ``nats://host:4222/name``. Raises ValueError."""
    parts = urlsplit(url)
    name = parts.path.strip("/") or "rapport"
    if parts.scheme not in {"nats", "tls"} or not parts.hostname or not _NAME.fullmatch(name):
        raise ValueError("not the address of a NATS server")
    return urlunsplit(parts._replace(path="", query="", fragment="")), name


class NatsStream:
    """A connection that is made when it is first needed and then kept. Its methods may be called from any thread."""

    def __init__(self, url: str) -> None:
        self._url, self._name = place_in(url)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()
        self._opening = asyncio.Lock()
        self._client: Client | None = None
        self._js: JetStreamContext | None = None
        self._pulls: dict[int, JetStreamContext.PullSubscription] = {}
        self._waiting: dict[int, asyncio.Task[list[Msg]]] = {}

    def close(self) -> None:
        """End the connection and its thread."""
        with suppress(Exception):
            self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=CALL_S)
        if not self._thread.is_alive():
            self._loop.close()

    # Publishing --------------------------------------------------------------------------------------------
    def publish(self, source_id: int, heard: Sequence[Heard]) -> None:
        """Hand posts on; returns once the server has them on disk. Raises :class:`NotShared`."""
        most = self._run(self._most())
        self._run(self._publish(list(bundles(source_id, heard, partitions=PARTITIONS, most=most))))

    async def _most(self) -> int:
        """Bytes of a message that the server takes."""
        await self._opened()
        assert self._client is not None
        return self._client.max_payload - HEADERS

    async def _publish(self, some: list[Bundle]) -> None:
        js = await self._opened()
        await asyncio.gather(
            *(
                js.publish(
                    self._subject(one.partition), one.body, timeout=CALL_S, headers={"Nats-Msg-Id": one.key}
                )
                for one in some
            )
        )

    # Reading -----------------------------------------------------------------------------------------------
    def begin(self, partition: int) -> None:
        """Read a partition from its first bundle that nobody acknowledged. Raises :class:`NotShared`.

        The consumer is made anew: what its last reader had taken and not acknowledged comes at once, and in order.
        """
        self._run(self._begin(partition))

    async def _begin(self, partition: int) -> None:
        from nats.js.api import AckPolicy, ConsumerConfig
        from nats.js.errors import NotFoundError

        js = await self._opened()
        durable = f"heard-{partition}"
        with suppress(NotFoundError):
            await js.delete_consumer(self._name, durable)
        await js.add_consumer(
            self._name,
            ConsumerConfig(
                durable_name=durable,
                filter_subject=self._subject(partition),
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT_S,
                max_ack_pending=TAKE * 2,
            ),
        )
        self._pulls[partition] = await js.pull_subscribe_bind(durable, stream=self._name)

    def end(self, partitions: Iterable[int]) -> None:
        """Read these no more."""
        with suppress(NotShared):
            self._run(self._end(list(partitions)))

    async def _end(self, partitions: list[int]) -> None:
        for partition in partitions:
            task = self._waiting.pop(partition, None)
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            pull = self._pulls.pop(partition, None)
            if pull is not None:
                with suppress(Exception):
                    await pull.unsubscribe()

    def take(self, *, within_s: float) -> dict[int, list[Msg]]:
        """Bundles by partition, of whichever have some; {} after ``within_s``. Raises :class:`NotShared`."""
        return self._run(self._take(within_s))

    async def _take(self, within_s: float) -> dict[int, list[Msg]]:
        for partition, pull in self._pulls.items():
            if partition not in self._waiting:
                self._waiting[partition] = asyncio.create_task(_fetched(pull))
        if not self._waiting:
            await asyncio.sleep(within_s)
            return {}
        partition_of = {task: partition for partition, task in self._waiting.items()}
        done, _pending = await asyncio.wait(
            partition_of, timeout=within_s, return_when=asyncio.FIRST_COMPLETED
        )
        found = {}
        for task in done:
            del self._waiting[partition_of[task]]
            if messages := task.result():
                found[partition_of[task]] = messages
        return found

    def acknowledge(self, messages: Sequence[Msg]) -> None:
        """They are stored, and gone from the stream. Raises :class:`NotShared`."""
        self._run(self._acknowledge(messages))

    async def _acknowledge(self, messages: Sequence[Msg]) -> None:
        for message in messages:
            await message.ack()

    def left(self) -> int:
        """Bundles that are still to be read. Raises :class:`NotShared`."""
        return self._run(self._left())

    async def _left(self) -> int:
        js = await self._opened()
        return (await js.stream_info(self._name)).state.messages

    # The connection ----------------------------------------------------------------------------------------
    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=CALL_S * 3)
        except Exception as error:
            raise NotShared(f"{type(error).__name__}: {str(error)[:200]}") from error

    async def _opened(self) -> JetStreamContext:
        async with self._opening:
            if self._js is None:
                self._js = await self._connected()
            return self._js

    async def _connected(self) -> JetStreamContext:
        import nats
        from nats.js.api import RetentionPolicy, StorageType, StreamConfig
        from nats.js.errors import BadRequestError

        if self._client is None or self._client.is_closed:
            self._client = await nats.connect(
                self._url, name="rapport", connect_timeout=5, max_reconnect_attempts=-1, error_cb=_told
            )
        js = self._client.jetstream(timeout=CALL_S)
        with suppress(BadRequestError):  # it is there, with other limits that its operator gave it
            await js.add_stream(
                StreamConfig(
                    name=self._name,
                    subjects=[f"{self._name}.heard.*"],
                    retention=RetentionPolicy.WORK_QUEUE,
                    storage=StorageType.FILE,
                    duplicate_window=DUPLICATES_S,
                )
            )
        return js

    async def _close(self) -> None:
        await self._end(list(self._pulls))
        if self._client is not None:
            await self._client.close()

    def _subject(self, partition: int) -> str:
        return f"{self._name}.heard.{partition}"


async def _fetched(pull: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        return await pull.fetch(TAKE, timeout=GATHER_S)
    except TimeoutError:  # nothing came
        return []


async def _told(error: Exception) -> None:
    log.warning("NATS: %s", str(error)[:200] or type(error).__name__)
