"""One file a command, found by its name; each has a function `command` with its options."""
