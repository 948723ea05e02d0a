"""Strict YAML and Python mappings into frozen dataclasses, and back.

A recipe is a frozen dataclass; YAML and Python are two spellings of the same words. Every fault is reported at once
with file, line and column. Which words are allowed is said by the dataclass alone; this package knows no recipe.
"""

from __future__ import annotations

from surfspec.recipes.loading import from_mapping, load_file, load_yaml
from surfspec.recipes.writing import to_mapping, to_yaml

__all__ = ["from_mapping", "load_file", "load_yaml", "to_mapping", "to_yaml"]
