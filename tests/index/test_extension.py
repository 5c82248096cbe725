"""Where the contents of a changed index are, against a dictionary."""

import numpy as np
import pytest

from simsearch.index.extension import plan_extension


@pytest.mark.parametrize("seed", range(20))
def test_places_equal_a_dictionary(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = rng.permutation([f"{rng.integers(256):02x}{i:04x}".encode() for i in range(60)])
    had, wanted = names[: rng.integers(40)], rng.permutation(names)[: rng.integers(50)]
    change = plan_extension(had, wanted)
    place = {name: at for at, name in enumerate(had.tolist())}
    expected = [place.setdefault(name, len(place)) for name in wanted.tolist()]
    assert change.places.tolist() == expected
    assert change.missing.tolist() == [at >= len(had) for at in expected]
    assert change.tombstones == len(set(had.tolist()) - set(wanted.tolist()))


def test_keys_that_end_in_zeros_differ() -> None:
    had = np.frombuffer(b"a\0\0\0" + b"a\0\0b", "S4")
    change = plan_extension(had, np.frombuffer(b"a\0\0b" + b"a\0\0\0" + b"a\0b\0", "S4"))
    assert change.places.tolist() == [1, 0, 2]
