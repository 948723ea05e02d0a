r"""Thickness of a film from the edge of the in-depth signal of an element beneath it.

.. math:: \text{lag} = Q + \Big(t - \frac d2\Big)\Big[K S(E_0) + \frac{S(E_1)}{\cos\beta}\Big]

Ions that come out of the depth as ions were re-ionised, which costs them `Q` (about 20 eV for helium); what is left
over is the film's stopping on the way in and out (:mod:`surfspec.leis.film.stopping`), or a line measured on films of
known thickness (:func:`surfspec.leis.calibrate_edge`). Beneath a thin film some ions were never neutralised and lose
nothing. Their share is not known: it is taken as anything between none and :math:`e^{-t/t_n}`, which makes the loss
:math:`Q(1 - \tfrac12 e^{-t/t_n})` with a standard uncertainty of :math:`Q e^{-t/t_n}/\sqrt{12}` beside that of `Q`.

The lag is the centre of the edge in the fit: where the smoothed step of the shoulder, extrapolated to its beginning,
has fallen to one half. That is the loss of ions that turned right behind the film, whatever the slope of the shoulder
further down, and half an atomic layer `d` before the first plane beneath the film, for which it stands
(:mod:`surfspec.leis.film.edge_law`). A half height relative to a plateau deeper down is not, for the shoulder rises
towards it.

On a surface with bare parts the edge is a mixture of theirs and of that beneath the film, and the lag of one edge in
its place means nothing. With a reference of the bare substrate both are fitted
(:mod:`surfspec.leis.film.edge_mixture`). Without one, a surface peak higher than its shoulder hides where that begins,
and there is no answer.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.given import number
from surfspec.leis.amounts.detection import recipe_of
from surfspec.leis.film import stopping as stopping_model
from surfspec.leis.film.edge_lag import edge_element, edge_lags
from surfspec.leis.film.edge_law import EdgeLaw, law_of
from surfspec.leis.film.edge_numbers import VARIABLES, edge_numbers
from surfspec.leis.film.edge_slope import edge_width
from surfspec.reference.materials import composition

#: Energy lost to re-ionisation and its standard uncertainty, eV.
REIONISATION = (20.0, 5.0)
#: Thickness over which ions that were never neutralised die out, nm: two monolayers of an oxide, `unverified`.
NEUTRALISATION_DEPTH = 0.4


def thickness(
    fit: xr.Dataset,
    *,
    film: str,
    density: float | None = None,
    element: str | None = None,
    reference: xr.Dataset | None = None,
    calibration: xr.Dataset | None = None,
    stopping: tuple[float, float] | None = None,
    reionisation_loss: tuple[float, float] = REIONISATION,
    neutralisation_depth: float = NEUTRALISATION_DEPTH,
    monolayer: float | None = None,
    electronic_scale: float = stopping_model.ELECTRONIC_SCALE,
    exit_angle: float | None = None,
    spot_dim: str = "spot",
) -> xr.Dataset:
    r"""Thickness of a film from the lag of the in-depth edge of its substrate.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned, with a free edge of `element` (by default that of the heaviest).
    film
        Formula of the film, or the name of a material.
    density
        Of the film, g/cm3; by default that of the table of materials.
    element
        Whose edge; by default the heaviest with a free edge that the film does not hold.
    reference
        Fit of the bare substrate, with the same shapes. It tells what the bare parts of the surface show, and how
        large they are.
    calibration
        What :func:`surfspec.leis.calibrate_edge` returned; then neither stopping nor re-ionisation is assumed.
    stopping
        Shift of the edge for a nm of film and its standard uncertainty, eV/nm; by default computed, with a relative
        standard uncertainty of 0.25 (:func:`surfspec.leis.film.stopping.path_stopping`).
    reionisation_loss
        Loss by re-ionisation and its standard uncertainty, eV.
    neutralisation_depth
        Thickness over which ions that were never neutralised, and lose nothing, die out, nm; 0: there are none.
    monolayer
        Distance of atomic layers, nm; by default :math:`N^{-1/3}` of the film's atomic density. Half of it is added,
        see :mod:`surfspec.leis.film.edge_law`.
    electronic_scale
        Factor on the electronic stopping of Lindhard and Scharff.
    exit_angle
        Angle between the way out and the surface normal, deg; by default 180 minus the scattering angle.
    spot_dim
        Dimension of equivalent spots, which are averaged as a random effect.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, over the series dimensions without the spots: ``lag`` (eV), ``thickness`` and
        ``mean_thickness`` (nm) with ``_unc``; ``thickness_stat_unc`` and ``thickness_common_unc`` (nm), whose squares
        add up to that of ``thickness_unc``; ``upper_limit`` (nm); ``bare_share`` with ``_unc`` (NaN without a
        reference); ``patches``: 1 where a surface peak is there although the edge lies below the re-ionisation loss, so
        that covered and bare parts lie side by side, 0 for a closed film or none, -1 where the edge is not known;
        ``verdict`` and ``reasons``. Attributes say stopping and re-ionisation assumed.

    Raises
    ------
    InputError
        For an element without a free edge, one that the film holds, an unknown material without a density, or numbers
        that cannot be.

    References
    ----------
    Lindhard and Scharff, Phys. Rev. 124 (1961) 128.

    Examples
    --------
    >>> import surfspec as ss
    >>> from surfspec.leis.model import SpectrumModel
    >>> recipe = ss.leis.Recipe(elements=("O", "Zr"), foot=False)
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> model = SpectrumModel(recipe, energy)
    >>> truth = {"resolution": 0.02, "survival": 100.0, "tail": 8.0, "Zr lag": 55.0,
    ...          "O area": 4e5, "Zr shoulder": 900.0, "constant": 3.0}
    >>> values = np.array([truth.get(parameter.name, 0.0) for parameter in model.parameters])
    >>> counts = np.random.default_rng(1).poisson(model.evaluate(values))
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), recipe)
    >>> table = ss.leis.thickness(fit, film="Na3PO4")
    >>> round(float(table.thickness), 1), int(table.patches)
    (0.7, 0)
    """
    recipe = recipe_of(fit)
    if density is not None:
        number(density, "density", low=0.0, high=50.0, above=True)
    material = stopping_model.film_material(film, density)
    name = edge_element(fit, material.formula, element)
    _pair("reionisation_loss", reionisation_loss)
    number(neutralisation_depth, "neutralisation_depth", low=0.0)
    number(electronic_scale, "electronic_scale", low=0.0, above=True)
    if exit_angle is not None:
        number(exit_angle, "exit_angle", low=0.0, high=90.0)
    lags = edge_lags(fit, name, spot_dim, reference)
    layer = sum(material.atoms(symbol) for symbol in composition(material.formula)) ** (-1.0 / 3.0)
    if monolayer is not None:
        layer = number(monolayer, "monolayer", low=0.0, high=10.0)
    if calibration is None:
        if stopping is None:
            cut = edge_width(fit, name)
            if not np.isfinite(cut):
                raise InputError(
                    f"the fit tells no width of {name}", where="stopping",
                    remedy="Give the stopping: stopping=(eV/nm, its unc)",
                )  # fmt: skip
            power = stopping_model.path_stopping(
                material, name, ion=recipe.ion, energy=recipe.energy, angle=recipe.angle, exit_angle=exit_angle,
                scale=electronic_scale, cut=cut,
            )  # fmt: skip
            stopping = (power, stopping_model.RELATIVE_UNCERTAINTY * power)
        _pair("stopping", stopping)
        if not stopping[0] > 0:
            raise InputError("a film that does not stop ions", where="stopping", remedy="Give a positive eV/nm")
        law = EdgeLaw(
            reionisation_loss[0], stopping[0], np.diag([reionisation_loss[1] ** 2, stopping[1] ** 2]),
            depth=neutralisation_depth, layer=layer,
        )  # fmt: skip
        how = "stopping"
    else:
        law = law_of(calibration, name)
        how = "calibration"
    doubt = str(calibration["reasons"].item()) if calibration is not None and "reasons" in calibration else ""
    columns = {key: np.full(lags.lag.shape, np.nan) for key in VARIABLES}
    patches = np.full(lags.lag.shape, -1)
    reasons = np.full(lags.lag.shape, "", dtype=object)
    for i in np.ndindex(*lags.lag.shape):
        numbers, patches[i], found = edge_numbers(lags, i, name, law, reionisation_loss)
        for key, value in numbers.items():
            columns[key][i] = value
        reasons[i] = "; ".join([*found, doubt] if doubt else found)
    verdicts = np.vectorize(lambda text: verdict_of(text.split("; ") if text else ()), otypes=[str])(reasons)
    variables = {
        key: (lags.dims, columns[key], {"units": unit, "long_name": text.format(name)} | (
            {"ancillary_variables": f"{key}_unc"} if f"{key}_unc" in VARIABLES else {}))
        for key, (unit, text) in VARIABLES.items()
    }  # fmt: skip
    table = xr.Dataset(
        {
            **variables,
            "patches": (lags.dims, patches, {"units": "1", "long_name": "1: film in patches, 0: closed, -1: unknown"}),
            "verdict": (lags.dims, np.asarray(verdicts, dtype=str)),
            "reasons": (lags.dims, reasons.astype(str)),
        },
        coords={str(k): c for k, c in fit.coords.items() if set(map(str, c.dims)) <= set(lags.dims)},
        attrs={
            "kind": "table", "technique": "LEIS", "inputs": "fit", "film": material.formula, "element": name,
            "density": float(material.density), "method": how, "zero": float(law.zero), "stopping": float(law.slope),
            "zero_unc": float(np.sqrt(law.covariance[0, 0])), "stopping_unc": float(np.sqrt(law.covariance[1, 1])),
            "neutralisation_depth": float(law.depth), "monolayer": float(law.layer),
            "reionisation_loss": float(reionisation_loss[0]), "electronic_scale": float(electronic_scale),
            **spectra.origin(fit),
        },
    )  # fmt: skip
    every = spectra.origin(*(one for one in (fit, reference, calibration) if one is not None))
    if "simulated" in every:
        table.attrs["simulated"] = every["simulated"]
    return schema.check(table, "table")


def _pair(where: str, pair: tuple[float, float]) -> None:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InputError(f"{where} is {pair}", where=where, remedy="Give a value and its standard uncertainty")
    for one in pair:
        number(one, where, low=0.0)
