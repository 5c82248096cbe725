"""Files to pixels: find picture files, read them, decode them."""
