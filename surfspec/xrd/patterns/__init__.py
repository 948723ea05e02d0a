"""What a phase diffracts: radiation, structure factors, line profiles, calculated patterns."""
