"""Ctrl-C: the first one asks a long run to finish what is in hand."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import typer

EXIT_INTERRUPTED = 130


@contextmanager
def ctrl_c() -> Iterator[Event]:
    """Yield an event that the first Ctrl-C sets; the second one interrupts as usual."""
    stop = Event()
    asked = 0.0
    before = signal.getsignal(signal.SIGINT)

    def request(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of handlers
        nonlocal asked
        if stop.is_set():
            # Some senders signal the process and its group: that is one request, not two.
            if time.monotonic() - asked > 1:
                raise KeyboardInterrupt
            return
        asked = time.monotonic()
        stop.set()
        typer.echo("finishing what is in hand; Ctrl-C again to stop at once", err=True)

    signal.signal(signal.SIGINT, request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
