"""Acting on a plan of duplicates: apply it without ever losing the last copy, and undo it."""
