"""Which peak belongs to which line of which phase, and what is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import nnls

from surfspec import given, schema, spectra
from surfspec.xrd.lines.ghosts import name_ghosts
from surfspec.xrd.lines.peak_columns import check_peaks
from surfspec.xrd.patterns.calculated import pattern
from surfspec.xrd.patterns.profile import shift
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.structures.chosen import several_phases
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Text = NDArray[np.str_]

#: A line and a peak belong together within so many standard deviations, or this share of the peak's FWHM.
SIGMAS, WITHIN_WIDTH = 3.0, 0.4
#: Calculated lines weaker than this (%, of the strongest of their phase) are not assigned.
WEAKEST = 0.3
#: Share of a peak's area that a line must bring to be named beside a stronger one.
LEAST_SHARE = 0.03
#: A smaller peak within this share of the larger FWHM of an assigned one is part of its profile.
BESIDE = 0.6
#: A line with this many times the area of the faintest peak should have been found.
MISSED = 3.0
#: Larger shifts (deg) are mistakes.
LARGEST_SHIFT = 5.0


@dataclass(frozen=True)
class _Lines:
    """Calculated lines of all phases: phase number, indices, true and apparent position (deg), area of a unit scale."""

    phase: Index
    hkl: Index
    true: Array
    at: Array
    area: Array


def assign(
    peaks: xr.Dataset, phases: str | Phase | Iterable[str | Phase], *, wavelength: str | float | None = None,
    zero: float = 0.0, displacement: float = 0.0, shift_unc: float = 0.03, cell_unc: float = 0.002,
) -> xr.Dataset:  # fmt: skip
    r"""Assign peaks to lines of phases, within their uncertainties.

    A line of a phase and a peak belong together where

    .. math:: |\Delta 2\theta| < 3 \sqrt{u_{peak}^2 + u_{shift}^2 + (2\tan\theta\, u_{cell})^2}

    or within 0.4 of the peak's width, whichever is more. Areas of the peaks are then fitted by the phases (non-negative
    least squares on square-root weights), which says how much of each peak its lines explain.

    Parameters
    ----------
    peaks
        Table of :func:`surfspec.xrd.find_peaks`.
    phases
        The phases that are there: card ids, names, formulas or phases.
    wavelength
        By default that of the table.
    zero, displacement
        Shifts of the lines, deg, as from :func:`surfspec.xrd.line_shift`.
    shift_unc
        Standard uncertainty of a position by shifts that remain, deg.
    cell_unc
        Relative standard uncertainty of the cells.

    Returns
    -------
    xarray.Dataset
        Kind ``table``. Over ``assignment``: ``peak_number``, ``phase``, h, k, l, ``calculated_two_theta``, ``offset``
        (deg, peak less line), ``share`` (1, calculated area of the line over that of the peak). Over ``peak``:
        ``peak_two_theta``, ``height``, ``relative_intensity``, ``flag`` as they were, ``explained`` (1, sum of the
        shares), and ``origin``:
        the lines by name, "profile of ..." for a smaller peak on top of a line, "K-beta of ..." or "W L-alpha of ..."
        (of another peak), "spike", or empty: left over. Over ``missing``: lines that should have been
        found and were not, with ``expected_area`` relative to the faintest
        peak (1).

    Raises
    ------
    InputError
        Without a table of peaks or phases, and for numbers that are not finite or uncertainties that are negative.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec import xrd
    >>> x = np.arange(20, 40, 0.02)
    >>> made = xrd.pattern(xrd.phases("Pb_fcc")[0], wavelength="CuKa1", two_theta=x)
    >>> counts = np.random.default_rng(1).poisson(100 + made.intensity.values)
    >>> peaks = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
    >>> xrd.assign(peaks, ["Pb_fcc"]).origin.values.tolist()
    ['Pb_fcc 1 1 1', 'Pb_fcc 2 0 0']
    """
    check_peaks(peaks)
    chosen = several_phases(phases, "phases")
    zero = given.number(zero, "zero", low=-LARGEST_SHIFT, high=LARGEST_SHIFT)
    displacement = given.number(displacement, "displacement", low=-LARGEST_SHIFT, high=LARGEST_SHIFT)
    shift_unc = given.number(shift_unc, "shift_unc", low=0.0, high=LARGEST_SHIFT)
    cell_unc = given.number(cell_unc, "cell_unc", low=0.0, high=0.1)
    light = radiation(wavelength if wavelength is not None else peaks.attrs.get("wavelength_name"))
    at, area = peaks["peak_two_theta"].values, peaks["area"].values
    real = np.isfinite(area)
    lines = _calculated(chosen, light, at, zero, displacement)
    spread = np.sqrt(
        np.nan_to_num(peaks["peak_two_theta_unc"].values)[:, None] ** 2
        + shift_unc**2
        + (np.degrees(2.0 * np.tan(np.radians(lines.true) / 2.0)) * cell_unc)[None, :] ** 2
    )
    offset = at[:, None] - lines.at[None, :]
    width = np.nan_to_num(peaks["fwhm"].values)
    limit = np.maximum(SIGMAS * spread, WITHIN_WIDTH * width[:, None])
    scaled = np.where(real[:, None], np.abs(offset) / limit, np.inf)
    owner = np.argmin(scaled, axis=0) if len(at) else np.zeros(0, dtype=np.int64)
    hit = np.flatnonzero(scaled[owner, np.arange(len(lines.at))] < 1.0) if len(at) else np.zeros(0, dtype=np.int64)
    scales = _scales(lines, owner, hit, area, peaks["area_unc"].values, len(chosen))
    expected = lines.area * scales[lines.phase]
    share = np.divide(expected[hit], area[owner[hit]])
    names = [f"{chosen[p].id} {h} {k} {l}" for p, (h, k, l) in zip(lines.phase, lines.hkl, strict=True)]  # noqa: E741
    kept = _worth(hit, owner, share)
    explained = np.bincount(owner[hit], share, len(at))
    origin = _origins(peaks, kept, owner, share, hit, names, light, zero, displacement)
    faintest = float(np.nanmin(area[real], initial=np.inf)) if np.any(real) else np.inf
    absent = np.setdiff1d(np.flatnonzero(expected > MISSED * faintest), hit)
    taken = hit[kept]
    ids = np.array([phase.id for phase in chosen], dtype=np.str_)
    degree = {"units": "deg"}
    table = xr.Dataset(
        {
            "peak_number": ("assignment", owner[taken], {"long_name": "Number of the peak"}),
            "phase": ("assignment", ids[lines.phase[taken]]),
            "calculated_two_theta": ("assignment", lines.at[taken], {**degree, "long_name": "Calculated position"}),
            "offset": ("assignment", offset[owner[taken], taken], {**degree, "long_name": "Peak less line"}),
            "offset_unc": ("assignment", spread[owner[taken], taken],
                           {**degree, "long_name": "Standard uncertainty of the offset"}),
            "share": ("assignment", share[kept], {"units": "1", "long_name": "Calculated over measured area"}),
            **{name: ("assignment", lines.hkl[taken, axis]) for axis, name in enumerate("hkl")},
            **{name: peaks[name] for name in
               ("peak_two_theta", "peak_two_theta_unc", "height", "height_unc", "relative_intensity", "flag")},
            "explained": ("peak", np.where(real, explained, np.nan),
                          {"units": "1", "long_name": "Calculated over measured area"}),
            "origin": ("peak", np.array(origin, dtype=np.str_)),
            "missing_line": ("missing", np.array([names[one] for one in absent], dtype=np.str_)),
            "missing_two_theta": ("missing", lines.at[absent], {**degree, "long_name": "Calculated position"}),
            "expected_area": ("missing", expected[absent] / faintest,
                              {"units": "1", "long_name": "Calculated area over that of the faintest peak"}),
        },
        attrs={"kind": "table", "technique": "XRD", "wavelength": light.wavelengths[0], "wavelength_name": light.name,
               "zero": zero, "displacement": displacement, "left_over": int(sum(not one for one in origin)),
               **spectra.origin(peaks)},
    )  # fmt: skip
    table["offset"].attrs["ancillary_variables"] = "offset_unc"
    return schema.check(table, "table")


def _calculated(phases: Sequence[Phase], light: Radiation, at: Array, zero: float, displacement: float) -> _Lines:
    low, high = (float(at.min()), float(at.max())) if len(at) else (20.0, 80.0)
    span = (max(low - 0.5, 1.0), min(high + 0.5, 179.0))
    parts = []
    for number, phase in enumerate(phases):
        made = pattern(phase, wavelength=light, two_theta=(1.0, 179.0))
        strong = made["relative_intensity"].values > WEAKEST
        strong &= (made["reflection_two_theta"].values > span[0]) & (made["reflection_two_theta"].values < span[1])
        hkl = np.stack([made[name].values for name in "hkl"], axis=1)[strong]
        true = made["reflection_two_theta"].values[strong]
        area = made["relative_intensity"].values[strong] / 100.0
        parts.append((np.full(len(true), number), hkl, true, area))
    phase_of, hkl, true, area = (np.concatenate([part[one] for part in parts]) for one in range(4))
    return _Lines(phase_of.astype(np.int64), hkl.astype(np.int64), true, shift(true, zero, displacement), area)


def _scales(lines: _Lines, owner: Index, hit: Index, area: Array, area_unc: Array, count: int) -> Array:
    """Scale of each phase from the areas of the peaks that its lines may explain."""
    if not len(hit):
        return np.zeros(count)
    peaks = np.unique(owner[hit])
    design = np.zeros((len(area), count))
    np.add.at(design, (owner[hit], lines.phase[hit]), lines.area[hit])
    # areas are off by texture: weights of a tenth of the area, and no better than counting
    weight = 1.0 / np.sqrt(area_unc[peaks] ** 2 + 0.1 * area[peaks] * float(np.max(area[peaks])))
    return np.asarray(nnls(design[peaks] * weight[:, None], area[peaks] * weight)[0])


def _worth(hit: Index, owner: Index, share: Array) -> Index:
    """Numbers (within `hit`) of the lines worth naming: those that matter beside the strongest of their peak."""
    top: dict[int, float] = {}
    for peak, one in zip(owner[hit], share, strict=True):
        top[int(peak)] = max(top.get(int(peak), 0.0), float(one))
    keep = [n for n, peak in enumerate(owner[hit]) if share[n] >= LEAST_SHARE * top[int(peak)]]
    return np.array(sorted(keep, key=lambda n: (owner[hit[n]], -share[n])), dtype=np.int64)


def _origins(
    peaks: xr.Dataset, kept: Index, owner: Index, share: Array, hit: Index, names: Sequence[str], light: Radiation,
    zero: float, displacement: float,
) -> list[str]:  # fmt: skip
    at, height, width = (peaks[name].values for name in ("peak_two_theta", "height", "fwhm"))
    true = at - zero - displacement * np.cos(np.radians(at) / 2.0)
    real = np.isfinite(width)
    ghosts = [""] * len(at)
    for place, name in zip(
        np.flatnonzero(real).tolist(),
        name_ghosts(true[real], height[real], WITHIN_WIDTH * width[real], light),
        strict=True,
    ):
        ghosts[place] = name
    listed: dict[int, list[str]] = {}
    for chosen in kept.tolist():
        # a phase that explains next to nothing of the peak is no explanation of it
        if share[chosen] > LEAST_SHARE:
            listed.setdefault(int(owner[hit[chosen]]), []).append(names[hit[chosen]])
    found = []
    for number in range(len(at)):
        if not real[number]:
            found.append("spike")
            continue
        near = [one for one in listed if abs(at[one] - at[number]) < BESIDE * max(width[one], width[number])
                and height[one] > height[number]]  # fmt: skip
        part = f"profile of {listed[near[0]][0]}" if near else ""
        found.append("; ".join(listed.get(number, [])) or part or ghosts[number])
    return found
