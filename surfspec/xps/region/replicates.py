"""Error bars from replicates: spectra that could as well have been measured, each fitted like the measured one."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import recipes, schema
from surfspec.errors import InputError
from surfspec.fitting.members import Members
from surfspec.fitting.series import Progress, check_progress
from surfspec.xps.recipe import Recipe
from surfspec.xps.region.member import END_POINTS, noise
from surfspec.xps.region.prepare import Prepared, prepare
from surfspec.xps.region.series_fit import engine_for, fit_together
from surfspec.xps.region.spectrum_fit import with_charge_uncertainty

Array = NDArray[np.float64]

#: Percentiles of a 68 % interval.
INTERVAL: Final = (0.15865525393145707, 0.8413447460685429)
#: Reasons of a fit that ended at no minimum.
NO_MINIMUM: Final = ("refused", "not converged", "not finite")
_PEAKS: Final = ("area", "center", "fwhm", "height")


def bootstrap(
    spectrum: xr.Dataset,
    fit: xr.Dataset,
    *,
    replicates: int = 1000,
    kind: Literal["parametric", "residual"] = "parametric",
    seed: int = 0,
    engine: str = "auto",
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Replace the uncertainties of a fit by the scatter of fits to replicates of the spectrum.

    .. math:: y^* \sim \mathrm{Poisson}(m) \ \ \text{or}\ \ N(m, \sigma^2) \quad\text{(parametric)}, \qquad
              y^*_i = m_i + \sigma_i\,e_{k(i)} \quad\text{(residual)}

    with the fitted model `m` and standardised residuals `e` drawn with replacement. The background is estimated anew
    in every replicate, from its own data, so that its noise takes part; the shape of the background and the window stay
    as they are. Priors of the recipe are drawn anew, too, around the fitted values: they are
    measurements like the others.

    Parameters
    ----------
    spectrum
        What was fitted, whole (the end levels reach beyond the window).
    fit
        What :func:`surfspec.xps.fit` returned for it.
    replicates
        For each member; a standard deviation is then known to ``1 / sqrt(2 replicates)``.
    kind
        ``"parametric"`` believes the counting statistics; ``"residual"`` takes the scatter from the residuals.
    seed
        The same seed gives the same replicates; members draw by their position in the series.
    engine
        ``"numpy"``, ``"numba"`` or ``"auto"``, as for :func:`surfspec.xps.fit`.
    progress
        Called with (members done, members in all).

    Returns
    -------
    xarray.Dataset
        The fit with new uncertainties, the root mean square distance of the replicates from the values that they were
        made from (scatter and bias: where a width lies on its limit, replicates can only go one way): ``area_unc``,
        ``center_unc``, ``fwhm_unc``, ``height_unc``, ``value_unc``, ``covariance`` and ``area_covariance``; 68 %
        intervals between percentiles, ``area_low`` to ``area_high`` and so on;
        ``area_bias`` and so on, the mean of the replicates less the value that they were made from; and
        ``replicates``, how many of them could be fitted. NaN for a member that failed, or most of whose replicates did.

    Raises
    ------
    InputError
        For a fit of other data, a fit with shared parameters, fewer than ten replicates or an unknown kind.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 6.5 and 9.4; Davison and Hinkley, Bootstrap
    Methods and their Application (1997), section 7.3.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> spectrum = ss.spectrum(e, np.round(y), technique="XPS")
    >>> fitted = ss.xps.fit(spectrum, "Zr 3d")
    >>> again = ss.xps.bootstrap(spectrum, fitted, replicates=100)
    >>> bool(0.8 < again.area_unc[0] / fitted.area_unc[0] < 1.25)
    True
    """
    if isinstance(replicates, bool) or not isinstance(replicates, int | np.integer) or replicates < 10:
        raise InputError(f"{replicates!r} replicates", where="replicates", remedy="Ask for at least 10, better 1000")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {seed!r}", where="seed", remedy="Give a whole number from 0 on")
    check_progress(progress)
    if kind not in ("parametric", "residual"):
        raise InputError(f"unknown kind of bootstrap {kind!r}", where="kind", remedy="Use 'parametric' or 'residual'")
    if engine not in ("auto", "numpy", "numba"):
        raise InputError(f"engine={engine!r} is not known", where="engine", remedy="Use 'auto', 'numpy' or 'numba'")
    ready = _ready(spectrum, fit)
    x = np.array(spectrum["binding_energy"].values, dtype=np.float64)
    y = np.asarray(spectrum["intensity"].values, dtype=np.float64).reshape(-1, x.size)
    sigma = None
    if "intensity_unc" in spectrum:
        sigma = np.asarray(spectrum["intensity_unc"].values, dtype=np.float64).reshape(y.shape)
    draw = _Draw(ready, x, kind, int(replicates), engine_for(engine, ready.task.table.model, int(replicates)))
    flat = {name: fit[name].values.reshape(len(y), *_tail(fit, name)) for name in ("model", "value", "verdict", "dof")}
    found: list[Members | None] = []
    for i, (index, one) in enumerate(zip(np.ndindex(*fit.verdict.shape), y, strict=True)):
        draw.x = ready.axis_of(x, index)
        usable = flat["verdict"][i] != "failed" and np.isfinite(flat["value"][i]).all()
        rng = np.random.default_rng([seed, i])
        unc = None if sigma is None else sigma[i]
        found.append(
            draw.fits(one, unc, flat["model"][i], flat["value"][i], float(flat["dof"][i]), rng) if usable else None
        )
        if progress is not None:
            progress(i + 1, len(y))
    return with_charge_uncertainty(_replaced(fit, found, int(replicates), kind))


