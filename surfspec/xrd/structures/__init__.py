"""Crystalline phases: cards, structure files, their validation."""
