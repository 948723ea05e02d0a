r"""Sensitivity factors by reference samples: how much area an atom of the outermost layer gives.

With references, :math:`\ln A_{rj} = \ln g_r + \ln x_{rj} + \ln s_j`: every reference `r` has its own gain (current,
roughness) and an outermost layer of the nominal composition, which is an assumption. The factors are relative to one
element. Reference samples come first; cross-sections tell factors to 20 to 30 % only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import chi2 as chi2_distribution

from surfspec import reference, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import IMPROBABLE
from surfspec.given import number
from surfspec.leis.amounts import checks
from surfspec.leis.amounts.inputs import MODEL_UNCERTAINTY, elements_of, recipe_of
from surfspec.leis.amounts.normalisation import members_left_out, said_of
from surfspec.leis.amounts.yields_table import yields_table
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.spectrum.same_recipe import same_recipe

Array = NDArray[np.float64]
Composition = str | Mapping[str, float]

#: Areas of a reference below so many standard uncertainties tell no factor.
SURE = 3.0


def sensitivity(
    references: xr.Dataset | Sequence[xr.Dataset],
    compositions: Composition | Sequence[Composition],
    *,
    relative_to: str = "",
    exclude: Sequence[str] = (),
    model_uncertainty: float = MODEL_UNCERTAINTY,
    force: bool = False,
) -> xr.Dataset:
    r"""Sensitivity factors from the fits of samples of known composition.

    .. math:: \ln A_{rj} - \ln x_{rj} = \ln g_r + \ln s_j, \qquad s_\mathrm{ref} = 1

    by weighted least squares with the covariance of the areas of each reference, mean over all its spectra.

    Parameters
    ----------
    references
        Fit of one reference sample, or of several.
    compositions
        Of each: a formula (``"Na3PO4"``) or atoms by element. The outermost layer is assumed to be so.
    relative_to
        Element whose factor is 1; by default the strongest of those that most references hold.
    exclude
        Elements whose factor is not asked for: sodium, say, which the beam has removed in part by the time it is seen.
        Its factor comes out too small by what is gone; use spectra of the lowest dose where it is wanted.
    model_uncertainty
        Standard uncertainty of an area by the spectral model, over the summed area.
    force
        Use members whose fit failed, too. By default they are left out, and the verdict is ``check``.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, over element: ``sensitivity`` with ``_unc`` and ``covariance`` (element, element_b), relative
        to ``attrs["relative_to"]``, whose uncertainty is 0 by definition; ``chi2`` and ``dof`` of references that
        share elements; ``verdict`` and ``reasons``. Where references disagree the covariance is larger by chi2/dof.

    Raises
    ------
    InputError
        For compositions that hold none of the elements, references without a common element, a peak too weak to
        tell a factor, or references whose fits are not comparable.
    NotDeterminedError
        When every fit of a reference failed and `force` is not set.

    References
    ----------
    Brongersma, Draxler, de Ridder and Bauer, Surf. Sci. Rep. 62 (2007) 63, for quantification by references.

    Examples
    --------
    >>> import surfspec as ss
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> counts = 20 + 900 * np.exp(-((energy - 1182) ** 2) / 800) + 900 * np.exp(-((energy - 2557) ** 2) / 800)
    >>> counts = np.random.default_rng(2).poisson(counts)
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), ss.leis.Recipe(elements=("O", "Zr")))
    >>> found = ss.leis.sensitivity(fit, "ZrO2", relative_to="O")
    >>> bool(abs(found.sensitivity.sel(element="Zr") - 2.0) < 0.2)
    True
    """
    fits = _references(references)
    given = _compositions(compositions)
    if len(fits) != len(given) or not fits:
        raise InputError(
            f"{len(fits)} references and {len(given)} compositions",
            where="compositions",
            remedy="Give one composition for each reference",
        )
    model_uncertainty = number(model_uncertainty, "model_uncertainty", low=0.0, high=1.0)
    checks.text(relative_to, "relative_to", "Give one symbol")
    for fit in fits:
        recipe_of(fit)
    exclude = checks.names(exclude, list(dict.fromkeys(name for fit in fits for name in elements_of(fit))), "exclude")
    labels = [f"reference {i}" for i in range(len(fits))]
    reasons = same_recipe(*fits, names=labels, where="references", same_elements=False)
    rows = []
    for i, (fit, one) in enumerate(zip(fits, given, strict=True)):
        left_out = members_left_out(fit, force=force, what=labels[i])
        reasons += said_of(fit, left_out)
        names = [name for name in elements_of(fit) if name not in exclude]
        rows.append(_logarithms(fit, names, _atoms(one), model_uncertainty, ~left_out, i))
    elements = list(dict.fromkeys(name for names, _, _ in rows for name in names))
    held = {name: sum(name in names for names, _, _ in rows) for name in elements}
    size = {name: max(float(y[names.index(name)]) for names, y, _ in rows if name in names) for name in elements}
    if relative_to and relative_to not in elements:
        raise InputError(
            f"no reference tells of {relative_to!r}", where="relative_to", remedy=f"Use {', '.join(elements)}"
        )
    zero = relative_to or max(elements, key=lambda name: (held[name], size[name]))
    values, covariance, chi2, dof = _solve(rows, elements, zero)
    if dof > 0 and chi2_distribution.sf(chi2, dof) < IMPROBABLE:
        reasons.append(f"model inadequate: references disagree, chi-square {chi2:.3g} for {dof} shared factors")
    if dof > 0:
        covariance = covariance * max(1.0, chi2 / dof)
    return yields_table(
        elements, np.exp(values), covariance * np.outer(np.exp(values), np.exp(values)), reasons, chi2, dof,
        {
            "method": "references", "relative_to": zero, "inputs": "references",
            "compositions": "; ".join(str(one) for one in given),
            "assumption": "the outermost layer of each reference has its nominal composition",
            "model_uncertainty": float(model_uncertainty), "fit_recipe": str(fits[0].attrs["recipe"]),
            **spectra.origin(*fits),
        },
    )  # fmt: skip


def _references(given: xr.Dataset | Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return the references as a list."""
    fits = [given] if isinstance(given, xr.Dataset) else list(given) if isinstance(given, list | tuple) else None
    if fits is None or not all(isinstance(one, xr.Dataset) for one in fits):
        raise InputError(
            f"references is a {type(given).__name__}" if fits is None else "a reference is no fit",
            where="references",
            remedy="Give what leis.fit returned, one or a list",
        )
    return fits


