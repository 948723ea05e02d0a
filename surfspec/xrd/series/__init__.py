"""Many patterns: what changes from one to the next, what follows a coordinate, the same phases in all of them."""
