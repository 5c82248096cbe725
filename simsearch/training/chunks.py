"""Gradient caching: large batches in little memory (Gao et al. 2021).

A batch goes through the trunk in chunks, and each chunk a second time when its gradients are due:
the activations of one chunk are there at a time. Losses and miners see the whole batch.
"""

import os
from typing import TYPE_CHECKING

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from simsearch.encoder.network import EmbeddingNetwork

if TYPE_CHECKING:
    from torch import Tensor

_SHARE = 0.25  # of all memory, not of what is free: the same command is to give the same figures
_UNKNOWN = 8 << 30


def chunk_size(network: EmbeddingNetwork, size: int, device: torch.device) -> int:
    """Return how many pictures' activations fit in a quarter of the device's memory.

    Args:
        network: as it is trained, with batch statistics that don't change.
        size: side of the pictures, in pixels.
    """
    storages: dict[int, int] = {}

    def note(tensor: "Tensor") -> "Tensor":
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    pixels = torch.zeros((1, size, size, 3), dtype=torch.uint8, device=device)
    with saved_tensors_hooks(note, lambda tensor: tensor):
        features = network.features(pixels)  # what it holds on to lives as long as this
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    stored = sum(count for place, count in storages.items() if place not in weights)
    del features
    return max(1, int(_SHARE * _memory(device) / max(stored, 1)))


def features_in_chunks(network: EmbeddingNetwork, pixels: "Tensor", size: int) -> "Tensor":
    """Return what the trunk makes of uint8 [n, side, side, 3], `size` pictures at a time."""
    if len(pixels) <= size:
        return network.features(pixels)
    chunks = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    return torch.cat([checkpoint(network.features, part, use_reentrant=False) for part in chunks])


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN  # Windows
