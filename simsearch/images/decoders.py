"""Decode pictures in processes of their own.

Threads of one process hold each other up: on 16 cores they decoded 1,170 JPEGs a second, on two
890. And a picture that breaks its decoder costs itself, not the run.
"""

import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from typing import IO, cast

import numpy as np

from simsearch.config import Preprocessing
from simsearch.errors import FailureKind, PictureError
from simsearch.images.decode import Picture, decode, is_large

_LENGTH = struct.Struct("<Q")
Pipes = tuple[IO[bytes], IO[bytes]]  # to a process, and from it


class Decoders:
    """Processes that decode to squares, one for each thread that asks; to be closed.

    Args:
        preprocessing: as for `decode`.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        self._preprocessing = preprocessing
        self._mine = threading.local()
        self._started: list[subprocess.Popen[bytes]] = []
        self._startable = True

    def decode(self, data: bytes) -> Picture:
        """See `decode.decode`.

        Raises:
            PictureError: likewise; or the process that decoded it has died.
        """
        pipes = getattr(self._mine, "pipes", None)
        if pipes is None and self._startable:
            pipes = self._start()
        if pipes is None:
            return decode(data, self._preprocessing)
        try:
            picture = _asked(pipes, data, self._preprocessing.size)
        except (OSError, EOFError) as error:
            self._mine.pipes = None
            raise PictureError(FailureKind.CORRUPT, "its decoder crashed") from error
        return picture or decode(data, self._preprocessing)

    def close(self) -> None:
        """End all processes; nobody may be asking one."""
        for process in self._started:
            process.kill()
            process.communicate()

    def _start(self) -> Pipes | None:
        """Start the thread's process; None where there can be none."""
        path = os.pathsep.join(filter(None, sys.path))
        try:
            process = subprocess.Popen(  # noqa: S603 - itself
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # or Ctrl-C would end it before it could ignore that
            )
            self._started.append(process)
            pipes = cast("Pipes", (process.stdin, process.stdout))
            _send(pipes[0], pickle.dumps(self._preprocessing))
            _received(pipes[1])
        except (OSError, EOFError):
            self._startable = False
            return None
        self._mine.pipes = pipes
        return pipes


def _asked(pipes: Pipes, data: bytes, size: int) -> Picture | None:
    """Have a picture decoded; None if it is one of those to be decoded one at a time."""
    questions, answers = pipes
    _send(questions, data)
    answer = pickle.loads(_received(answers))  # noqa: S301 - of our own process
    if isinstance(answer, FailureKind):
        raise PictureError(answer, _received(answers).decode())
    if answer is None:
        return None
    pixels = np.frombuffer(_received(answers), np.uint8)
    return Picture(pixels.reshape(size, size, 3), *answer)


def _send(stream: IO[bytes], data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _received(stream: IO[bytes]) -> bytes:
    """Return the next message; raises EOFError if there is none."""
    head = stream.read(_LENGTH.size)
    count = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else -1
    data = stream.read(count) if count >= 0 else b""
    if len(data) != count:
        raise EOFError
    return data


def _serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    preprocessing = pickle.loads(_received(questions))  # noqa: S301 - of our own process
    _send(answers, b"ready")
    while True:
        try:
            data = _received(questions)
        except EOFError:
            return
        try:
            picture = None if is_large(data, preprocessing) else decode(data, preprocessing)
        except PictureError as error:
            _send(answers, pickle.dumps(error.kind))
            _send(answers, str(error).encode(errors="replace"))
            continue
        if picture is None:
            _send(answers, pickle.dumps(None))
        else:
            _send(answers, pickle.dumps((picture.width, picture.height, picture.format)))
            _send(answers, picture.pixels.tobytes())


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides when it is over
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    _serve(sys.stdin.buffer, answers)
