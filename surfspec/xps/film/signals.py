"""From fits to the signals of an overlayer: which line comes from which layer, how strong it would be when infinite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError, NotDeterminedError
from surfspec.reference import Material
from surfspec.xps.amounts import budget
from surfspec.xps.amounts.areas import (
    areas_of,
    check_mapping,
    element_of,
    factor_of,
    is_core,
    kinetic_energy_of,
    level_of,
    seconds,
    shows_no_peak,
)
from surfspec.xps.amounts.mean_free_path import FORMULA_UNC, lengths
from surfspec.xps.film.model import BARE, SAMPLE, THICK, Signals

Array = NDArray[np.float64]

PHASES: Final = ("film", "substrate", "contamination")
#: Elements that are left out unless their line is asked for: contamination and adsorbates hold them too.
AMBIGUOUS: Final = ("O", "C", "H")


@dataclass(frozen=True)
class Layers:
    """The materials of the layers, and how their numbers are turned into intensities."""

    film: Material
    substrate: Material
    contamination: Material | None
    method: str
    cosine: float
    factors: str | Mapping[str, float]
    transmission: budget.Transmission
    states: Mapping[str, str]


@dataclass(frozen=True)
class _Row:
    """One signal: where it was measured, which core level and phases it has, its rate."""

    name: str
    region: str
    sample: int
    element: str
    level: str
    factor: float
    kinetic: float
    photon: float
    phases: tuple[str, ...]


def chosen_lines(fits: Mapping[str, xr.Dataset], layers: Layers, lines: Sequence[str] | None) -> tuple[str, ...]:
    """Return the regions that tell about the film; by default those of its elements and the substrate's.

    Oxygen and carbon are left out unless they are asked for, since contamination and adsorbates hold them too; C 1s is
    taken where the contamination is to be fitted.
    """
    if isinstance(lines, str):
        lines = (lines,)
    if lines is not None:
        unknown = [name for name in lines if name not in fits]
        if unknown or len(set(lines)) < len(tuple(lines)):
            raise InputError(
                f"the lines are {', '.join(map(str, lines))}",
                where="lines",
                remedy=f"Name regions of the fits, each once: {', '.join(fits)}",
            )
        return tuple(lines)
    found = []
    for name, fit in fits.items():
        if not np.any(is_core(schema.check(fit, "fit"))):
            continue
        element = element_of(fit)
        held = any(one.atoms(element) > 0 for one in (layers.film, layers.substrate))
        stated = any(str(v) in layers.states for v in fit["species"].values)
        carbon = layers.contamination is not None and element == "C"
        if carbon or stated or (held and element not in AMBIGUOUS):
            found.append(name)
    return tuple(found)


def signals_of(
    fits: Mapping[str, xr.Dataset],
    references: Mapping[int, Mapping[str, xr.Dataset]],
    layers: Layers,
    sigma: Mapping[str, float],
    *,
    lines: Sequence[str] | None,
    force: bool,
) -> tuple[Signals, tuple[str, ...], Array, str]:
    """Return the signals of a sample and its references, their names, kinetic energies (eV) and the unit of a rate.

    Parameters
    ----------
    fits
        Fit of each region of the sample.
    references
        Fits of the bare substrate (key BARE) and of the thick film (key THICK).
    layers
        Materials and settings.
    sigma
        Uncertainties of the inputs; those of the lengths are completed here by those of the formula.
    lines
        Regions to use.
    force
        Use failed fits.
    """
    names = chosen_lines(fits, layers, lines)
    blocks = [_rows(fits, names, SAMPLE, layers, force)]
    for sample, others in references.items():
        check_mapping(others, "references")
        shared = [name for name in names if name in others]
        blocks.append(_rows(others, shared, sample, layers, force))
    rows = [row for block in blocks for row in block[0]]
    if not rows:
        raise InputError(
            "no fit has a line of the film or the substrate",
            where="thickness",
            remedy=f"Fit lines of {layers.film.formula} and {layers.substrate.formula}, or name lines=",
        )
    covariance = _joined([block[2] for block in blocks])
    intensity = np.concatenate([block[1] for block in blocks])
    _known(rows, intensity, covariance)
    kinetic = np.array([row.kinetic for row in rows])
    strength = _strengths(rows, kinetic, layers)
    film_length, film_unc = lengths(layers.film, kinetic, layers.method)
    base_length, base_unc = lengths(layers.substrate, kinetic, layers.method)
    carbon_length, carbon_unc = film_length, np.full_like(kinetic, FORMULA_UNC)
    if layers.contamination is not None:
        carbon_length, raw = lengths(layers.contamination, kinetic, layers.method)
        carbon_unc = raw / carbon_length
    levels = {level: k for k, level in enumerate(dict.fromkeys(row.level for row in rows))}
    return (
        Signals(
            intensity=intensity,
            covariance=covariance,
            sample=np.array([row.sample for row in rows], dtype=np.int64),
            film=strength["film"],
            substrate=strength["substrate"],
            contamination=strength["contamination"],
            film_length=film_length * layers.cosine,
            contamination_length=carbon_length * layers.cosine,
            level=np.array([levels[row.level] for row in rows], dtype=np.int64),
            slope=np.log(kinetic / float(np.mean(kinetic))),
            sigma={
                "film_length": float(np.mean(film_unc / film_length)),
                "substrate_length": float(np.mean(base_unc / base_length)),
                "contamination_length": float(np.mean(carbon_unc)),
                **sigma,
            },
        ),
        tuple(row.name for row in rows),
        kinetic,
        areas_of({name: fits[name] for name in names}, force, absent=True).units,
    )


def _rows(
    fits: Mapping[str, xr.Dataset], names: Sequence[str], sample: int, layers: Layers, force: bool
) -> tuple[list[_Row], Array, Array]:
    """Return the signals of one sample with their rates and covariance."""
    picked = {name: fits[name] for name in names}
    if not picked:
        return [], np.zeros(0), np.zeros((0, 0))
    failed = [name for name, fit in picked.items() if str(fit["verdict"].item()) == "failed" and not shows_no_peak(fit)]
    if failed and not force:
        raise NotDeterminedError(
            f"the fit of {', '.join(failed)} failed",
            where="thickness",
            remedy="Mend it, or leave the region out: lines=...",
        )
    areas_of(picked, force, absent=True)  # refuses series, mixed units and times that are known for some only
    rows: list[_Row] = []
    rates, blocks = [], []
    for name, fit in picked.items():
        core = np.flatnonzero(is_core(fit)).astype(np.int64)
        groups = _groups(fit, core, layers.states)
        pick = np.array([[float(i in group) for i in core] for group in groups.values()])
        rates.append(pick @ fit["area"].values[core] / seconds(fit))
        blocks.append(pick @ fit["area_covariance"].values[np.ix_(core, core)] @ pick.T / seconds(fit) ** 2)
        for phases in groups:
            label = name if len(groups) == 1 else f"{name} ({', '.join(phases)})"
            suffix = {SAMPLE: "", BARE: ", bare substrate", THICK: ", thick film"}[sample]
            rows.append(
                _Row(
                    name=label + suffix,
                    region=name,
                    sample=sample,
                    element=element_of(fit),
                    level=level_of(fit),
                    factor=factor_of(layers.factors, fit),
                    kinetic=kinetic_energy_of(fit, layers.factors),
                    photon=float(fit.attrs["photon_energy"]),
                    phases=phases,
                )
            )
    return rows, np.concatenate(rates), _joined(blocks)


def _groups(fit: xr.Dataset, core: NDArray[np.int64], states: Mapping[str, str]) -> dict[tuple[str, ...], list[int]]:
    """Return the components by the phases they belong to: those named in `states`, all phases for the others."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for i in core.tolist():
        species = str(fit["species"].values[i])
        phases = (states[species],) if species in states else PHASES
        groups.setdefault(phases, []).append(i)
    return groups


