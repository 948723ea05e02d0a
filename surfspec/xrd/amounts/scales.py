"""Scales of phases as matches and refinements give them, read into arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xrd.amounts import weights

Array = NDArray[np.float64]

#: Scatter of line areas assumed where fewer than two clean lines show it.
UNSEEN_SCATTER = 0.2
#: Lines weaker than this share of the strongest of a phase do not count for its scatter.
WEAKEST = 0.05


@dataclass(frozen=True)
class Scales:
    """Scales of n phases in one pattern.

    Attributes
    ----------
    phase
        Ids, shape (n,).
    scale, covariance
        s (multiplies m|F|^2 LP / V^2), shapes (n,) and (n, n).
    density, absorption
        g/cm^3 and cm^-1, shape (n,).
    relative
        Relative standard uncertainty of each scale from texture and structure, shape (n,).
    strongest
        Observed over calculated area of the strongest clean line of each phase, 1 where not known, shape (n,).
    trusted
        False where the fit explains too little of the pattern for any uncertainty.
    """

    phase: tuple[str, ...]
    scale: Array
    covariance: Array
    density: Array
    absorption: Array
    relative: Array
    strongest: Array
    trusted: bool

    @property
    def total(self) -> Array:
        """Covariance of the scales with what is not refined."""
        return np.asarray(self.covariance + np.diag((self.relative * self.scale) ** 2))

    def factored(self, factor: Array) -> Scales:
        """Multiply the scales by factors."""
        return replace(self, scale=self.scale * factor, covariance=self.covariance * np.outer(factor, factor))


def dimension(dataset: xr.Dataset) -> str:
    """Return the dimension of the phases: ``phase`` of a match, ``component`` of a refinement.

    Raises
    ------
    InputError
        When the Dataset holds no scales of phases.
    """
    dims = dataset["scale"].dims if "scale" in dataset else ()
    needed = ("scale", "scale_covariance", "density", "absorption")
    if not dims or dims[-1] not in ("phase", "component") or any(name not in dataset for name in needed):
        raise InputError(
            "this Dataset holds no scales of phases",
            where=str(dataset.attrs.get("kind", "")),
            remedy="Pass what xrd.match() or xrd.refine() returned",
        )
    return str(dims[-1])


def series_dims(dataset: xr.Dataset) -> tuple[str, ...]:
    """Return the dimensions of the series, () for one pattern."""
    return tuple(str(name) for name in dataset["scale"].dims[:-1])


def read(dataset: xr.Dataset) -> Scales:
    """Read the scales of one pattern.

    Parameters
    ----------
    dataset
        A match or a refinement of one pattern.

    Raises
    ------
    InputError
        When it holds no scales of phases.
    """
    schema.check(dataset)
    dim = dimension(dataset)
    ids = tuple(str(name) for name in dataset[dim].values)
    scale = dataset["scale"].values.astype(np.float64)
    covariance = dataset["scale_covariance"].values.astype(np.float64)
    scatter, count, strongest = _lines(dataset, ids) if "observed_ratio" in dataset else _no_lines(len(ids))
    relative = np.sqrt(weights.SYSTEMATIC**2 + (weights.TEXTURE * scatter) ** 2 / np.maximum(count, 1.0))
    present = scale > 0
    unknown = "weight_fraction_unc" in dataset and bool(
        np.any(np.isnan(dataset["weight_fraction_unc"].values[present]))
    )
    trusted = not unknown and bool(np.all(np.isfinite(covariance[np.ix_(present, present)])))
    return Scales(
        ids, scale, covariance, dataset["density"].values.astype(np.float64),
        dataset["absorption"].values.astype(np.float64), relative, strongest, trusted,
    )  # fmt: skip


def _no_lines(count: int) -> tuple[Array, Array, Array]:
    return np.zeros(count), np.ones(count), np.ones(count)


def _lines(dataset: xr.Dataset, ids: tuple[str, ...]) -> tuple[Array, Array, Array]:
    """Scatter of observed over calculated areas, number of lines that carry them, and the ratio of the strongest."""
    owner = dataset["reflection_phase"].values.astype(np.str_)
    seen = dataset["status"].values.astype(np.str_) == "confirmed"
    area, ratio = dataset["expected_area"].values, dataset["observed_ratio"].values
    scatter, count, strongest = (np.full(len(ids), value) for value in (UNSEEN_SCATTER, 1.0, 1.0))
    for place, name in enumerate(ids):
        own = (owner == name) & seen & np.isfinite(area) & np.isfinite(ratio)
        a, r = area[own], ratio[own]
        keep = a > WEAKEST * a.max(initial=0.0)
        a, r = a[keep], r[keep]
        if len(a):
            strongest[place] = float(r[np.argmax(a)])
        if len(a) > 1:
            scatter[place] = float(np.sqrt(np.average((r - 1.0) ** 2, weights=a)))
            count[place] = float(a.sum() ** 2 / np.sum(a**2))
    return scatter, count, strongest
