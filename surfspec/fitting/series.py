"""Run one fit over every member of a series; a member that cannot be fitted is data with reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import SurfspecError
from surfspec.fitting.model import Parameter
from surfspec.fitting.result import MemberFit, empty_member

Array = NDArray[np.float64]

#: Called with the number of members done and their total.
Progress = Callable[[int, int], None]


class FitOne(Protocol):
    """Fit one spectrum: axis, intensities, uncertainties (None where not given), index in the series."""

    def __call__(self, x: Array, y: Array, sigma: Array | None, index: tuple[int, ...]) -> MemberFit:
        """Return the fit of one member, or raise an error of surfspec."""
        ...


def fit_members(
    dataset: xr.Dataset,
    fit_one: FitOne,
    *,
    components: int,
    parameters: Sequence[Parameter],
    progress: Progress | None = None,
) -> list[MemberFit]:
    """Fit every member of a series on its own.

    Parameters
    ----------
    dataset
        Spectrum or series; the members are fitted in C order and do not see each other,
        so that their order never changes an answer.
    fit_one
        Fits one member. A :class:`~surfspec.errors.SurfspecError` that it raises becomes a failed
        member with that reason when there are several; of a single spectrum it is raised.
    components, parameters
        Size of the result, for members that fail.
    progress
        Called after each member.

    Returns
    -------
    list of MemberFit
        In C order of the series dimensions.
    """
    axis = schema.axis_of(dataset)
    x = np.array(dataset[axis].values, dtype=np.float64)
    intensity = np.asarray(dataset["intensity"].values, dtype=np.float64)
    given = np.asarray(dataset["intensity_unc"].values) if "intensity_unc" in dataset else None
    shape = intensity.shape[:-1]
    total = int(np.prod(shape)) if shape else 1
    members = []
    for done, index in enumerate(np.ndindex(*shape), start=1):
        sigma = None if given is None else np.array(given[index], dtype=np.float64)
        try:
            members.append(fit_one(x, np.array(intensity[index]), sigma, index))
        except SurfspecError as error:
            if not shape:
                raise
            reason = f"refused: {error}".replace(";", ",")
            members.append(empty_member(x.size, components, parameters, (reason,)))
        if progress is not None:
            progress(done, total)
    return members
