"""Which phases a pattern shows: the search over sets, the evidence, the verdict."""
