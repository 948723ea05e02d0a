"""Fit series that are longer than memory or patience: in chunks, on several workers, resumable."""

from surfspec.fitting.scale.run import fit_in_chunks

__all__ = ["fit_in_chunks"]