def _joined(blocks: Sequence[Array]) -> Array:
    size = sum(len(block) for block in blocks)
    whole = np.zeros((size, size))
    start = 0
    for block in blocks:
        stop = start + len(block)
        whole[start:stop, start:stop] = block
        start = stop
    return whole


def _known(rows: Sequence[_Row], intensity: Array, covariance: Array) -> None:
    variance = np.diag(covariance)
    known = np.isfinite(intensity) & np.isfinite(variance) & (variance > 0)
    bad = [row.name for row, ok in zip(rows, known, strict=True) if not ok]
    if bad:
        raise NotDeterminedError(
            f"the area of {', '.join(bad)} has no uncertainty",
            where="thickness",
            remedy="Mend the fit, or leave the line out: lines=...",
        )
    if not np.any(intensity > 0):
        raise NotDeterminedError("no line has any area", where="thickness", remedy="Fit regions that show a line")


def _strengths(rows: Sequence[_Row], kinetic: Array, layers: Layers) -> dict[str, Array]:
    r"""Return the intensity of an infinitely thick layer, :math:`N s T L`, of each phase for each signal."""
    regions = tuple(row.region for row in rows)
    photon = np.array([row.photon for row in rows])
    passed = budget.transmission_at(layers.transmission, regions, kinetic, photon)
    common = np.array([row.factor for row in rows]) * passed
    materials = {"film": layers.film, "substrate": layers.substrate, "contamination": layers.contamination}
    found = {}
    for phase, material in materials.items():
        if material is None:
            found[phase] = np.zeros(len(rows))
            continue
        atoms = np.array([material.atoms(row.element) if phase in row.phases else 0.0 for row in rows])
        if phase == "contamination":  # only its carbon: what else it holds is not known
            atoms = np.where([row.element == "C" for row in rows], atoms, 0.0)
        found[phase] = common * atoms * lengths(material, kinetic, layers.method)[0]
    silent = [row.name for row, a, b, c in zip(rows, *found.values(), strict=True) if a + b + c <= 0]
    if silent:
        raise InputError(
            f"neither film nor substrate has the line {', '.join(silent)}",
            where="thickness",
            remedy="Leave it out of lines, or mend film, substrate and states",
        )
    for sample, phase in ((BARE, "substrate"), (THICK, "film")):
        absent = [row.name for row, x in zip(rows, found[phase], strict=True) if row.sample == sample and x <= 0]
        if absent:
            raise InputError(
                f"{', '.join(absent)} cannot come from the {phase}",
                where="references",
                remedy="Leave that region out of the reference",
            )
    return found
