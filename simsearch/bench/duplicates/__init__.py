"""How well copies are found, by simsearch and by others."""
