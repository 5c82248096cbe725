"""How much of the true neighbours an index finds, and how fast."""
