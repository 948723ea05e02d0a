"""Before a measurement: how well the areas of overlapping peaks can be told apart at all."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.leis.collisions.width import FWHM
from surfspec.leis.model import SpectrumModel
from surfspec.leis.planning.expectation import by_element, expected_from, window_of
from surfspec.leis.planning.information import Expected, area_covariance, model_of, parameters_of, resolution_of
from surfspec.leis.planning.tables import checked_elements, made, positive
from surfspec.leis.recipe import Recipe
from surfspec.spectra import origin

Array = NDArray[np.float64]

#: Relative standard deviation of an area up to which a pair is called separable.
LIMIT = 0.1


#: Decay length of a tail below which there is none, eV.
SHORTEST_TAIL = 1e-3


def forecast(
    what: Recipe | Iterable[str],
    *,
    counts: float | Mapping[str, float] | None = None,
    like: xr.Dataset | None = None,
    exposure: float = 1.0,
    fwhm: float | None = None,
    resolution: float | None = None,
    step: float = 5.0,
    shoulder: float | Mapping[str, float] | None = None,
    background: float = 50.0,
    tail: float = 0.0,
    limit: float = LIMIT,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
) -> xr.Dataset:
    r"""Forecast the uncertainties of peak areas from counting statistics, for each pair of elements.

    .. math:: \mathrm{cov}(A) \ge \big[(J^T \mathrm{diag}(\mu)^{-1} J)^{-1}\big]_{AA}

    (Cramer and Rao), with the expected counts :math:`\mu` and the derivatives `J` of the model that
    :func:`surfspec.leis.fit` fits, by everything that the recipe leaves free. It is the smallest possible uncertainty:
    no error of the model is in it.

    Parameters
    ----------
    what
        The recipe of the fit, or the elements, which then are fitted with the default recipe.
    counts
        In each surface peak, all points together; one number or by element. With `like` only for elements that it does
        not hold, or to put another number in the place of what it found.
    like
        Fit of a similar spectrum (one, in counts), which gives widths, tails, shoulders, feet and background: on a
        thick oxide these cost two to thirty times more than a constant background does.
    exposure
        How much longer than `like` is measured, 1.
    fwhm, resolution
        One of the two: FWHM of the peaks in eV, isotopes left out (of each pair in the mean; it sets the resolution),
        or the resolution of the analyser (FWHM over energy), to which the recipe adds acceptance and thermal motion.
        Neither is needed for a recipe with a fixed resolution.
    step
        Distance of the points, eV; that of `like` where there is one. So are `background` and `tail`.
    shoulder
        Height of the in-depth shoulders at their edge, counts per point, one number or by element; by default a
        twentieth of the height of the peak.
    background
        Constant background, counts per point.
    tail
        Decay length of the tails of the peaks to low energy, eV; 0 for Gaussians.
    limit
        Relative standard deviation up to which an area counts as determined.
    ion, energy, angle
        Projectile, its energy (eV) and the scattering angle (deg), when `what` is a list of elements.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``. Over (element, beside), two elements alone in the window: ``separation`` of the lines and
        ``fwhm`` of the peaks (eV), ``separation_fwhm`` (their ratio), ``relative_unc``: relative standard deviation of
        the area of `element` beside `beside` with positions tied by the kinematics, ``relative_unc_free``: with a
        position and a width of its own for each, ``separable`` and ``separable_free``: 1 where both areas stay within
        `limit`. The diagonal is the element alone. Over element: ``center`` (eV), ``counts``, ``relative_unc_all``: all
        elements together. NaN where the spectrum does not determine an area.

    Raises
    ------
    InputError, GeometryError
        For numbers that are none, peaks narrower than acceptance and thermal motion make them, unknown names, or an
        element that cannot scatter the ion.

    References
    ----------
    Cramer, Mathematical Methods of Statistics (1946); Rao, Bull. Calcutta Math. Soc. 37 (1945) 81.

    Examples
    --------
    >>> table = forecast(["Al", "Si", "P"], counts=10000, fwhm=60)
    >>> table.separable.sel(element="Si").values.tolist()
    [0, 1, 1]
    """
    if isinstance(what, Recipe):
        recipe = what
    else:
        recipe = Recipe(elements=checked_elements(what, where="what"), ion=ion, energy=energy, angle=angle)
    names = recipe.elements
    if len(names) < 2:
        raise InputError("one element has nothing to be separated from", where="what", remedy="Name two or more")
    if like is None:
        if counts is None:
            raise InputError("no counts", where="counts", remedy="Give the counts in each peak, or a fit as like")
        expected = Expected(
            counts=by_element(counts, names, "counts", above=0.0),
            shoulder=None if shoulder is None else by_element(shoulder, names, "shoulder"),
            background=float(by_element(background, names, "background")[names[0]]),
            tail=_no_less(float(by_element(tail, names, "tail")[names[0]])),
            step=positive(step, "step", "eV"),
        )
    else:
        # the heights of a fit hold on its own window
        recipe = replace(recipe, window=window_of(like))
        expected = expected_from(like, names, counts=counts, exposure=positive(exposure, "exposure", "1"))
        if fwhm is None and resolution is None:
            resolution = expected.found["resolution"]
    positive(limit, "limit", "relative standard deviation")
    _check_width(recipe, fwhm, resolution)
    square = np.full((len(names), len(names)), np.nan)
    out = {name: square.copy() for name in ("separation", "fwhm", "relative_unc", "relative_unc_free")}
    for i, j in itertools.combinations_with_replacement(range(len(names)), 2):
        pair = (names[i],) if i == j else (names[i], names[j])
        model, values = _prepared(_only(recipe, pair), expected, fwhm, resolution)
        width = _widths(model, values)
        centers = [model.lines[name].centroid for name in pair]
        out["separation"][i, j] = out["separation"][j, i] = abs(centers[0] - centers[-1])
        out["fwhm"][i, j] = out["fwhm"][j, i] = float(np.mean(width))
        for name, free in (("relative_unc", False), ("relative_unc_free", True)):
            spread = _relative(model, values, free=free, limited=bool(expected.found))
            out[name][i, j], out[name][j, i] = spread[0], spread[-1]
    model, values = _prepared(recipe, expected, fwhm, resolution)
    together = _relative(model, values, free=False, limited=bool(expected.found))
    both, one = ("element", "beside"), "element"
    separable = {
        name: np.where(np.isfinite(value) & np.isfinite(value.T), (np.maximum(value, value.T) <= limit), False).astype(
            int
        )
        for name, value in out.items()
        if name.startswith("relative")
    }
    return made(
        {
            "relative_unc": (both, out["relative_unc"], "1", "Relative standard deviation of the area, tied"),
            "relative_unc_free": (
                both, out["relative_unc_free"], "1", "Relative standard deviation of the area, free positions"
            ),
            "separation": (both, out["separation"], "eV", "Distance of the lines"),
            "fwhm": (both, out["fwhm"], "eV", "FWHM of the peaks"),
            "separation_fwhm": (both, out["separation"] / out["fwhm"], "1", "Distance over FWHM"),
            "separable": (both, separable["relative_unc"], "1", "1 where both areas are determined, tied"),
            "separable_free": (both, separable["relative_unc_free"], "1", "1 where determined, free positions"),
            "center": (one, np.array([model.lines[name].centroid for name in names]), "eV", "Mean energy of the lines"),
            "counts": (one, np.array([expected.counts[name] for name in names]), "counts", "Counts in the peak"),
            "relative_unc_all": (one, together, "1", "Relative standard deviation, all elements together"),
        },
        {"element": names, "beside": names},
        {
            "ion": recipe.ion,
            "ion_energy": float(recipe.energy),
            "scattering_angle": float(recipe.angle),
            "limit": float(limit),
            "step": expected.step,
            "background": expected.background,
            "criterion": f"separable: both areas within {100 * limit:g} % (one standard deviation, counting statistics "
            "alone, positions and widths tied)",
            "comment": "NaN: the spectrum does not determine the area",
            **(origin(like) if like is not None else {}),
        },
    )  # fmt: skip


def _check_width(recipe: Recipe, fwhm: float | None, resolution: float | None) -> None:
    if fwhm is not None and resolution is not None:
        raise InputError("fwhm and resolution are both given", where="fwhm", remedy="Give one of them")
    if fwhm is not None:
        positive(fwhm, "fwhm", "eV")
    elif resolution is not None:
        positive(resolution, "resolution", "FWHM over energy")
    elif recipe.resolution[0] < recipe.resolution[1]:
        raise InputError(
            "nothing says how wide the peaks are",
            where="fwhm",
            remedy="Give fwhm in eV, resolution, or a recipe with a fixed resolution",
        )


def _only(recipe: Recipe, names: tuple[str, ...]) -> Recipe:
    """Return the recipe of some of its elements."""
    lag = tuple(name for name in recipe.lagging() if name in names)
    loss = {name: value for name, value in recipe.inelastic_loss.items() if name in names}
    return replace(recipe, elements=names, lag=lag, inelastic_loss=loss)


def _prepared(
    recipe: Recipe, expected: Expected, fwhm: float | None, resolution: float | None
) -> tuple[SpectrumModel, Array]:
    model = model_of(recipe, expected)
    width = recipe.resolution[0] if resolution is None else resolution
    if fwhm is not None:
        width = resolution_of(model, fwhm)
    found = {name: value for name, value in expected.found.items() if name != "resolution"}
    return model, parameters_of(model, replace(expected, found=found), width)


def _widths(model: SpectrumModel, values: Array) -> list[float]:
    named = model.named(values[: model.shape_count])
    return [FWHM * model.widths(name, named)[0] for name in model.recipe.elements]


def _relative(model: SpectrumModel, values: Array, *, free: bool, limited: bool) -> Array:
    areas = values[model.shape_count + model.area_columns]
    variance = np.diag(area_covariance(model, values, free_positions=free, limited=limited))
    return np.asarray(np.sqrt(variance) / areas)


def _no_less(tail: float) -> float:
    """Return the decay length of a tail, 0 where it is far shorter than any step."""
    return tail if tail > SHORTEST_TAIL else 0.0
