"""How well copies are found, by simsearch and by others, on anybody's pictures."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from simsearch.bench.duplicates.figures import MethodFigures, draw_groups, measure
from simsearch.bench.duplicates.methods import Method
from simsearch.bench.duplicates.tasks import make_task
from simsearch.errors import InputError

Progress = Callable[[int, int], None]
Stages = Callable[[str], AbstractContextManager[Progress]]
_POOL = 2  # times a draw's originals are altered, for the draws to differ


@dataclass(frozen=True, slots=True)
class DuplicatesBenchmark:
    """The figures of all methods on one task.

    Attributes:
        references, queries: pictures in all, of which a draw takes some.
        originals: a draw's.
        skipped: methods that could not be run, and why.
    """

    protocol: str
    references: int
    queries: int
    originals: int
    draws: int
    methods: list[MethodFigures]
    skipped: dict[str, str]
    warnings: list[str]


def benchmark_duplicates(
    folder: str,
    methods: Sequence[Method],
    protocol: str = "copies",
    originals: int = 200,
    draws: int = 5,
    seed: int = 0,
    progress: Stages = lambda _: nullcontext(lambda *_: None),
) -> DuplicatesBenchmark:
    """Measure methods of finding duplicates.

    Args:
        folder: of distinct pictures; for 'groups', a folder a group.
        protocol: one of `config.COPY_PROTOCOLS`.
        originals: pictures of a draw, at random.
        draws: how many, each from the same pool of up to twice as many pictures.
        seed: of what is drawn at random.
        progress: given the name of a stage, opens it; what it yields is called with (done, to do).

    Raises:
        FolderError: there is no such folder, or too few pictures in it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        with progress("altering") as update:
            task = make_task(protocol, folder, _POOL * originals, Path(scratch), seed, update)
        drawn = draw_groups(task, originals, draws, seed)
        figures, skipped = [], {}
        for method in methods:
            started = time.perf_counter()
            try:
                with progress(method.name) as update:
                    scores = method.score(task, update)
            except InputError as error:
                skipped[method.name] = str(error)
                continue
            seconds = time.perf_counter() - started
            figures.append(measure(method.name, scores, method.threshold, task, drawn, seconds))
    return DuplicatesBenchmark(
        protocol,
        len(task.references),
        len(task.queries),
        len(drawn[0]),
        len(drawn),
        figures,
        skipped,
        list(task.warnings),
    )
