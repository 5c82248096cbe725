"""From which cosine on pictures of a collection are alike.

An encoder's calibration may be of other things than a collection is. Where all pictures are of one
kind, as portraits are, all lie near each other, and a cosine has to be higher to say anything.
"""

from pathlib import Path

import numpy as np

from simsearch.collection.indexing import vector_blocks
from simsearch.encoder.calibration import alike_from
from simsearch.index.recipes import Vectors
from simsearch.store.manifest import Manifest
from simsearch.store.reader import read_contents

_SAMPLE = 2000  # pictures whose pairs are looked at
_FEWEST = 50  # pictures; of fewer, most may be of one thing
_DEVIATION = 0.84  # quantile at one standard deviation
_ONE_IN_A_THOUSAND = 3.09  # standard deviations
_LEAST = 1e-6  # distance; rounding leaves less, and none has a logarithm
_SEED = 0


def alike_among(folder: Path, manifest: Manifest) -> float:
    """Return the cosine that one in a thousand pairs of different things reaches.

    It is the encoder's, or that of the collection's own pictures where they are 50 or more and it
    is higher.

    Raises:
        CollectionDamagedError: a part can't be read.
        EncoderError: the encoder's calibration can't be read.
    """
    contents, _ = read_contents(folder, manifest.parts)
    distinct = np.flatnonzero(contents.first)
    ours = alike_from(manifest.encoder)
    if len(distinct) < _FEWEST:
        return ours
    sample = np.zeros(len(contents.first), np.bool_)
    sample[np.random.default_rng(_SEED).permutation(distinct)[:_SAMPLE]] = True
    blocks = [vectors for _, vectors in vector_blocks(folder, manifest, sample)]
    return max(ours, alike_of(np.concatenate(blocks)))


def alike_of(vectors: Vectors) -> float:
    """Return the cosine that one in a thousand pairs of different things reaches, by all pairs.

    Distances, 1 - cosine, are taken as log-normal, as those of pictures of one kind are, and only
    the further half of them is asked: pairs of the same thing are near, and fewer.

    Args:
        vectors: float32 [n, dim], unit vectors of 2 or more pictures.
    """
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    distances = np.log(np.maximum(1 - cosines, _LEAST))
    middle, further = np.quantile(distances, [0.5, _DEVIATION])
    return round(float(1 - np.exp(middle - _ONE_IN_A_THOUSAND * (further - middle))), 4)
