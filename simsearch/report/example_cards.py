"""Example pictures of a training report as HTML: hardest pairs, triplets, queries."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.records.labelled import Calibration
from simsearch.report.examples import (
    Hit,
    Pair,
    Triplet,
    hardest_pairs,
    neighbours,
    sample_queries,
    sample_triplets,
)
from simsearch.report.page import section, text

STYLE = """.pairs, .triplets { display: grid; gap: .75rem;
     grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.example { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
     padding: .6rem; min-width: 0; }
.example > p { margin: 0 0 .5rem; font-size: .85rem; }
.row { display: grid; gap: .5rem; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); }
.picture { margin: 0; font-size: .75rem; min-width: 0; }
.picture img, .picture .missing { display: block; width: 100%; aspect-ratio: 1;
     object-fit: contain; background: var(--ground); border-radius: .25rem;
     margin-bottom: .35rem; }
.picture .missing { display: grid; font-size: .75rem; overflow-wrap: anywhere; }
.picture b, .picture span { display: block; overflow-wrap: anywhere; line-height: 1.3; }
.picture span { color: var(--quiet); }
.right b, .tick { color: var(--mark); } .wrong b, .cross { color: var(--wrong); }
.right img, .right .missing { outline: 2px solid var(--mark); }
.wrong img, .wrong .missing { outline: 2px dashed var(--wrong); }
.query { display: grid; gap: .75rem 1.75rem; margin: 0 0 .75rem;
     grid-template-columns: 9rem minmax(0, 1fr) minmax(0, 1fr); }
.query h3 { margin: 0 0 .3rem; }
@media (max-width: 50rem) {
  .query { grid-template-columns: minmax(0, 1fr); }
  .query > div:first-child { max-width: 8rem; }
}
"""

Vectors = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shown:
    """The pictures that examples are taken from; rows count into all of its arrays.

    Attributes:
        paths: of the picture files.
        labels: int64 [n], count into `classes`.
        before, after: unit vectors float32 [n, dim], by the untrained and the kept network.
        draw: turns a path into a thumbnail's HTML.
    """

    paths: list[str]
    labels: Integers
    classes: tuple[str, ...]
    before: Vectors
    after: Vectors
    draw: Callable[[str], str]

    def card(self, row: int, note: str, kind: str = "") -> str:
        """Return a picture with a note over its class and name; kind is 'right' or 'wrong'."""
        path, label = Path(self.paths[row]), self.classes[self.labels[row]]
        return (
            f'<div class="picture {kind}" title="{text(str(path))}">{self.draw(str(path))}'
            f"<b>{text(note)}</b><span>{text(label)}</span><span>{text(path.name)}</span></div>"
        )


def hardest_section(shown: Shown, calibration: Calibration, count: int = 10) -> str:
    """Return the hardest pairs of the kept network, with what calibration makes of them."""
    pairs = hardest_pairs(shown.after, shown.labels, count)
    cards = "\n".join(_pair(shown, pair, calibration) for pair in pairs)
    return section(
        "The hardest errors",
        "pictures of different classes that score highest, of one class that score lowest; "
        "✗ where the probability falls on the wrong side of 50 %",
        f'<div class="pairs">{cards}</div>' if pairs else "<p>No pair to show.</p>",
    )


def triplet_section(shown: Shown, count: int = 6) -> str:
    """Return sample triplets by the kept network."""
    triplets = sample_triplets(shown.after, shown.labels, count)
    cards = "\n".join(_triplet(shown, triplet) for triplet in triplets)
    return section(
        "Sample triplets",
        "random anchors, each with the farthest of its class and the nearest of another; "
        "✓ where its own class is nearer",
        f'<div class="triplets">{cards}</div>' if triplets else "<p>No triplet to show.</p>",
    )


def query_section(shown: Shown, count: int = 4) -> str:
    """Return sample queries with their neighbours before and after training."""
    queries = sample_queries(shown.labels, count)
    return section(
        "Sample queries",
        "random pictures with their nearest, by cosine; ✓ solid: of the same class, ✗ dashed: of "
        "another",
        "\n".join(_query(shown, row) for row in queries) or "<p>No query to show.</p>",
    )


def _pair(shown: Shown, pair: Pair, calibration: Calibration) -> str:
    probability = calibration.probability(pair.score)
    wrong = (probability >= 0.5) != pair.same
    verdict = '<b class="cross">✗</b>' if wrong else '<b class="tick">✓</b>'
    kind = "same class" if pair.same else "different classes"
    return (
        f'<div class="example"><p>{verdict} <b>{kind}</b>, cosine {pair.score:.3f}, '
        f'probability of the same {probability:.1%}</p><div class="row" style="--columns: 2">'
        f"{shown.card(pair.first, '')}{shown.card(pair.second, '')}</div></div>"
    )


def _triplet(shown: Shown, triplet: Triplet) -> str:
    kept = triplet.positive_distance < triplet.negative_distance
    verdict = '<b class="tick">✓</b>' if kept else '<b class="cross">✗</b>'
    gap = triplet.negative_distance - triplet.positive_distance
    return (
        f'<div class="example"><p>{verdict} d(a,n) - d(a,p) = {gap:+.3f}</p>'
        f'<div class="row" style="--columns: 3">{shown.card(triplet.anchor, "anchor")}'
        f"{shown.card(triplet.positive, f'positive {triplet.positive_distance:.3f}')}"
        f"{shown.card(triplet.negative, f'negative {triplet.negative_distance:.3f}')}</div></div>"
    )


def _query(shown: Shown, row: int) -> str:
    columns = "".join(
        f'<div><h3>{name}</h3><div class="row" style="--columns: 3">'
        f"{''.join(_hit(shown, hit) for hit in neighbours(vectors, shown.labels, row))}</div></div>"
        for name, vectors in (("before training", shown.before), ("after training", shown.after))
    )
    return f'<div class="query example"><div>{shown.card(row, "query")}</div>{columns}</div>'


def _hit(shown: Shown, hit: Hit) -> str:
    if hit.right:
        return shown.card(hit.row, f"✓ {hit.score:.3f}", "right")
    return shown.card(hit.row, f"✗ {hit.score:.3f}", "wrong")
