"""A TCP proxy on this machine that cuts, withholds and delays: faults of the network, for tests.

It stands as well before a Kafka broker (``KafkaBroker(proxied=True)``) as before an HTTP server: it knows no protocol,
but for :meth:`TcpProxy.drop_requests`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from airflow_kafka_bq.testing.kafka.loopback import HOST
from airflow_kafka_bq.testing.kafka.request_drops import RequestDrops, WatchedConnection

_CHUNK_BYTES = 1 << 16
_CHUNKS_IN_FLIGHT = 64
_CONTROL_TIMEOUT_SECONDS = 10.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

_Chunks = asyncio.Queue[tuple[float, bytes]]


class TcpProxy:
    """Forwards connections on a port of its own to a target; every fault lasts until :meth:`restore`.

    ::

        with TcpProxy(target_port) as proxy:
            client = connect(proxy.address)
            proxy.black_hole()      # requests arrive, answers do not come back
            proxy.restore()         # the withheld answers arrive

    :param target_port: port of the server behind.
    :param port: own port; None picks a free one.
    """

    def __init__(self, target_port: int, *, target_host: str = HOST, port: int | None = None) -> None:
        self._target = (target_host, target_port)
        self._wanted_port = port or 0
        self.port = 0
        """Where clients connect, once started."""
        self._thread = threading.Thread(target=self._run, name="tcp-proxy", daemon=True)
        self._started = threading.Event()
        self._failure: OSError | None = None
        self._connections: set[asyncio.WriteTransport] = set()
        self._refusing = False
        self._delay_seconds = 0.0
        self._drops: RequestDrops | None = None
        self.answer_bytes = 0
        """What came from the target so far, passed on or withheld."""
        self.request_bytes = 0
        """What came from clients so far, passed on or withheld."""

    def start(self) -> Self:
        """Listen; ``with`` does it.

        :raises OSError: the wanted port is taken.
        """
        self._thread.start()
        self._started.wait(_CONTROL_TIMEOUT_SECONDS)
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Reset all connections and stop listening."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(_CONTROL_TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """``host:port`` for clients."""
        return f"{HOST}:{self.port}"

    def drop_connections(self) -> None:
        """Reset the connections that are open now; new ones are served."""
        self._apply(self._reset_all)

    def cut(self) -> None:
        """Reset all connections, and every new one at once."""

        def refuse() -> None:
            self._refusing = True
            self._reset_all()

        self._apply(refuse)

    def black_hole(self) -> None:
        """Accept and pass on requests, withhold the answers: the server acts, the client does not learn of it."""
        self._apply(self._answers_flow.clear)

    def freeze(self) -> None:
        """Accept, and pass on nothing in either direction."""

        def stop_both() -> None:
            self._requests_flow.clear()
            self._answers_flow.clear()

        self._apply(stop_both)

    def delay(self, seconds: float) -> None:
        """Pass on each answer this much later; the order stays, the throughput too."""

        def slow_down() -> None:
            self._delay_seconds = seconds

        self._apply(slow_down)

    def drop_requests(self, drops: RequestDrops) -> None:
        """Break connections that are opened from now on at some of a Kafka client's requests."""

        def watch() -> None:
            self._drops = drops

        self._apply(watch)

    def restore(self) -> None:
        """End all faults; what was withheld arrives now, on connections that are still open."""

        def heal() -> None:
            self._refusing, self._delay_seconds = False, 0.0
            if self._drops is not None:
                self._drops.active = False
            self._drops = None
            self._requests_flow.set()
            self._answers_flow.set()

        self._apply(heal)

    def _apply(self, change: Callable[[], None]) -> None:
        """Run ``change`` in the proxy's thread and wait: when a fault's method returns, the fault is in force."""

        async def run() -> None:
            change()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(_CONTROL_TIMEOUT_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as failure:
            self._failure = failure
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped, self._requests_flow, self._answers_flow = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._requests_flow.set()
        self._answers_flow.set()
        tasks: set[asyncio.Task[None]] = set()

        def accept(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._connect(from_client, to_client))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, HOST, self._wanted_port)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopped.wait()
        server.close()
        self._refusing = True
        self._reset_all()
        for task in list(tasks):  # some wait for a restore that does not come
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._connections.add(to_client.transport)
        if self._refusing:
            return self._reset(to_client.transport)
        try:
            from_target, to_target = await asyncio.open_connection(*self._target)
        except OSError:
            return self._reset(to_client.transport)
        self._connections.add(to_target.transport)
        watched = self._drops.connection() if self._drops is not None else None
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(from_client, to_target, watched, is_answer=False))
                both.create_task(self._pump(from_target, to_client, watched, is_answer=True))
        except* OSError:  # one side broke: the other one learns of it
            self._reset(to_client.transport)
            self._reset(to_target.transport)
        else:  # a reset here would discard what the system has not yet delivered
            self._connections -= {to_client.transport, to_target.transport}
            to_client.close()
            to_target.close()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        watched: WatchedConnection | None,
        *,
        is_answer: bool,
    ) -> None:
        chunks: _Chunks = asyncio.Queue(_CHUNKS_IN_FLIGHT)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._read(source, chunks, watched, is_answer=is_answer))
            both.create_task(self._write(chunks, sink, is_answer=is_answer))

    async def _read(
        self, source: asyncio.StreamReader, chunks: _Chunks, watched: WatchedConnection | None, *, is_answer: bool
    ) -> None:
        """Stamp each chunk with the time it is due, so that a delay adds latency and does not divide throughput."""
        chunk = b"-"
        while chunk:
            chunk = await source.read(_CHUNK_BYTES)
            if watched and (watched.breaks_at_answer() if is_answer else watched.breaks_at_request(chunk)):
                raise ConnectionResetError
            if is_answer:
                self.answer_bytes += len(chunk)
            else:
                self.request_bytes += len(chunk)
            await chunks.put((self._loop.time() + (self._delay_seconds if is_answer else 0.0), chunk))

    async def _write(self, chunks: _Chunks, sink: asyncio.StreamWriter, *, is_answer: bool) -> None:
        flow = self._answers_flow if is_answer else self._requests_flow
        while True:
            due, chunk = await chunks.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            await flow.wait()
            if not chunk:  # one side is done sending, the other may go on
                return sink.write_eof()
            sink.write(chunk)
            await sink.drain()

    def _reset_all(self) -> None:
        for transport in list(self._connections):
            self._reset(transport)

    def _reset(self, transport: asyncio.WriteTransport) -> None:
        """Close with RST, as a broken network or a dead server does; an orderly end would look like a shutdown."""
        self._connections.discard(transport)
        connection: socket.socket | None = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            if connection is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
