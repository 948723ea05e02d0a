"""What changed between two patterns of one sample: lines, phases, or nothing, with a limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import given, schema
from surfspec.errors import InputError
from surfspec.fitting.verdict import REASONS
from surfspec.xrd.lines.detection import typical_width
from surfspec.xrd.lines.noise import counting_variance
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.series.alignment import Aligned, align
from surfspec.xrd.series.difference import LineChange, line_changes, line_shape
from surfspec.xrd.series.known_phases import Known, known_of
from surfspec.xrd.series.new_phases import Change, Optics, phase_changes
from surfspec.xrd.series.sides import Side
from surfspec.xrd.structures.cards import phases as load_phases
from surfspec.xrd.structures.chosen import several_phases
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]

#: Significance at which the height of a line in the limit curve is quoted.
LIMIT: Final = 3.0


def changes(
    before: xr.Dataset,
    after: xr.Dataset,
    *,
    matches: tuple[xr.Dataset, xr.Dataset] | None = None,
    phases: Iterable[str | Phase] | None = None,
    wavelength: str | float | Radiation | None = None,
    false_alarm: float = 0.01,
) -> xr.Dataset:
    r"""Compare two patterns of one sample: which lines and phases are new, which are gone.

    .. math:: y_{after}(x) = k\, y_{before}(x - s) + b(x) + \mathrm{changes}

    Scale factor k, shift s and change of background b are fitted. Lines are searched in what is left, with the counting
    noise of both patterns and the scatter of line areas between two mountings; phases by fitting all their lines at
    once.

    Parameters
    ----------
    before, after
        Patterns over ``two_theta`` of one radiation; their grids may differ.
    matches
        What :func:`surfspec.xrd.match` found in them. Gives candidates, line shifts and the mass that turns scales into
        weight fractions; the patterns are then laid over each other by the phases that both hold.
    phases
        Candidates: ids, names or `Phase` objects; by default those of the match of the second pattern.
    wavelength
        As for :func:`surfspec.xrd.radiation`; by default that of the match or of the file.
    false_alarm
        Probability of one or more false lines, and of one or more false phases, in a pair that differs by noise only.

    Returns
    -------
    xarray.Dataset
        Kind ``table``. Over ``line``, the most significant first: ``line_two_theta`` (deg), ``d`` (angstrom),
        ``height_change`` with ``_unc``, ``relative_intensity`` (% of the strongest line of the second pattern),
        ``significance``, ``false_alarm`` and ``change`` (``appeared``, ``vanished``, ``grew``, ``shrank``).
        Over ``candidate``: ``scale_change`` with ``_unc``, ``phase_significance``, ``weight_fraction_limit`` (95 %, one
        sided; NaN without matches) and ``phase_change`` (``more``, ``less``, ``none``; ``not determined`` where the
        patterns could not be laid over each other). Over ``two_theta``: ``intensity``, ``expected``,
        ``difference`` with ``_unc`` and ``height_limit``, the line that would be seen at three sigma.
        A line ``appeared`` where the first pattern shows less than three sigma (counting) of it above a straight line
        through five line widths around, else it ``grew``; ``vanished`` and ``shrank`` likewise by the second pattern.
        attrs: ``verdict``, ``conclusion``, ``intensity_ratio``, ``shift``, ``line_limit`` (%, median of the height
        limit over the strongest line), ``level`` (significance asked of a line), ``reasons``.

    Raises
    ------
    InputError
        For series, patterns that share less than 5 deg, different radiations, or no wavelength.

    References
    ----------
    Rice (1945) Bell Syst. Tech. J. 24, 46 (false alarms of a filter over a range).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20.0, 60.0, 0.03)
    >>> made = [ss.xrd.pattern(ss.xrd.phases([n])[0], wavelength="CoKa", two_theta=x).intensity.values
    ...         for n in ("corundum", "Pb_fcc")]
    >>> draw = np.random.default_rng(1).poisson
    >>> pair = [ss.spectrum(x, draw(100 + 5 * made[0] + part * made[1]), technique="XRD") for part in (0, 2)]
    >>> found = ss.xrd.changes(*pair, wavelength="CoKa")
    >>> found.change.values.tolist()[:2], found.line_two_theta.values[:2].round(1).tolist()
    (['appeared', 'appeared'], [36.5, 42.4])
    """
    chance = given.number(false_alarm, "false_alarm", low=0.0, high=0.5, above=True)
    for name, one in (("before", before), ("after", after)):
        schema.check(one, "spectrum")
        if schema.axis_of(one) != "two_theta" or one["intensity"].ndim != 1:
            raise InputError(
                "changes are found between two single patterns over two_theta",
                where=name,
                remedy="Select one member of a series with isel()",
            )
    known = known_of(matches)
    light = _light(before, after, matches, wavelength)
    optics = Optics(light, *known.shifts)
    sides = _side(before), _side(after)
    aligned = align(*sides, _width(*sides), known.common)
    doubts = [*aligned.doubts, *known.doubts(aligned.factor)]
    found, level = line_changes(aligned, light, chance)
    candidates = _candidates(phases, matches)
    moved, words = phase_changes(aligned, candidates, optics, chance)
    if doubts:
        words = ["not determined"] * len(candidates)
    table = xr.Dataset({**_line_columns(found, aligned, light, str(after["intensity"].attrs["units"]))})
    table = table.merge(_phase_columns(candidates, moved, words, known)).merge(_curves(aligned, after, light))
    strongest = float(aligned.net_after.max(initial=0.0))
    limit = float(np.median(table["height_limit"].values)) / strongest * 100.0 if strongest > 0 else np.nan
    reasons = list(doubts)
    if not doubts and any(abs(item.significance) > level for item in found if item.change in ("grew", "shrank")):
        reasons.append("ambiguous: lines that grew or shrank may be texture or another mounting, not an amount")
    simulated = [one.attrs["simulated"] for one in (before, after) if "simulated" in one.attrs]
    table.attrs = {
        "kind": "table", "technique": "XRD", "verdict": _verdict(reasons),
        "conclusion": _conclusion(found, candidates, words, limit, doubtful=bool(doubts)),
        "intensity_ratio": aligned.factor, "intensity_ratio_unc": aligned.factor_unc, "shift": aligned.shift,
        "shift_unc": aligned.shift_unc, "model_error": aligned.model_error, "line_limit": limit, "level": level,
        "wavelength": light.wavelengths[0], "wavelength_name": light.name, "reasons": "; ".join(reasons),
        **({} if matches is not None else {"note": "weight fractions need the matches of both patterns"}),
        **({"simulated": str(simulated[0])} if simulated else {}),
        **({"sample": str(after.attrs["sample"])} if "sample" in after.attrs else {}),
    }  # fmt: skip
    return schema.check(table, "table")


def _light(
    before: xr.Dataset,
    after: xr.Dataset,
    matches: tuple[xr.Dataset, xr.Dataset] | None,
    wavelength: str | float | Radiation | None,
) -> Radiation:
    if wavelength is not None:
        return radiation(wavelength)
    sources = (before, after) if matches is None else matches
    lights = [radiation(one.attrs.get("wavelength_name") or one.attrs.get("wavelength")) for one in sources]
    if abs(lights[0].wavelengths[0] / lights[1].wavelengths[0] - 1.0) > 1e-4:
        raise InputError(
            f"the patterns were measured with {lights[0].name} and {lights[1].name}",
            where="wavelength",
            remedy="Compare patterns of one radiation, or say wavelength=",
        )
    return lights[1]


def _candidates(
    phases: Iterable[str | Phase] | None, matches: tuple[xr.Dataset, xr.Dataset] | None
) -> tuple[Phase, ...]:
    if phases is None and matches is None:
        return ()
    if phases is None and matches is not None:
        cards = {phase.id for phase in load_phases()}
        return several_phases([str(name) for name in matches[1]["candidate"].values if str(name) in cards], "phases",
                              or_none=True)  # fmt: skip
    return several_phases(phases or (), "phases", or_none=True)


def _side(pattern: xr.Dataset) -> Side:
    y = pattern["intensity"].values.astype(np.float64)
    unc = pattern["intensity_unc"].values if "intensity_unc" in pattern else None
    statistics = str(pattern.attrs["statistics"])
    variance, _ = counting_variance(y, statistics, unc)
    return Side(pattern["two_theta"].values.astype(np.float64), y, variance, statistics == "poisson")


def _width(before: Side, after: Side) -> float:
    """Typical line width of the two patterns, deg."""
    return float(
        np.mean([typical_width(one.y, one.variance, float(np.median(np.diff(one.x)))) for one in (before, after)])
    )


def _line_columns(found: Sequence[LineChange], aligned: Aligned, light: Radiation, unit: str) -> dict[str, xr.Variable]:
    strongest = float(aligned.net_after.max(initial=0.0)) or np.nan
    place = np.array([item.two_theta for item in found], dtype=np.float64)
    height = np.array([item.height for item in found], dtype=np.float64)
    columns: dict[str, tuple[Array, str, str]] = {
        "line_two_theta": (place, "deg", "2θ of the line"),
        "d": (light.wavelengths[0] / (2.0 * np.sin(np.radians(place) / 2.0)), "angstrom", "Lattice spacing"),
        "height_change": (height, unit, "Change of height, after less before"),
        "height_change_unc": (np.array([item.height_unc for item in found]), unit, "Standard uncertainty"),
        "relative_intensity": (100.0 * height / strongest, "%", "Change over the strongest line of the second pattern"),
        "significance": (np.array([item.significance for item in found]), "1", "Change over its uncertainty"),
        "false_alarm": (
            np.array([item.false_alarm for item in found]), "1", "Probability of such a line in noise, anywhere"
        ),
    }  # fmt: skip
    made = {
        name: xr.Variable(("line",), np.asarray(values, dtype=np.float64), {"units": units, "long_name": label})
        for name, (values, units, label) in columns.items()
    }
    made["height_change"].attrs["ancillary_variables"] = "height_change_unc"
    made["change"] = xr.Variable(("line",), np.array([item.change for item in found], dtype=np.str_),
                                 {"long_name": "What the line did"})  # fmt: skip
    return made


def _phase_columns(
    candidates: Sequence[Phase], moved: Sequence[Change], words: Sequence[str], known: Known
) -> xr.Dataset:
    density = np.array([phase.density for phase in candidates], dtype=np.float64)
    limit = density * np.array([item.limit for item in moved], dtype=np.float64)
    others = np.array([known.mass_beside(phase.id) for phase in candidates], dtype=np.float64)
    score = np.array([item.significance for item in moved], dtype=np.float64)
    one, scale = {"units": "1"}, {"units": "arb. units"}
    data = {
        "scale_change": (
            "candidate", np.array([item.scale for item in moved], dtype=np.float64),
            scale | {"long_name": "Change of scale", "ancillary_variables": "scale_change_unc"},
        ),
        "scale_change_unc": (
            "candidate", np.array([item.scale_unc for item in moved], dtype=np.float64),
            scale | {"long_name": "Standard uncertainty"},
        ),
        "phase_significance": ("candidate", score, one | {"long_name": "Change of scale over its counting noise"}),
        "weight_fraction_limit": (
            "candidate", limit / (others + limit), one | {"long_name": "Weight fraction that may have come (95 %)"}
        ),
        "phase_change": (
            "candidate", np.array(words, dtype=np.str_),
            {"long_name": "What the phase did"},
        ),
    }  # fmt: skip
    coords = {
        "candidate": ("candidate", np.array([phase.id for phase in candidates], dtype=np.str_)),
        "name": ("candidate", np.array([phase.name for phase in candidates], dtype=np.str_)),
    }
    return xr.Dataset(data, coords=coords)


def _curves(aligned: Aligned, after: xr.Dataset, light: Radiation) -> xr.Dataset:
    unit = {"units": str(after["intensity"].attrs["units"])}
    shape = line_shape(aligned.x, float(np.median(aligned.x)), aligned.fwhm, light)
    near = shape > 0.02
    power = np.convolve(1.0 / aligned.variance, (shape[near] ** 2)[::-1], "same")
    data = {
        "intensity": ("two_theta", aligned.after, unit | {"long_name": "Intensity after"}),
        "expected": ("two_theta", aligned.expected, unit | {"long_name": "Intensity before, scaled and shifted"}),
        "difference": (
            "two_theta", aligned.difference,
            unit | {"long_name": "Difference", "ancillary_variables": "difference_unc"},
        ),
        "difference_unc": (
            "two_theta", np.sqrt(aligned.variance), unit | {"long_name": "Standard uncertainty, with the model error"}
        ),
        "height_limit": (
            "two_theta", LIMIT / np.sqrt(power), unit | {"long_name": "Height of a line seen at three sigma"}
        ),
    }  # fmt: skip
    return xr.Dataset(data, coords={"two_theta": ("two_theta", aligned.x, {"units": "deg", "long_name": "2θ"})})


def _verdict(reasons: Sequence[str]) -> str:
    """Return the worst that the reasons lead to."""
    found = {REASONS[reason.partition(":")[0]] for reason in reasons}
    return next((word for word in ("failed", "check") if word in found), "ok")


def _conclusion(
    found: Sequence[LineChange], candidates: Sequence[Phase], words: Sequence[str], limit: float, *, doubtful: bool
) -> str:
    if doubtful:
        return f"the patterns could not be laid over each other, nothing is concluded ({len(found)} lines differ)"
    counts = {word: sum(item.change == word for item in found) for word in ("appeared", "vanished", "grew", "shrank")}
    told = [f"{count} {'lines' if count > 1 else 'line'} {word}" for word, count in counts.items() if count]
    for word, start in (("more", "the difference fits"), ("less", "the difference fits a loss of")):
        names = [phase.name for phase, own in zip(candidates, words, strict=True) if own == word]
        if names:
            told.append(f"{start} {', '.join(names[:4])}{' and others' if len(names) > 4 else ''}")
    return "; ".join(told) if told else f"no new line above {limit:.2g} % of the strongest, no new phase"
