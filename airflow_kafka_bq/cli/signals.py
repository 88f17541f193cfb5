"""Signals: the first one asks a run to stop at its next safe point, the second one ends the process at once."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def caught(first: Callable[[int], bool]) -> Iterator[None]:
    """Give SIGINT and SIGTERM to ``first`` while the body runs; from the main thread only.

    :param first: gets the signal's number; False: nothing is to be finished, end at once.

    A handler in Python runs between two bytecodes of the main thread, and that thread may be inside the Kafka client
    for seconds. So Python's own handler in C writes the number into a pipe, and a thread of ours reads it.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    thread = threading.Thread(target=_listen, args=(reading, first), name="kafka-bq-signals", daemon=True)
    before = {number: signal.getsignal(number) for number in _ENDING}
    # The pipe is there before the handlers and longer than they: a signal in between would reach nobody.
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    thread.start()
    try:
        for number in _ENDING:
            signal.signal(number, _nothing)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        writing.close()
        thread.join()
        reading.close()


def _nothing(*_: object) -> None:
    """A handler has to be there for its number to reach the pipe."""


def _listen(reading: socket.socket, first: Callable[[int], bool]) -> None:
    asked = False
    while data := reading.recv(1):
        if data[0] not in _ENDING:
            continue
        if asked or not first(data[0]):
            os._exit(128 + data[0])  # no other thread can hold this up; a run may be killed at any point
        asked = True
