"""Verify two picture files: the only place where files, an encoder and its calibration meet."""

import os

from simsearch.collection.pictures import (
    PathLike,
    decode_pictures,
    embed_pictures,
)
from simsearch.config import DEFAULT_ENCODER
from simsearch.encoder.calibration import calibration_of
from simsearch.encoder.device import choose_target
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import open_runtime
from simsearch.records.labelled import Verification
from simsearch.search.verify import check_settings, verify_pair


def verify(
    a: PathLike,
    b: PathLike,
    encoder: str = DEFAULT_ENCODER,
    prior: float = 0.5,
    far: float | None = None,
    device: str = "auto",
) -> Verification:
    """Tell whether two pictures are of the same class, as far as the encoder's calibration goes.

    Args:
        encoder: what `--encoder` takes; one without a calibration gives the similarity only.
        prior: share of same pairs among those that are asked about, 0 < prior < 1.
        far: false acceptance rate of the decision, one that the calibration has a threshold for;
            None is 0.01, or the lowest that its pairs carry.
        device: 'auto', 'cpu', 'cuda' or 'mps'.

    Raises:
        InputError: `prior` is out of range, or there is no threshold at `far`.
        PictureError: a picture can't be read; if neither can, the message names `a`.
        EncoderError: there is no such encoder, or it or its calibration can't be loaded.
        DeviceError: the device asked for is not there.
    """
    spec = resolve(encoder)
    calibration = calibration_of(spec)
    check_settings(calibration, prior, far)
    target = choose_target(device)
    decoded = list(decode_pictures([a, b], spec))
    # The same bytes are embedded once: two runs of a network need not agree to the last bit.
    distinct = {key[1]: (key, pixels) for key, pixels in decoded}
    runtime = open_runtime(spec, target, 1)
    keys, vectors = embed_pictures(runtime, iter(distinct.values()), spec.dim)
    by_hash = {digest: vector for (_, digest), vector in zip(keys, vectors, strict=True)}
    first, second = (by_hash[key[1]] for key, _ in decoded)
    paths = (os.fspath(a), os.fspath(b))
    return verify_pair(paths, (first, second), spec.name, calibration, prior, far)
