"""Which recipe is chosen for which collection and machine."""

import pytest

from simsearch.index.choose import EXACT_UP_TO, GRAPH_UP_TO, choose_recipe, is_extended
from simsearch.index.recipes import load_recipe

GB = 10**9


@pytest.mark.parametrize(
    ("n", "memory", "gpus", "recipe"),
    [
        (0, 16 * GB, 0, "flat"),
        (1, 16 * GB, 0, "flat"),
        (20_000, 16 * GB, 0, "flat"),
        (20_000, 16 * GB, 4, "flat"),
        (20_000, 0, 0, "flat"),
        (20_001, 16 * GB, 0, "hnsw"),
        (100_000, 16 * GB, 0, "hnsw"),
        (100_001, 16 * GB, 0, "ivf"),
        (20_001, 16 * GB, 1, "cagra"),
        (100_000, 16 * GB, 2, "cagra"),
        (1_000_000, 16 * GB, 8, "ivf"),
        (1_000_000, 4 * GB, 0, "ivf_sq8"),
        (1_000_000, 4 * GB, 1, "ivf_sq8"),
        (20_001, 0, 0, "ivf_sq8"),
    ],
)
def test_choice(n: int, memory: int, gpus: int, recipe: str) -> None:
    assert choose_recipe(n, 1280, memory, gpus) == recipe


@pytest.mark.parametrize(("preferred", "gpus"), [("hnsw", 0), ("cagra", 1), ("ivf", 0), ("ivf", 1)])
def test_half_of_the_free_memory_is_enough(preferred: str, gpus: int) -> None:
    n = GRAPH_UP_TO + (preferred == "ivf")
    needed = load_recipe(preferred).memory(n, 512)
    assert choose_recipe(n, 512, 2 * needed, gpus) == preferred
    assert choose_recipe(n, 512, 2 * needed - 2, gpus) == "ivf_sq8"


def test_small_vectors_need_less() -> None:
    assert choose_recipe(1_000_000, 64, 4 * GB, 0) == "ivf"


@pytest.mark.parametrize(
    ("recipe", "n", "extended"),
    [
        ("flat", 20_002, False),
        ("hnsw", 20_000, False),
        ("hnsw", 20_001, True),
        ("hnsw", 200_000, True),
        ("hnsw", 200_001, False),
        ("cagra", 200_000, True),
        ("cagra", 200_001, False),
        ("ivf", 1_000_000, True),
        ("ivf", 1_000_001, False),
    ],
)
def test_a_recipe_is_kept_while_it_fits(recipe: str, n: int, extended: bool) -> None:
    assert is_extended(recipe, n, 64, 16 * GB, trained=500_000, tombstones=0) is extended


def test_too_many_tombstones_are_cleared_away() -> None:
    assert is_extended("hnsw", 100_000, 64, 16 * GB, trained=100_000, tombstones=25_000)
    assert not is_extended("hnsw", 100_000, 64, 16 * GB, trained=100_000, tombstones=25_001)


def test_compressed_recipe_needs_about_half() -> None:
    n = 10**7
    assert load_recipe("ivf_sq8").memory(n, 1280) < 0.6 * load_recipe("ivf").memory(n, 1280)
    assert load_recipe("ivf_sq8").memory(n, 1280) < 0.6 * load_recipe("hnsw").memory(n, 1280)


def test_recipes_above_the_border_promise_nothing_exact() -> None:
    assert load_recipe(choose_recipe(EXACT_UP_TO, 8, GB, 0)).exact
    assert not load_recipe(choose_recipe(EXACT_UP_TO + 1, 8, GB, 0)).exact
