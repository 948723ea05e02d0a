"""What a spectrum is expected to hold: numbers of the user, or the fit of a similar spectrum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.given import number
from surfspec.leis.planning.information import Expected

#: Most counts that are believed.
LARGEST_COUNT = 1e15


def by_element(
    value: float | Mapping[str, float], names: tuple[str, ...], where: str, above: float | None = None
) -> dict[str, float]:
    """Return a number for each element, or raise InputError; `above` is a limit that it must exceed, 0 else allowed."""
    if isinstance(value, Mapping):
        missing = [name for name in names if name not in value]
        if missing:
            raise InputError(
                f"no {where} for {', '.join(missing)}", where=where, remedy="Give a number for each element"
            )
        given = {name: value[name] for name in names}
    else:
        given = dict.fromkeys(names, value)
    low = 0.0 if above is None else above
    return {
        name: number(one, where, low=low, high=LARGEST_COUNT, above=above is not None) for name, one in given.items()
    }


def window_of(fit: xr.Dataset) -> tuple[float, float]:
    """Return the first and last energy of a fit, eV."""
    schema.check(fit, "fit")
    axis = fit[schema.axis_of(fit)].values
    return float(axis[0]), float(axis[-1])


def expected_from(
    fit: xr.Dataset, names: tuple[str, ...], *, counts: float | Mapping[str, float] | None, exposure: float
) -> Expected:
    """Expect a spectrum like a fitted one.

    Parameters
    ----------
    fit
        Fit of one LEIS spectrum in counts.
    names
        Elements of the forecast.
    counts
        In the peaks of elements that the fit does not hold, or of those named, instead of what the fit found.
    exposure
        Factor on everything that was counted.

    Raises
    ------
    InputError
        For a series, a fit that failed or is not in counts, an element without counts.
    """
    schema.check(fit, "fit")
    if fit.attrs.get("technique") != "LEIS" or fit["area"].dims != ("component",):
        raise InputError("like is no fit of one LEIS spectrum", where="like", remedy="Select one with .isel()")
    if fit["intensity"].attrs.get("units") != "counts" or str(fit["verdict"].values) == "failed":
        raise InputError(
            "like has no counts to go by",
            where="like",
            remedy=f"Pass a fit in counts (not counts/s) that did not fail {fit['reasons'].values}",
        )
    axis = fit["kinetic_energy"].values
    step = float(np.mean(np.diff(axis)))
    found = {str(name): float(value) for name, value in zip(fit["parameter"].values, fit["value"].values, strict=True)}
    shapes = {"offset", "resolution", "acceptance", "survival", "tail"}
    found = {
        name: value * (1.0 if name in shapes or name.endswith(" lag") else exposure) for name, value in found.items()
    }
    own = {name: found[f"{name} area"] / step for name in names if f"{name} area" in found}
    given = counts if isinstance(counts, Mapping) else {}
    if counts is not None and not isinstance(counts, Mapping):
        given = {name: counts for name in names if name not in own}
    wanted = by_element({**own, **given}, names, "counts", above=0.0)
    for name in given:
        found.pop(f"{name} area", None)
    return Expected(
        counts=wanted,
        shoulder=None,
        background=found.get("constant", 0.0),
        tail=found.get("tail", 0.0),
        step=step,
        found=found,
    )
