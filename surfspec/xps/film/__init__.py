"""Thickness and coverage of a film from attenuated lines."""