def _ready(spectrum: xr.Dataset, fit: xr.Dataset) -> Prepared:
    """Return the recipe and window of the fit, on its data."""
    schema.check(fit, "fit")
    if "shared" in fit.attrs:
        raise InputError("this fit shares parameters", where="fit", remedy="Pass a fit without shared=")
    recipe = recipes.load_yaml(str(fit.attrs["recipe"]), Recipe)
    shift = fit.attrs.get("energy_shift")
    if isinstance(shift, bool) or not isinstance(shift, int | float | np.number):
        raise InputError(
            f"energy_shift of the fit is {shift!r}",
            where="fit",
            remedy="Pass what surfspec.xps.fit returned, unchanged",
        )
    ready = prepare(spectrum, recipe, shift_search=None, energy_shift=float(shift))
    model = ready.task.table.model
    for name, every in (("component", model.components), ("parameter", model.parameters)):
        if [str(one) for one in fit[name].values] != [one.name for one in every]:
            raise InputError(
                f"the fit has not every {name} of its recipe",
                where="fit",
                remedy="Pass the whole fit, not a part of it",
            )
    here, there = ready.cut["intensity"], fit["intensity"]
    if here.dims != there.dims or here.shape != there.shape or not np.array_equal(here.values, there.values):
        raise InputError("the fit is not one of this spectrum", where="fit", remedy="Pass the spectrum that was fitted")
    return ready


def _tail(fit: xr.Dataset, name: str) -> tuple[int, ...]:
    series = schema.series_dims(fit)
    return tuple(fit.sizes[dim] for dim in fit[name].dims if dim not in series)


class _Draw:
    """Draws replicates of one spectrum after the other, and fits them."""

    def __init__(self, ready: Prepared, x: Array, kind: str, count: int, engine: str) -> None:
        self.ready, self.x, self.kind, self.count, self.engine = ready, x, kind, count, engine

    def fits(
        self, y: Array, sigma: Array | None, model: Array, values: Array, dof: float, rng: np.random.Generator
    ) -> Members:
        """Return the fits of the replicates of one spectrum."""
        task, inside = self.ready.task, self.ready.inside
        counts = task.statistics == "poisson"
        half = END_POINTS // 2  # outside the window nothing was fitted: the centred mean is what would be expected
        expected = np.convolve(np.pad(y, half, mode="reflect"), np.ones(END_POINTS) / END_POINTS, mode="valid")
        expected[inside] = model
        if counts:
            expected = np.maximum(expected, 0.0)
            spread = np.sqrt(np.maximum(expected, 1e-6 * max(1.0, float(y.mean()))))
        else:
            spread = np.asarray(noise(y, task.statistics, sigma))
        shape = (self.count, y.size)
        if self.kind == "parametric":
            drawn = rng.poisson(expected, shape).astype(np.float64) if counts else rng.normal(expected, spread, shape)
        else:
            pulls = ((y - expected) / spread)[inside] * np.sqrt(np.count_nonzero(inside) / max(dof, 1.0))
            drawn = expected + spread * rng.choice(pulls - pulls.mean(), shape)
            drawn = np.maximum(drawn, 0.0) if counts else drawn
        unc = None if sigma is None else np.broadcast_to(sigma, shape)
        return fit_together(
            task, self.x, drawn, unc, inside,
            engine=self.engine, warm=values, fresh=False, prior_means=self._prior_means(values, rng),
        )  # fmt: skip

    def _prior_means(self, values: Array, rng: np.random.Generator) -> Array | None:
        """Draw what is known beforehand anew for each replicate, shape (replicates, p): a prior is a measurement."""
        table = self.ready.task.table
        if not table.has_priors:
            return None
        unc = np.array([0.0 if one.prior is None else one.prior[1] for one in table.model.parameters])
        return rng.normal(values, unc, (self.count, values.size))


