"""The fit of one spectrum or series."""
