r"""The in-depth edge beneath a film that leaves a part of the surface bare: two edges, one of them known.

.. math:: y(E) = b\,R(E) + \big(H + U\,\tfrac{E_e - E}{\mathrm{keV}}\big)\,\mathrm{step}(E_e, s)\,e^{-k(\dots)}
    + \text{all other elements}

A bare part shows what the bare substrate shows, surface peak and shoulder together: `R` is the curve of the element
in the fit of the reference, with offset, widths and survival of the sample's own fit. Where peak and shoulder of the
reference part is known badly, for the peak hides the beginning of the shoulder; their sum is not. What the bare part
does not explain is the shoulder of the covered one, whose edge is where the fit has its lag, and whose height and rise
are free. One edge for both parts is no mean of the two: the surface peak takes up as much of the bare part's
beginning as it likes.

The uncertainty of the lag has three parts: that of the chi-square's rise, and to first order those by offset, width,
tail and survival of the sample's fit and by the curve of the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import nnls

from surfspec.errors import InputError
from surfspec.leis.amounts.detection import recipe_of
from surfspec.leis.collisions.width import FWHM
from surfspec.leis.film.grid_profile import interval_of, vertex
from surfspec.leis.model import FAINT, SpectrumModel

Array = NDArray[np.float64]

#: Energies used: below the elastic peak in units of the longest lag, above it in full widths of the peak.
BELOW, ABOVE = 1.75, 1.5
#: Steps of the lags tried, everywhere and about the best, and how far about it, eV.
COARSE, FINE, ABOUT = 6.0, 1.0, 9.0


@dataclass(frozen=True)
class CoveredEdge:
    """The edge of the covered part in one spectrum.

    Attributes
    ----------
    lag, unc
        eV; NaN where it cannot be placed.
    share, share_unc
        Intensity of the bare part over that of the reference, and its uncertainty by counting.
    """

    lag: float
    unc: float
    share: float
    share_unc: float


def covered_edges(fit: xr.Dataset, reference: xr.Dataset, element: str) -> xr.Dataset:
    """Find the edge of the covered part in each spectrum of a fit.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned for the sample.
    reference
        The same for the bare substrate; the mean over its members is used.
    element
        Whose edge.

    Returns
    -------
    xarray.Dataset
        Over the series dimensions: ``lag``, ``lag_unc`` (eV), ``share``, ``share_unc``.

    Raises
    ------
    InputError
        For a reference whose recipe describes the element by other shapes, or that shows no surface peak of it.
    """
    axis = str(fit["intensity"].dims[-1])
    recipe = recipe_of(fit)
    energy = np.asarray(fit[axis].values, dtype=np.float64)
    near = _near(SpectrumModel(recipe, energy), element)
    near[[0, -1]] = True  # the model wants every peak inside its data
    model = SpectrumModel(recipe, energy[near])
    used = [i for i, name in enumerate(model.linear_names) if name.rpartition(" ")[0] == element]
    bare = _bare(reference, element, [model.linear_names[i] for i in used])
    names = [parameter.name for parameter in model.parameters]
    dims = [str(d) for d in fit["chi2"].dims]
    values = fit["value"].sel(parameter=names).transpose(*dims, "parameter").values
    shapes = list(model.shape_names)
    errors = fit["covariance"].sel(parameter=shapes, parameter_b=shapes)
    errors = np.nan_to_num(errors.transpose(*dims, "parameter", "parameter_b").values)
    counts, fitted = (fit[name].transpose(*dims, axis).values[..., near] for name in ("intensity", "model"))
    failed = fit["verdict"].transpose(*dims).values == "failed"
    poisson = fit.attrs.get("statistics") == "poisson"
    columns = np.full((4, *failed.shape), np.nan)
    for i in np.ndindex(*failed.shape):
        if failed[i] or not np.all(np.isfinite(values[i])):
            continue
        one = _Mixture(model, element, used, values[i], counts[i], fitted[i], poisson).solve(bare, errors[i])
        columns[(slice(None), *i)] = one.lag, one.unc, one.share, one.share_unc
    keys = ("lag", "lag_unc", "share", "share_unc")
    return xr.Dataset({key: (dims, column) for key, column in zip(keys, columns, strict=True)})


def _near(model: SpectrumModel, element: str) -> NDArray[np.bool_]:
    """Return which energies the edge and the peak of an element touch, whatever the offset."""
    recipe = model.recipe
    named = {"resolution": recipe.resolution[1], "acceptance": 0.0}
    if isinstance(recipe.acceptance, tuple):
        named["acceptance"] = recipe.acceptance[1]
    top, width = model.lines[element].centroid, FWHM * model.widths(element, named)[0]
    low = top + recipe.offset[0] - BELOW * recipe.lag_range[1]
    return np.asarray((model.energy > low) & (model.energy < top + recipe.offset[1] + ABOVE * width))


def _bare(reference: xr.Dataset, element: str, parts: list[str]) -> tuple[Array, Array]:
    """Return lag and linear parameters of the element in each member of the reference, and their covariances.

    Of shapes (m, 1 + parts) and (m, 1 + parts, 1 + parts).
    """
    names = [f"{element} lag", *parts]
    if not set(names) <= set(map(str, reference["parameter"].values)):
        raise InputError(
            f"the reference was fitted without {element}, or with other shapes of it",
            where="reference",
            remedy="Fit it with the same recipe",
        )
    dims = [str(d) for d in reference["chi2"].dims]
    found = reference["value"].sel(parameter=names).transpose(*dims, "parameter").values.reshape(-1, len(names))
    good = np.all(np.isfinite(found), axis=1) & (reference["verdict"].transpose(*dims).values.ravel() != "failed")
    if not np.any(good) or not found[good, 1].mean() > 0:
        raise InputError(
            "the reference shows no surface peak of the element",
            where="reference",
            remedy="Give the fit of the bare substrate",
        )
    errors = reference["covariance"].sel(parameter=names, parameter_b=names)
    matrices = errors.transpose(*dims, "parameter", "parameter_b").values.reshape(-1, len(names), len(names))
    return np.asarray(found[good], dtype=np.float64), np.nan_to_num(matrices[good])


class _Alone:
    """The columns of one element of a model, without the work for the others where it is the heaviest."""

    def __init__(self, model: SpectrumModel, element: str, used: list[int]) -> None:
        self.model, self.used = model, used
        self.small: SpectrumModel | None = None
        if element == model.heaviest:  # any other has a foot, which an element alone has not
            recipe = model.recipe
            loss = {name: value for name, value in recipe.inelastic_loss.items() if name == element}
            one = replace(recipe, elements=(element,), lag=(element,), inelastic_loss=loss)
            self.small = SpectrumModel(one, model.energy)
            self.places = [model.shape_names.index(name) for name in self.small.shape_names]

    def design(self, shapes: Array) -> Array:
        """Return the columns at the model's non-linear parameters, shape (n, parts)."""
        if self.small is None:
            return self.model.design(shapes)[:, self.used]
        own = shapes[self.places]
        # the distance of Gaussians and maxima is a mean over all elements of a model
        shift = self.model.center_shift(self.model.named(shapes))[0]
        own[self.small.shape_names.index("offset")] += shift - self.small.center_shift(self.small.named(own))[0]
        return self.small.design(own)[:, : len(self.used)]