def _compositions(given: Composition | Sequence[Composition]) -> list[Composition]:
    """Return the compositions as a list."""
    several = isinstance(given, list | tuple)
    found = list(cast(Sequence[Composition], given)) if several else [cast(Composition, given)]
    if not several and not (isinstance(given, str) or checks.is_mapping(given)):
        raise InputError(
            f"compositions is a {type(given).__name__}", where="compositions", remedy='Give formulas: ["Na3PO4"]'
        )
    for one in found:
        if not (isinstance(one, str) or checks.is_mapping(one)):
            raise InputError(
                f"a composition is a {type(one).__name__}", where="compositions", remedy='Give formulas: ["Na3PO4"]'
            )
    return found


def _atoms(given: Composition) -> dict[str, float]:
    """Return atomic fractions by element."""
    try:
        atoms = dict(reference.composition(given)) if isinstance(given, str) else dict(given)
    except InputError as error:
        raise InputError(error.message, where="compositions", remedy=error.remedy) from error
    numbers = all(isinstance(n, int | float | np.number) and not isinstance(n, bool) for n in atoms.values())
    if not atoms or not numbers or not all(np.isfinite(n) and n > 0 for n in atoms.values()):
        raise InputError(f"composition {given!r}", where="compositions", remedy="Give positive numbers of atoms")
    for name in atoms:
        iso.element_symbol(name)
    whole = sum(atoms.values())
    return {name: n / whole for name, n in atoms.items()}


