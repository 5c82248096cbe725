"""What becomes of a command whose output can't be written, or that is stopped while it loads."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Shelf

FULL = Path("/dev/full")


def simsearch(*args: object) -> list[str]:
    return [sys.executable, "-m", "simsearch", *map(str, args)]


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "command",
    [("list",), ("info", "pets"), ("failures", "pets"), ("duplicates", "--exact", "--csv")],
    ids=lambda command: command[0],
)
def test_a_full_disk_is_one_line_and_no_traceback(shelf: Shelf, command: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            simsearch(*command, "--home", shelf.home),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: the output can't be read or written: No space left on device\n"


def test_a_reader_that_has_had_enough_is_no_error(shelf: Shelf) -> None:
    with subprocess.Popen(
        simsearch("duplicates", "--threshold", "-1", "--csv", "--home", shelf.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate()
    assert "Traceback" not in errors
    assert "error" not in errors


def test_an_interrupt_while_loading_ends_quietly() -> None:
    code = (
        "import os, signal, sys\n"
        # A program started in the background would inherit that interrupts are ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'simsearch.cli': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from simsearch.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_query_may_come_through_a_pipe(shelf: Shelf) -> None:
    done = subprocess.run(
        simsearch("query", "/dev/stdin", "-k", 1, "--csv", "--home", shelf.home),
        input=(shelf.pictures / "picture-001.jpg").read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
