"""Other tools, run by the Python of an environment that has them: they want other libraries."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simsearch.bench.duplicates.methods import Progress, Scores, peer_scores
from simsearch.bench.duplicates.tasks import Task
from simsearch.errors import InputError

NAMES = tuple(peer_scores.METHODS)
_THRESHOLDS = {  # their own defaults
    "imagededup pHash": 1 - 2 * 10 / 64,  # 10 of 64 bits
    "imagededup dHash": 1 - 2 * 10 / 64,
    "imagededup CNN": 0.9,
    "fastdup": 0.9,
    "SSCD": 0.75,
    "SSCD distilled": 0.75,
}


@dataclass(frozen=True, slots=True)
class Peer:
    """Another tool; `python` is that of an environment where it is installed."""

    name: str
    python: str

    def __post_init__(self) -> None:
        """Refuse a Python that is not there before anything is measured; raises InputError."""
        if shutil.which(self.python) is None:
            raise InputError(
                f"can't run '{self.python}'; give the Python of an environment that has the peers"
            )

    @property
    def threshold(self) -> float | None:
        """Its own default, None if it has none."""
        return _THRESHOLDS.get(self.name)

    def score(self, task: Task, progress: Progress) -> Scores:  # noqa: ARG002 - it tells nothing
        """Return cosines, or 1 - 2 x Hamming / 64.

        Raises:
            InputError: it is not installed there, or fails.
        """
        with tempfile.TemporaryDirectory() as folder:
            description, scores = Path(folder, "task.json"), Path(folder, "scores.npy")
            queries = [] if task.itself else list(task.queries)
            lists = {"queries": queries, "references": list(task.references)}
            description.write_text(json.dumps(lists), encoding="utf-8")
            command = [self.python, peer_scores.__file__, self.name, str(description), str(scores)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the user's own Python
            except OSError as error:
                raise InputError(f"can't run '{self.python}': {error.strerror}") from error
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
                raise InputError(f"{self.name} fails with '{self.python}': {reason}")
            return np.asarray(np.load(scores), np.float32)
