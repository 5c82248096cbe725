"""How fast pictures become an index, stage by stage and as a whole."""