def _replaced(fit: xr.Dataset, found: list[Members | None], replicates: int, kind: str) -> xr.Dataset:
    """Return the fit with the scatter of the replicates in the place of its uncertainties."""
    shape = tuple(fit.sizes[dim] for dim in schema.series_dims(fit))
    usable = [None if one is None else _usable(one) for one in found]
    enough = [rows is not None and 2 * rows.size > replicates for rows in usable]
    new: dict[str, Any] = {}

    def fill(name: str, like: str, of: str, long_name: str, numbers: Any) -> None:
        """Put one array a member, made of the replicates of a quantity and its origin, into a variable like another."""
        tail = _tail(fit, like)
        origins = fit[of].values.reshape(len(found), *_tail(fit, of))
        rows = [
            numbers(getattr(one, of)[rows], origin) if good and one is not None else np.full(tail, np.nan)
            for one, rows, good, origin in zip(found, usable, enough, origins, strict=True)
        ]
        attrs = {**fit[like].attrs, "long_name": long_name}
        attrs.pop("ancillary_variables", None)
        new[name] = (fit[like].dims, np.stack(rows).reshape(*shape, *tail), attrs)

    def told(name: str, otherwise: str) -> str:
        return str(fit[name].attrs.get("long_name", otherwise))

    for name in (*_PEAKS, "value"):
        fill(f"{name}_unc", f"{name}_unc", name, told(f"{name}_unc", name), _spread)
    for name in _PEAKS:  # low and high of a parameter are its limits
        word = name.capitalize()
        for end, share in zip(("low", "high"), INTERVAL, strict=True):
            fill(f"{name}_{end}", name, name, f"{word}: {end} end of the 68 % interval of replicates",
                 lambda drawn, _, q=share: np.quantile(drawn, q, axis=0))  # fmt: skip
        fill(f"{name}_bias", name, name, f"{word}: mean of the replicates less their origin",
             lambda drawn, origin: np.mean(drawn, axis=0) - origin)  # fmt: skip
    fill("covariance", "covariance", "value", told("covariance", "covariance"), _moments)
    fill("area_covariance", "area_covariance", "area", told("area_covariance", "area covariance"), _moments)
    counted = np.array([0 if rows is None else rows.size for rows in usable]).reshape(shape)
    meta = {"units": "1", "long_name": f"Replicates that could be fitted, of {replicates}"}
    new["replicates"] = (schema.series_dims(fit), counted, meta)
    out = fit.assign(new)
    out.attrs = {**fit.attrs, "uncertainties": f"bootstrap, {kind}, {replicates} replicates"}
    return schema.check(out, "fit")


def _moments(drawn: Array, origin: Array) -> Array:
    """Return the covariance of replicates about what they were made from: their scatter and their bias."""
    bias = drawn.mean(axis=0) - origin
    return np.asarray(np.atleast_2d(np.cov(drawn, rowvar=False)) + np.outer(bias, bias))


def _spread(drawn: Array, origin: Array) -> Array:
    """Return the standard uncertainties of :func:`_moments`."""
    return np.asarray(np.hypot(np.std(drawn, axis=0, ddof=1), drawn.mean(axis=0) - origin))


def _usable(members: Members) -> NDArray[np.intp]:
    """Return which replicates ended at a minimum."""
    lost = np.array([any(reason.startswith(NO_MINIMUM) for reason in one) for one in members.reasons], dtype=bool)
    return np.flatnonzero(~lost & np.isfinite(members.value).all(axis=1))
