"""What an encoder is worth on labelled pictures, and what its cosines mean."""
