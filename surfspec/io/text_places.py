"""Columns of a text table that are called after places: an area scan."""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from surfspec import schema, spectra

#: A column that is called after the place where it was measured.
_PLACE = re.compile(r"x_?(-?\d+(?:\.\d+)?)[_ ,;]+y_?(-?\d+(?:\.\d+)?)", re.IGNORECASE)


def on_a_grid(dataset: xr.Dataset, labels: list[str]) -> xr.Dataset:
    """Lay columns that are called after places, ``x0_y1000``, over dimensions x and y; without a unit, as in the file.

    Places that fill no rectangle become coordinates of the spectra.
    """
    places = [match.groups() for label in labels if (match := _PLACE.fullmatch(label.strip()))]
    if len(places) < len(labels):
        return dataset
    axis = schema.axis_of(dataset)
    at = {name: [float(place[i]) for place in places] for i, name in enumerate(("x", "y"))}
    meta = {name: {"long_name": name, "units": "1"} for name in at}
    if not spectra.rectangle(at):
        return dataset.assign_coords({name: ("spectrum", at[name], meta[name]) for name in at})
    grid = {name: sorted(set(column)) for name, column in at.items()}
    order = np.lexsort((at["y"], at["x"]))
    shape = (len(grid["x"]), len(grid["y"]), dataset.sizes[axis])
    intensity = dataset["intensity"]
    return xr.Dataset(
        {"intensity": (("x", "y", axis), intensity.values[order].reshape(shape), intensity.attrs)},
        coords={axis: dataset[axis], **{name: (name, grid[name], meta[name]) for name in at}},
        attrs=dataset.attrs,
    )
