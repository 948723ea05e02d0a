"""Cut spectra, and say what a result was made from."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.spectra.making import real_numbers

#: Attributes that a result takes over from its data, so that it says what it was made from.
ORIGIN = ("sample", "simulated", "instrument")


def crop(dataset: xr.Dataset, low: float, high: float) -> xr.Dataset:
    """Cut a spectrum to ``low <= axis <= high``.

    Parameters
    ----------
    dataset
        Spectrum or series.
    low, high
        Limits on its axis, in the unit of the axis; in either order.

    Returns
    -------
    xarray.Dataset
        The same Dataset with fewer points.

    Raises
    ------
    InputError
        When fewer than two points remain.

    Examples
    --------
    >>> import surfspec as ss
    >>> ds = ss.spectrum([1, 2, 3, 4], [5, 6, 7, 8], technique="LEIS")
    >>> ss.spectra.crop(ds, 2, 3).sizes["kinetic_energy"]
    2
    """
    axis = schema.axis_of(dataset)
    low, high = (float(real_numbers(limit, "a limit of the window", "crop")) for limit in (low, high))
    low, high = min(low, high), max(low, high)
    values = dataset[axis].values
    inside = (values >= low - 1e-9) & (values <= high + 1e-9)
    if np.count_nonzero(inside) < 2:
        raise InputError(
            f"the window {low:g} to {high:g} holds {np.count_nonzero(inside)} points of "
            f"{values[0]:g} to {values[-1]:g} {schema.AXES[axis][0]}",
            where=str(dataset.attrs.get("source_file", "")),
            remedy="Choose a window inside the measured range, or another region",
        )
    return dataset.isel({axis: inside})


def origin(*datasets: xr.Dataset) -> dict[str, Any]:
    """Return the attributes that a result made from these Datasets takes over.

    Parameters
    ----------
    *datasets
        The inputs. An attribute on which they disagree is left out, but a simulated input makes the
        result simulated.

    Examples
    --------
    >>> import surfspec as ss
    >>> one = ss.spectrum([1, 2], [3, 4], technique="LEIS", sample="A", simulated="true")
    >>> two = ss.spectrum([1, 2], [3, 4], technique="LEIS", sample="B")
    >>> ss.spectra.origin(one, two)
    {'simulated': 'true'}
    """
    found: dict[str, Any] = {}
    for name in ORIGIN:
        values = [dataset.attrs[name] for dataset in datasets if name in dataset.attrs]
        everywhere = len(values) == len(datasets) and all(value == values[0] for value in values)
        if values and (everywhere or name == "simulated"):
            found[name] = values[0]
    return found
