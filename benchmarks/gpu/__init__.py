"""What the checks of the GPU suite share: vectors, and the lines of the table."""

from dataclasses import dataclass
from pathlib import Path

from simsearch.index.recipes import Vectors, VectorSource

DIM, K, QUERIES, SEED = 256, 10, 10_000, 7
BLOCK = 100_000


@dataclass(frozen=True)
class Row:
    """A line of the table: a figure, and what it is to reach; higher is better but for seconds."""

    what: str
    figure: float
    unit: str
    reach: float | None = None

    @property
    def is_reached(self) -> bool | None:
        """Whether it is, None where nothing is to be reached."""
        if self.reach is None:
            return None
        return self.figure <= self.reach if self.unit == "s" else self.figure >= self.reach


@dataclass(frozen=True)
class Bench:
    """What the checks share."""

    stored: Vectors
    queries: Vectors
    scratch: Path

    @property
    def source(self) -> VectorSource:
        """The stored vectors, in blocks."""
        starts = range(0, len(self.stored), BLOCK)
        return VectorSource(
            len(self.stored), DIM, lambda: (self.stored[s : s + BLOCK] for s in starts)
        )
