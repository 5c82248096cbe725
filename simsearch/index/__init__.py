"""Vectors to neighbours: choose a recipe, build it, keep it on disk, search it."""
