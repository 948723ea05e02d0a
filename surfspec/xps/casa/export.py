"""A fit of surfspec in the lines of CasaXPS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

from surfspec import recipes, schema
from surfspec.errors import InputError
from surfspec.io.casa_comment import annotation_count
from surfspec.io.casa_types import CasaCalibration, CasaComponent, CasaRegion
from surfspec.io.casa_write import write_casa
from surfspec.xps.casa.maker import Maker
from surfspec.xps.charge.undo import undo_charge_correction
from surfspec.xps.recipe import Recipe


@dataclass(frozen=True)
class CasaFit:
    """A fit as CasaXPS keeps it.

    Attributes
    ----------
    regions, components, calibrations
        For :func:`surfspec.io.write_casa`.
    differences
        What CasaXPS computes otherwise or cannot keep, one sentence each.
    """

    regions: tuple[CasaRegion, ...]
    components: tuple[CasaComponent, ...]
    calibrations: tuple[CasaCalibration, ...]
    differences: tuple[str, ...]


def to_casa(fit: xr.Dataset, *, library: Mapping[str, float] | str = "scofield") -> CasaFit:
    """Express a fit in regions, components and calibrations of CasaXPS.

    Positions become kinetic energies on the charge-corrected scale, the charge correction a calibration; areas become
    rates where the dwell time is known; ties of areas, widths and centres to one other component become links. A fit
    of what :func:`from_casa` made keeps region, names, R.S.F., masses, indices, limits and texts of shapes as read, as
    far as its recipe still has them.

    Parameters
    ----------
    fit
        Of :func:`surfspec.xps.fit` or :func:`surfspec.xps.rebuild_casa`, a single spectrum, with its photon energy.
    library
        Sensitivity factors for the R.S.F. of a fit that does not carry its own: a name, or core level -> factor. A line
        that it does not have is written with 1, and the differences say so.

    Returns
    -------
    CasaFit

    Raises
    ------
    InputError
        For a shape or background that CasaXPS does not have, a series, a failed fit or an unknown photon energy.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(278.0, 292.0, 0.1)
    >>> y = 200 + 900 * np.exp(-(((e - 284.8) / 0.7) ** 2))
    >>> data = ss.spectrum(e, np.round(y), technique="XPS", region="C 1s", photon_energy=1486.6)
    >>> widths = {"fwhm": ss.xps.Range(1.2, 0.5, 2.0), "mixing": 0.3}
    >>> peak = ss.xps.Peak("C-C", "C 1s", ss.xps.Range(284.8, 284.0, 286.0), "gl_sum", widths)
    >>> under = ss.xps.Background("linear", {"average": 3}, below_tails=False)
    >>> recipe = ss.xps.Recipe("C", "C 1s", (279.0, 291.0), peaks=(peak,), background=under)
    >>> to_casa(ss.xps.fit(data, recipe)).components[0].shape
    'SGL(30)'
    """
    schema.check(fit, "fit")
    _check(fit)
    recipe = recipes.load_yaml(str(fit.attrs["recipe"]), Recipe)
    maker = Maker(fit, recipe, library)
    components = tuple(_tidy(maker.component(i)) for i in range(fit.sizes["component"]))
    region = _tidy(maker.region())
    calibrations = tuple(_tidy(one) for one in maker.calibrations())
    return CasaFit((region,), components, calibrations, tuple(dict.fromkeys(maker.differences)))


def _tidy(one: Any) -> Any:
    """Round the numbers of a dataclass to twelve digits, so that the lines carry no noise of the last bits."""
    if isinstance(one, float):
        return float(f"{one:.12g}")
    if isinstance(one, tuple):
        return tuple(_tidy(part) for part in one)
    if is_dataclass(one) and not isinstance(one, type):
        return replace(one, **{part.name: _tidy(getattr(one, part.name)) for part in fields(one)})
    return one


def write_casa_fit(
    fit: xr.Dataset,
    spectrum: xr.Dataset,
    path: str | Path,
    *,
    library: Mapping[str, float] | str = "scofield",
    overwrite: bool = False,
) -> CasaFit:
    """Write a spectrum with its fit as VAMAS that CasaXPS opens with regions, components and calibration.

    Parameters
    ----------
    fit, library
        As for :func:`to_casa`.
    spectrum
        The whole spectrum that was fitted, charge corrected or not: it is written as it was measured, and the
        correction as a calibration.
    path, overwrite
        As for :func:`surfspec.io.write_casa`.

    Returns
    -------
    CasaFit
        What was written; its ``differences`` say what CasaXPS computes otherwise.

    Raises
    ------
    InputError
        As :func:`to_casa` and :func:`surfspec.io.write_casa`.

    Examples
    --------
    >>> import tempfile, numpy as np, surfspec as ss
    >>> e = np.arange(278.0, 292.0, 0.1)
    >>> y = 200 + 900 * np.exp(-(((e - 284.8) / 0.7) ** 2))
    >>> data = ss.spectrum(e, np.round(y), technique="XPS", region="C 1s", photon_energy=1486.6)
    >>> widths = {"fwhm": ss.xps.Range(1.2, 0.5, 2.0), "mixing": 0.3}
    >>> peak = ss.xps.Peak("C-C", "C 1s", ss.xps.Range(284.8, 284.0, 286.0), "gl_sum", widths)
    >>> under = ss.xps.Background("linear", {"average": 3}, below_tails=False)
    >>> recipe = ss.xps.Recipe("C", "C 1s", (279.0, 291.0), peaks=(peak,), background=under)
    >>> write_casa_fit(ss.xps.fit(data, recipe), data, tempfile.mkdtemp() + "/c.vms").differences
    ()
    """
    told = to_casa(fit, library=library)
    lost = annotation_count(spectrum)
    if lost:
        told = replace(told, differences=(*told.differences, f"annotations of the picture are not written ({lost})"))
    data = undo_charge_correction(spectrum) if "charge_shift" in spectrum.attrs else spectrum
    write_casa(
        data,
        path,
        regions=told.regions,
        components=told.components,
        calibrations=told.calibrations,
        overwrite=overwrite,
    )
    return told


def _check(fit: xr.Dataset) -> None:
    if schema.series_dims(fit):
        raise InputError("the fit is a series", where="fit", remedy="Select one member with .isel()")
    if str(fit["verdict"].item()) == "failed":
        raise InputError(
            f"the fit failed: {fit['reasons'].item()}", where="fit", remedy="Mend it before another program believes it"
        )
    if not float(fit.attrs.get("photon_energy", 0.0)) > 0.0:
        raise InputError(
            "the photon energy is not known, and CasaXPS keeps kinetic energies",
            where="fit",
            remedy="Set attrs['photon_energy'], 1486.6 for Al K-alpha, before the fit",
        )
