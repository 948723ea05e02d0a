"""The patterns of a study file: what `surfspec.io.patterns` finds, and what the mappings beside a pattern mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from surfspec.io import patterns
from surfspec.io.patterns import squash
from surfspec.study.spec import SERIES, Files

__all__ = ["REGION", "find_series", "meanings", "squash"]

REGION = "region"


def meanings(files: Files | None) -> dict[str, Mapping[str, float]]:
    """Return the mappings of labels to values that stand beside a pattern, by placeholder; empty ones are left out."""
    return {} if files is None else {name: values for name in SERIES if (values := files.values(name))}


def find_series(files: Files, base: Path, *, where: str) -> list[patterns.Found]:
    """Return the files of a series, with the labels that their names carry (see :func:`surfspec.io.patterns.find`)."""
    return patterns.find(files.files, base, where=where, allowed=SERIES, mapped=meanings(files), exclude=files.exclude)
