"""Peaks to calibrate with: numbers, or fits of one element each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.given import listed, number

#: A measured peak: energy and standard uncertainty (eV), or the fit of one element.
Measured = tuple[float, float] | xr.Dataset


def measured_peaks(
    measured: Mapping[str, Measured] | xr.Dataset | Sequence[xr.Dataset],
) -> tuple[dict[str, tuple[float, float]], list[xr.Dataset]]:
    """Return energies and standard uncertainties (eV) by element, and the fits that they come from.

    Parameters
    ----------
    measured
        Pairs of numbers or fits by element, or fits of one element each.

    Raises
    ------
    InputError
        For anything else, a fit of several elements, a failed one, or an element that is there twice.

    Examples
    --------
    >>> measured_peaks({"Au": (923.0, 0.5)})
    ({'Au': (923.0, 0.5)}, [])
    """
    entries: list[tuple[str | None, Measured]]
    if isinstance(measured, xr.Dataset):
        entries = [(None, measured)]
    elif isinstance(measured, Mapping):
        entries = list(cast("Mapping[str | None, Measured]", measured).items())
    else:
        entries = [(None, cast("Measured", one)) for one in listed(measured, "measured")]
    peaks: dict[str, tuple[float, float]] = {}
    inputs = []
    for name, entry in entries:
        if isinstance(entry, xr.Dataset):
            element, pair = _of_fit(entry)
            if name not in (None, element):
                raise InputError(f"the fit called {name} is of {element}", where="measured", remedy="Name it rightly")
            inputs.append(entry)
        elif name is not None and isinstance(entry, list | tuple) and len(entry) == 2:
            element, pair = name, (number(entry[0], "measured"), number(entry[1], "measured"))
        else:
            raise InputError(
                f"{name or 'an entry'}: {entry}",
                where="measured",
                remedy="Give (energy, standard uncertainty) in eV by element, or fits of one element",
            )
        if element in peaks:
            raise InputError(f"{element} is there twice", where="measured", remedy="Give each element once")
        peaks[element] = pair
    return peaks, inputs


def _of_fit(fit: xr.Dataset) -> tuple[str, tuple[float, float]]:
    schema.check(fit, "fit")
    if fit.attrs.get("technique") != "LEIS" or fit["center"].dims != ("component",) or fit.sizes["component"] != 1:
        names = ", ".join(map(str, fit["component"].values))
        raise InputError(
            f"a fit of {names} with dimensions {tuple(map(str, fit['center'].dims))} holds no position of its own for "
            "each element",
            where="measured",
            remedy="Fit each element alone, in a window of its own, and pass those fits (of one spectrum each)",
        )
    if str(fit["verdict"].values) == "failed":
        raise InputError("a fit that failed", where="measured", remedy=f"Mend it first: {fit['reasons'].values}")
    return str(fit["component"].values[0]), (float(fit["center"][0]), float(fit["center_unc"][0]))
