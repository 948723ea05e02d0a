"""Make spectra from arrays, cut them, and stack them into series.

A spectrum is an :class:`xarray.Dataset` of kind ``spectrum``: ``intensity`` over a rising
spectral axis. A series is the same with more dimensions in front.
"""

from surfspec.spectra.cutting import ORIGIN, crop, origin
from surfspec.spectra.energy_scale import to_binding_energy, to_kinetic_energy
from surfspec.spectra.gridding import rectangle, stack_grid
from surfspec.spectra.making import DEFAULT_AXIS, spectrum
from surfspec.spectra.metadata import SERIES_UNITS, stated_numbers
from surfspec.spectra.stacking import SAME_AXIS_STEPS, stack
from surfspec.spectra.totalling import total

__all__ = [
    "DEFAULT_AXIS",
    "ORIGIN",
    "SAME_AXIS_STEPS",
    "SERIES_UNITS",
    "crop",
    "origin",
    "rectangle",
    "spectrum",
    "stack",
    "stack_grid",
    "stated_numbers",
    "to_binding_energy",
    "to_kinetic_energy",
    "total",
]
