"""Fit LEIS spectra: start by variable projection, end at the maximum of the likelihood, judged and assembled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.result import MemberFit, assemble
from surfspec.fitting.series import fit_members
from surfspec.fitting.verdict import verdict_of, worst
from surfspec.leis.above_window import points_above, unexplained_above
from surfspec.leis.member_fit import fit_member
from surfspec.leis.model import SpectrumModel
from surfspec.leis.recipe import Recipe
from surfspec.recipes import to_yaml

Array = NDArray[np.float64]


def fit(
    spectrum: xr.Dataset,
    recipe: Recipe,
    *,
    start: Mapping[str, float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Fit a LEIS spectrum, or every spectrum of a series, with peaks tied through the kinematics.

    The model is that of :mod:`surfspec.leis.model`; counts are fitted by the Poisson likelihood.

    Parameters
    ----------
    spectrum
        Dataset of kind ``spectrum``: ``intensity`` (..., kinetic_energy).
    recipe
        Projectile, geometry, elements and what is free.
    start
        Start values of ``offset`` (eV), ``resolution`` (1), ``survival`` (eV^1/2), ``tail`` (eV) or
        ``"Zr lag"`` (eV), by name.
    progress
        Called with the number of spectra done and their total.

    Returns
    -------
    xarray.Dataset
        Of kind ``fit``. Components are the elements (coordinates ``component`` and ``element``): ``contribution`` is
        the surface peak, ``area`` its counts eV; in-depth shoulders, foot, sputter tail and constant make the
        ``background`` and have their heights among the parameters. ``center`` is the mean single-scattering energy plus
        the offset, ``fwhm`` and ``height`` are those of the whole peak, isotopes and tail included.

    Raises
    ------
    InputError, SchemaError
        For data that are no LEIS spectrum or do not cover the peaks.

    References
    ----------
    Nelson, J. Vac. Sci. Technol. A 4 (1986) 1567; Golub and Pereyra, Inverse Problems 19 (2003) R1.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> recipe = ss.leis.Recipe(elements=("O", "Zr"))
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> model = SpectrumModel(recipe, energy)
    >>> truth = np.zeros(len(model.parameters))
    >>> truth[:4] = 4.0, 0.02, 100.0, 8.0
    >>> truth[[5, 9]] = 4e5, 9e5
    >>> truth[-1] = 3.0
    >>> counts = np.random.default_rng(1).poisson(model.evaluate(truth))
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), recipe)
    >>> bool(abs(fit.area.sel(component="Zr") / 9e5 - 1) < 0.01)
    True
    """
    schema.check(spectrum, "spectrum")
    if spectrum.attrs["technique"] != "LEIS":
        raise InputError(
            f"this is a {spectrum.attrs['technique']} spectrum",
            where="spectrum",
            remedy=f"Fit it with surfspec.{str(spectrum.attrs['technique']).lower()}.fit",
        )
    if not isinstance(recipe, Recipe):
        raise InputError(
            f"a {type(recipe).__name__} is no LEIS recipe", where="recipe", remedy="Pass surfspec.leis.Recipe(...)"
        )
    cut = spectra.crop(spectrum, *recipe.limits())
    energy = np.array(cut["kinetic_energy"].values, dtype=np.float64)
    model = SpectrumModel(recipe, energy, units=str(cut["intensity"].attrs["units"]))
    shape_start = _shape_start(model, start)
    statistics = str(cut.attrs["statistics"])
    extra = _setting_reasons(cut, recipe)
    above = points_above(spectrum, recipe)

    def fit_one(x: Array, y: Array, sigma: Array | None, index: tuple[int, ...]) -> MemberFit:
        member = fit_member(model, y, statistics, sigma, start=shape_start, extra=extra)
        found = unexplained_above(above[0], above[1][index], member, y, statistics) if above else ""
        if not found:
            return member
        return replace(member, reasons=(*member.reasons, found), verdict=worst([member.verdict, verdict_of([found])]))

    members = fit_members(cut, fit_one, components=len(recipe.elements), parameters=model.parameters, progress=progress)
    return assemble(
        members,
        cut,
        components=recipe.elements,
        parameters=model.parameters,
        labels={"element": recipe.elements},
        recipe=to_yaml(recipe),
        attrs={"ion": recipe.ion, "ion_energy": recipe.energy, "scattering_angle": recipe.angle},
    )


def _shape_start(model: SpectrumModel, start: Mapping[str, float] | None) -> Array:
    values = np.array([p.value for p in model.parameters[: model.shape_count]])
    for name, value in (start or {}).items():
        if name not in model.shape_names:
            raise InputError(
                f"no start value can be given for {name!r}",
                where="start",
                remedy=f"Give {', '.join(model.shape_names)}; areas and heights are found by linear least squares",
            )
        values[model.shape_names.index(name)] = float(value)
    return values


def _setting_reasons(spectrum: xr.Dataset, recipe: Recipe) -> tuple[str, ...]:
    """Return a reason for each setting that the file and the recipe state differently."""
    reasons = []
    for name, value in (("ion_energy", recipe.energy), ("scattering_angle", recipe.angle)):
        stated = spectrum.attrs.get(name)
        if isinstance(stated, int | float | np.number) and abs(float(stated) - value) > 1e-6 * abs(value):
            reasons.append(f"energy scale: {name} is {float(stated):g} in the file and {value:g} in the recipe")
    return tuple(reasons)
