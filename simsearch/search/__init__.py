"""Questions put to an index: nearest neighbours, and all pairs over a threshold."""
