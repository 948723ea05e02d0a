"""The fit of one region: prepared data, passes over one spectrum or many, verdicts."""
