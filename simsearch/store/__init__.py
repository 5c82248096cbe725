"""Vectors and what is known of their pictures, in Parquet: the only truth of a collection."""