class _Mixture:
    """One spectrum about the edge of one element, all other elements taken off."""

    def __init__(
        self,
        model: SpectrumModel,
        element: str,
        used: list[int],
        values: Array,
        counts: Array,
        fitted: Array,
        poisson: bool,
    ) -> None:
        self.model, self.alone = model, _Alone(model, element, used)
        self.shapes, linear = values[: model.shape_count].copy(), values[model.shape_count :]
        self.place = model.shape_names.index(f"{element} lag")
        self.inside = slice(1, -1)
        rest, level = (counts - fitted)[self.inside], fitted[self.inside]
        variance = np.maximum(level, 1.0) if poisson else np.full(rest.size, np.mean(rest**2) + 1e-300)
        self.root = 1.0 / np.sqrt(variance)
        self.data = rest * self.root + self.columns(float(self.shapes[self.place])) @ linear[used]

    def columns(self, lag: float, shapes: Array | None = None) -> Array:
        """Return the columns of the element's linear parameters in units of the noise, shape (n, parts)."""
        moved = (self.shapes if shapes is None else shapes).copy()
        moved[self.place] = lag
        found: Array = self.alone.design(moved)[self.inside] * self.root[:, None]
        return found

    def solve(self, bare: tuple[Array, Array], errors: Array) -> CoveredEdge:
        """Return the edge beside the bare part.

        Parameters
        ----------
        bare
            What :func:`_bare` returned.
        errors
            Covariance of the non-linear parameters.
        """
        whole = np.mean([self.columns(float(row[0])) @ row[1:] for row in bare[0]], axis=0)

        def at(lag: float) -> tuple[Array, Array, float]:
            design = np.column_stack([whole, self.columns(lag)[:, 1:]])
            best, rest = nnls(design, self.data)
            return design, best, float(rest**2)

        low, high = self.model.recipe.lag_range
        grid = np.append(np.arange(low, high, COARSE), high)
        chi2 = np.array([at(float(lag))[2] for lag in grid])
        center = float(grid[int(np.argmin(chi2))])
        fine = np.arange(max(low, center - ABOUT), min(high, center + ABOUT) + 1e-9, FINE)
        fine = fine[np.min(np.abs(fine[:, None] - grid), axis=1) > 1e-6]
        order = np.argsort(np.append(grid, fine))
        chi2 = np.append(chi2, [at(float(lag))[2] for lag in fine])[order]
        grid = np.append(grid, fine)[order]
        k = int(np.argmin(chi2))
        design, best, least = at(float(grid[k]))
        free = best > 0
        free[0] = True
        inverse = np.linalg.pinv(design[:, free].T @ design[:, free], hermitian=True)
        share, share_unc = float(best[0]), float(np.sqrt(inverse[0, 0]))
        alone = float(nnls(whole[:, None], self.data)[1] ** 2)
        birge = max(1.0, least / max(1, self.data.size - 1 - int(free.sum())))
        start, end = interval_of(grid, chi2, birge)
        if alone - least < FAINT * birge or not np.isfinite(end):
            return CoveredEdge(np.nan, np.nan, share, share_unc)
        lag = float(grid[k])
        if 0 < k < grid.size - 1:
            lag = vertex(grid[k - 1 : k + 2], chi2[k - 1 : k + 2])
        own = max(0.5 * (end - (start if np.isfinite(start) else low)), FINE / np.sqrt(12.0))
        variance = own**2 + self._by_others(bare, errors, design[:, free], best, lag)
        return CoveredEdge(lag, float(np.sqrt(variance)), share, share_unc)

    def _by_others(self, bare: tuple[Array, Array], errors: Array, design: Array, best: Array, lag: float) -> float:
        """Return the variance of the lag by the shapes of the sample's fit and by the reference, eV2."""
        rows, matrices = bare
        share, heights = best[0], best[1:]
        by_lag = (self.columns(lag + FINE)[:, 1:] - self.columns(lag)[:, 1:]) @ heights / FINE
        # how the lag answers a change of each point
        answer = np.linalg.pinv(np.column_stack([design, by_lag]))[-1]
        mean = rows.mean(axis=0)

        def curve(shapes: Array) -> Array:
            bare_part = self.columns(float(mean[0]), shapes) @ mean[1:]
            return np.asarray(share * bare_part + self.columns(lag, shapes)[:, 1:] @ heights)

        middle, slopes = curve(self.shapes), np.zeros(self.shapes.size)
        for j, value in enumerate(self.shapes):
            if errors[j, j] > 0 and j != self.place:
                step = max(0.1 * float(np.sqrt(errors[j, j])), 1e-9 * abs(float(value)))
                moved = self.shapes.copy()
                moved[j] += step
                slopes[j] = answer @ (curve(moved) - middle) / step
        variance = float(slopes @ errors @ slopes)
        for row, matrix in zip(rows, matrices, strict=True):
            columns = self.columns(float(row[0]))
            moved_edge = (self.columns(float(row[0]) + FINE) - columns) @ row[1:] / FINE
            gradient = share * (answer @ np.column_stack([moved_edge, columns]))
            variance += float(gradient @ matrix @ gradient) / len(rows) ** 2
        return max(variance, 0.0)