def _logarithms(
    fit: xr.Dataset, wanted: list[str], atoms: dict[str, float], model: float, used: NDArray[np.bool_], number: int
) -> tuple[list[str], Array, Array]:
    """Return elements, logarithms of area over atomic fraction (j,), and their covariance (j, j)."""
    names = [name for name in wanted if name in atoms]
    if not names:
        raise InputError(
            f"reference {number} holds {', '.join(atoms)}, of which none was fitted",
            where="compositions",
            remedy=f"The fit knows {', '.join(wanted)}",
        )
    part = fit.sel(component=names, component_b=names)
    dims = [str(d) for d in fit["chi2"].dims]
    area = part["area"].transpose(*dims, "component").values.reshape(-1, len(names))
    matrix = part["area_covariance"].transpose(*dims, "component", "component_b").values
    matrix = matrix.reshape(-1, len(names), len(names))
    good = used.ravel() & np.all(np.isfinite(area), axis=1) & np.all(np.isfinite(matrix), axis=(1, 2))
    area, matrix = area[good], matrix[good]
    if not area.shape[0]:
        raise InputError(f"reference {number} has no usable spectrum", where="references", remedy="Check its fit")
    mean = area.mean(axis=0)
    covariance = matrix.sum(axis=0) / area.shape[0] ** 2
    if area.shape[0] > len(names) + 1:
        # shares scatter with the spots, gains with the beam: only the first say anything of factors
        shares = area / area.sum(axis=1, keepdims=True)
        scatter = np.cov(shares.T, ddof=1).reshape(len(names), len(names)) * mean.sum() ** 2 / area.shape[0]
        own = np.diag(covariance)
        factor = np.sqrt(np.maximum(np.diag(scatter) / np.where(own > 0, own, 1.0), 1.0))
        covariance = covariance * np.outer(factor, factor)
    covariance = covariance + (model * mean.sum()) ** 2 * np.eye(len(names))
    weak = [n for n, a, v in zip(names, mean, np.diag(covariance), strict=True) if not a > SURE * np.sqrt(v)]
    if weak:
        raise InputError(
            f"reference {number} does not show {', '.join(weak)} clearly",
            where="references",
            remedy=f"Take another reference for {', '.join(weak)}, or check the composition",
        )
    y = np.log(mean) - np.log([atoms[name] for name in names])
    return names, y, covariance / np.outer(mean, mean)


def _solve(
    rows: list[tuple[list[str], Array, Array]], elements: list[str], zero: str
) -> tuple[Array, Array, float, int]:
    """Return logarithms of the factors and their covariance, chi-square and degrees of freedom."""
    count = sum(len(names) for names, _, _ in rows)
    free = [name for name in elements if name != zero]
    design, weight, y = np.zeros((count, len(rows) + len(free))), np.zeros((count, count)), np.zeros(count)
    at = 0
    for r, (names, values, covariance) in enumerate(rows):
        block = slice(at, at + len(names))
        design[block, r] = 1.0
        for i, name in enumerate(names):
            if name != zero:
                design[at + i, len(rows) + free.index(name)] = 1.0
        weight[block, block] = np.linalg.inv(covariance)
        y[block] = values
        at += len(names)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise InputError(
            "the references have no common elements that would link them",
            where="references",
            remedy="Compare references that share an element, or ask for each alone",
        )
    inverse = np.linalg.inv(design.T @ weight @ design)
    found = inverse @ design.T @ weight @ y
    residual = y - design @ found
    place = [i for i, name in enumerate(elements) if name != zero]
    values, covariance = np.zeros(len(elements)), np.zeros((len(elements), len(elements)))
    values[place] = found[len(rows) :]
    covariance[np.ix_(place, place)] = inverse[len(rows) :, len(rows) :]
    return values, covariance, float(residual @ weight @ residual), count - design.shape[1]
