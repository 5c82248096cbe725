"""The memory is a ring: the last embeddings, in place of the oldest, saved with its position."""

from collections import deque

import pytest
import torch

from simsearch.training.memory import Memory


def batch(first: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return embeddings [n, 2] and labels, each telling which picture it is."""
    numbers = torch.arange(first, first + count)
    return torch.stack([numbers, -numbers], dim=1).float(), numbers


def held(memory: Memory) -> list[int]:
    """Return the pictures that a memory holds, sorted; embeddings and labels must agree."""
    labels = memory.labels[: memory.filled]
    expected = torch.stack([labels, -labels], dim=1).float()
    assert torch.equal(memory.embeddings[: memory.filled], expected)
    return sorted(labels.tolist())


@pytest.mark.parametrize("size", [1, 4, 7, 10])
def test_holds_the_last_ones(size: int) -> None:
    memory, oracle = Memory(size, 2), deque[int](maxlen=size)
    assert memory.filled == 0
    first = 1
    for count in (3, 3, 3, 1, 5, 9, 12, 2, 3):
        memory.take(*batch(first, count))
        oracle.extend(range(first, first + count))
        assert held(memory) == sorted(oracle)
        first += count


def test_position_survives_saving_in_the_middle_of_the_ring() -> None:
    memory = Memory(5, 2)
    for first in (1, 4):
        memory.take(*batch(first, 3))
    saved = {name: value.clone() for name, value in memory.state_dict().items()}
    again = Memory(5, 2)
    again.load_state_dict(saved)
    assert held(again) == [2, 3, 4, 5, 6]
    for each in (memory, again):
        each.take(*batch(7, 2))
    assert torch.equal(again.labels, memory.labels), "the same two were replaced"
    assert held(again) == [4, 5, 6, 7, 8]


def test_clear_forgets() -> None:
    memory = Memory(4, 2)
    memory.take(*batch(1, 6))
    memory.clear()
    assert memory.filled == 0
    memory.take(*batch(20, 2))
    assert held(memory) == [20, 21]


def test_no_gradient_and_no_link_to_the_batch() -> None:
    memory, (embeddings, labels) = Memory(4, 2), batch(1, 3)
    embeddings.requires_grad_()
    memory.take(embeddings, labels)
    assert not memory.embeddings.requires_grad
    with torch.no_grad():
        embeddings.zero_()
    assert held(memory) == [1, 2, 3]
