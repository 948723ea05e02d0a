"""The curves of a fit of CasaXPS, computed again from its numbers and the data: background, components, envelope."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import recipes, spectra
from surfspec.fitting.backgrounds import Background as Curve
from surfspec.fitting.backgrounds import background
from surfspec.fitting.lineshapes import shape
from surfspec.fitting.members import MemberFit
from surfspec.fitting.result import assemble
from surfspec.io.casa_types import CasaBlock
from surfspec.xps.amounts.areas import is_timed, seconds
from surfspec.xps.casa.refit import CasaRecipe, from_casa
from surfspec.xps.casa.shapes import shape_of
from surfspec.xps.model import Table, build

Array = NDArray[np.float64]

#: First reason of every rebuilt fit.
REBUILT = "not fitted here: rebuilt from the numbers of CasaXPS, which have no uncertainties"
_UNCERTAIN = ("area_unc", "center_unc", "fwhm_unc", "height_unc")


def rebuild_casa(spectrum: xr.Dataset, block: CasaBlock, *, region: str = "") -> xr.Dataset:
    """Compute background, components and envelope of a fit that CasaXPS left in a block of a VAMAS file.

    Areas, widths and positions are those stored; nothing is fitted. CasaXPS's areas are rates times eV; they are
    turned into the unit of the data.

    Parameters
    ----------
    spectrum, block, region
        As for :func:`surfspec.xps.from_casa`.

    Returns
    -------
    xarray.Dataset
        Kind ``fit`` on the calibrated scale, cut to the region, with verdict ``check``: no uncertainties (NaN), and the
        reasons say what is left out of the envelope. Over ``component`` also ``sensitivity`` (the R.S.F. of the file)
        and, where the data have one, ``transmission`` at the position.

    Raises
    ------
    InputError
        As :func:`surfspec.xps.from_casa`.
    BackgroundError
        For a background that these data do not have.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec.io.casa_types import CasaBlock, CasaComponent, CasaNumber, CasaRegion
    >>> e = np.arange(278.0, 292.0, 0.1)
    >>> y = 200 + 900 * np.exp(-(((e - 284.8) / 0.7) ** 2))
    >>> data = ss.spectrum(e, np.round(y), technique="XPS", region="C 1s", photon_energy=1486.6)
    >>> peak = CasaComponent("C-C", "GL(0)", CasaNumber(1117.0), CasaNumber(1.166), CasaNumber(1201.8), tag="C 1s")
    >>> block = CasaBlock(1, "C 1s", "", 1486.6, (), (CasaRegion("C 1s", "Linear", 1196.6, 1206.6),), (peak,))
    >>> curves = rebuild_casa(data, block)
    >>> bool(abs(curves.model - curves.intensity).max() < 2)
    True
    """
    made = from_casa(spectrum, block, region=region)
    data = made.spectrum
    low, high = made.recipe.window
    cut = spectra.crop(data, low, high)
    table = build(made.recipe)
    per = seconds(data) if data["intensity"].attrs["units"] == "counts" else 1.0
    reasons = [REBUILT, *(f"left out: {text}" for text in made.left_out)]
    if not is_timed(data):
        reasons.append("left out: the dwell time is not known; areas are taken as counts eV")
    member = _member(made, block, cut, table, _under(made), per, tuple(reasons))
    result = assemble(
        [member],
        cut,
        components=[c.name for c in table.model.components],
        parameters=table.model.parameters,
        labels={"species": table.species, "element": table.element, "line": table.line},
        recipe=recipes.to_yaml(made.recipe),
        attrs={"recipe_name": made.recipe.recipe, "region": made.recipe.region, "energy_shift": 0.0},
    )
    return _with_factors(result, made)


def _under(made: CasaRecipe) -> Curve:
    x, y = made.spectrum["binding_energy"].values, np.asarray(made.spectrum["intensity"].values, dtype=np.float64)
    chosen = made.recipe.background
    low, high = made.recipe.window
    return background(
        x, y, kind=chosen.kind, sigma=np.sqrt(np.maximum(np.abs(y), 1.0)), window=(low, high), **chosen.options
    )


def _member(
    made: CasaRecipe,
    block: CasaBlock,
    cut: xr.Dataset,
    table: Table,
    under: Curve,
    per: float,
    reasons: tuple[str, ...],
) -> MemberFit:
    x, y = cut["binding_energy"].values, np.asarray(cut["intensity"].values, dtype=np.float64)
    rows, numbers = [], []
    for component in made.components:
        choice = shape_of(component.shape)
        one = shape(choice.shape)
        center = block.binding_energy(component.position.value)
        given = {**choice.widths, "fwhm": component.fwhm.value, "center": center}
        roles = [given[role] for role in one.roles]
        area = component.area.value * per
        rows.append(area * one.evaluate(x, *roles))
        numbers.append((area, center, one.width(*roles)[0], area * one.height(*roles)[0]))
    contribution = np.array(rows)
    area, center, fwhm, height = np.array(numbers).T
    values = _values(made, table, area)
    count, size = len(rows), values.size
    model = under.values + contribution.sum(axis=0)
    return MemberFit(
        model=model,
        background=under.values,
        contribution=contribution,
        area=area,
        center=center,
        fwhm=fwhm,
        height=height,
        **{name: np.full(count, np.nan) for name in _UNCERTAIN},
        area_covariance=np.full((count, count), np.nan),
        flag=np.full(count, "not_determined", dtype="<U16"),
        value=values,
        value_unc=np.full(size, np.nan),
        start=values,
        low=np.array([p.low for p in table.model.parameters]),
        high=np.array([p.high for p in table.model.parameters]),
        covariance=np.full((size, size), np.nan),
        chi2=float(np.sum((y - model) ** 2 / np.maximum(model, 1.0))),
        deviance=_deviance(y, model),
        dof=max(1, y.size - sum(p.vary for p in table.model.parameters)),
        verdict="check",
        reasons=reasons,
    )


def _values(made: CasaRecipe, table: Table, areas: Array) -> Array:
    """Return the parameters of the recipe at CasaXPS's values; its starts are these but for the areas."""
    stored = {f"{peak.name} area": area for peak, area in zip(made.recipe.peaks, areas, strict=True)}
    return np.array([stored.get(p.name, p.value) for p in table.model.parameters])


def _deviance(y: Array, model: Array) -> float:
    """Return the Poisson deviance of counts; NaN where the data or the model cannot be counts."""
    if np.min(y) < 0.0 or np.min(model) <= 0.0:
        return float("nan")
    some = y > 0.0
    return float(2.0 * np.sum(model - y) + 2.0 * np.sum(y[some] * np.log(y[some] / model[some])))


def _with_factors(result: xr.Dataset, made: CasaRecipe) -> xr.Dataset:
    factors = np.array([one.rsf for one in made.components])
    out = result.assign(
        sensitivity=("component", factors, {"units": "1", "long_name": "Relative sensitivity factor of the file"})
    )
    if "transmission" not in made.spectrum:
        return out
    at = np.interp(
        result["center"].values, made.spectrum["binding_energy"].values, made.spectrum["transmission"].values
    )
    told = {"units": "1", "long_name": "Transmission of the analyser at the position"}
    return out.drop_vars("transmission", errors="ignore").assign(transmission=("component", at, told))
