"""A second, closer look at two pictures: local features, and whether they lie alike in both."""
