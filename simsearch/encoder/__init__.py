"""Pixels to unit vectors: backbones, checkpoints and the runtimes that run them."""
