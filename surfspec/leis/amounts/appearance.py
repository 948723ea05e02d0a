r"""From which dose, or cycle, on is an element there? One question to many spectra, answered once.

Where a film is worn off, what lies below it can only come out further. So the spectra are asked in a fixed order, the
last one first, each at the full level, and the asking stops at the first no: the chance that an element which is
nowhere there is called present from anywhere on is then at most the level, however many spectra there are (Maurer,
Hothorn and Lehmacher 1995; Westfall and Krishen, J. Stat. Plan. Inference 99 (2001) 25). Without the order Holm's
correction holds (Scand. J. Stat. 6 (1979) 65), at a cost in power.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import spectra
from surfspec.errors import InputError
from surfspec.leis.amounts import checks
from surfspec.leis.amounts.inputs import check_level

Array = NDArray[np.float64]

METHODS = ("sequence", "holm")
#: Chances below this are told as "below": they rest on the tails of distributions that no measurement has checked.
TOLD = 1e-6


def from_the_end(p: Array) -> Array:
    r"""Return the chances of the fixed sequence, :math:`\tilde p_k = \max_{j \ge k} p_j`, shape (..., spectra).

    NaN stays, and counts as no spectrum.

    Examples
    --------
    >>> from_the_end(np.array([0.2, 0.001, 0.03, 0.01])).tolist()
    [0.2, 0.03, 0.03, 0.01]
    """
    worst = np.fmax.accumulate(p[..., ::-1], axis=-1)[..., ::-1]
    return np.where(np.isnan(p), np.nan, worst)


def holm(p: Array) -> Array:
    """Return Holm's corrected chances, shape (..., spectra); NaN stays, and counts as no spectrum.

    Examples
    --------
    >>> holm(np.array([0.04, 0.01, 0.03])).round(3).tolist()
    [0.06, 0.03, 0.06]
    """
    out = np.full(p.shape, np.nan)
    for index in np.ndindex(*p.shape[:-1]):
        known = np.flatnonzero(np.isfinite(p[index]))
        order = known[np.argsort(p[index][known], kind="stable")]
        factor = order.size - np.arange(order.size)
        corrected = np.minimum(np.maximum.accumulate(factor * p[index][order]), 1.0)
        out[(*index, order)] = corrected
    return out


def first_detected(
    table: xr.Dataset, *, along: str = "dose", level: float | None = None, method: str = "sequence"
) -> xr.Dataset:
    r"""From which spectrum on an element is detected in all that follow.

    Parameters
    ----------
    table
        What :func:`surfspec.leis.detect` or :func:`surfspec.leis.normalise` returned, over `along` and ``element``.
    along
        Dimension that was followed, in rising order of its coordinate.
    level
        Chance, over all spectra together, of calling an element present that is nowhere there; that of `table` by
        default.
    method
        ``"sequence"``: spectra asked from the last to the first, for what can only come out further. ``"holm"``: no
        order assumed.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``. Over (..., element): ``first_detected`` (the coordinate of `along`; NaN where the last
        spectrum does not show the element), ``last_undetected`` (that of the spectrum before; NaN where there is
        none), ``p_joint`` (corrected chance of the claim) and ``statement`` in words: the claim, spectra without an
        answer that it passes over, and what an element had to show (``attrs["asked"]`` of `table`).
        Over (..., along, element): ``p_value`` as it was, ``p_corrected``, ``detected`` after the correction, and
        ``upper_limit`` of `table`. A
        dose is that at the end of a spectrum, which averages over its own interval: the element came out between
        ``last_undetected`` and ``first_detected`` at the earliest.

    Raises
    ------
    InputError
        For a table without chances, an unknown dimension or method, a level outside (0, 0.5), or an order that does
        not rise or is not made of numbers.

    References
    ----------
    Westfall and Krishen, J. Stat. Plan. Inference 99 (2001) 25; Holm, Scand. J. Stat. 6 (1979) 65.

    Examples
    --------
    >>> import surfspec as ss
    >>> p = ("dose", "element"), [[0.4], [0.2], [0.001]], {"units": "1", "long_name": "p"}
    >>> limit = ("dose", "element"), [[0.02], [0.03], [float("nan")]], {"units": "1", "long_name": "limit"}
    >>> table = xr.Dataset(
    ...     {"p_value": p, "upper_limit": limit},
    ...     coords={"dose": ("dose", [1e15, 2e15, 3e15], {"units": "ions/cm2"}), "element": ["Si"]},
    ...     attrs={"kind": "table", "technique": "LEIS", "level": 0.05},
    ... )
    >>> ss.leis.first_detected(table).statement.item()
    'Si: not detected up to 2e+15 ions/cm2 (limit 0.03), detected from 3e+15 ions/cm2 on (p = 0.001)'

    A spectrum without an answer is no witness, and is named:

    >>> table["p_value"][1] = float("nan")
    >>> ss.leis.first_detected(table).statement.item().split("; ")[1]
    'no answer at 2e+15 ions/cm2'
    """
    table = checks.table(table, "table", "leis.detect or leis.normalise")
    checks.text(along, "along", "Give the name of the dimension")
    if "p_value" not in table or "element" not in table["p_value"].dims:
        raise InputError(
            "the table has no p_value over element",
            where="table",
            remedy="Pass what leis.detect or leis.normalise gave",
        )
    dims = [str(d) for d in table["p_value"].dims]
    if along not in dims or along == "element":
        raise InputError(
            f"the table has no dimension {along!r}",
            where="along",
            remedy=f"Use one of {', '.join(d for d in dims if d != 'element') or 'none: it is no series'}",
        )
    if not isinstance(method, str) or method not in METHODS:
        raise InputError(f"unknown method {method!r}", where="method", remedy=f"Use {' or '.join(METHODS)}")
    chosen = float(table.attrs.get("level", 0.05)) if level is None else level
    check_level(chosen)
    steps = np.arange(table.sizes[along])
    there = along in table.coords
    if there and table[along].dtype.kind not in "iuf":
        raise InputError(f"{along} is not made of numbers", where="along", remedy=f"Number the spectra by {along}")
    place: Array = np.asarray(table[along].values if there else steps, dtype=np.float64)
    if np.any(~np.isfinite(place)) or np.any(np.diff(place) <= 0):
        raise InputError(f"{along} does not rise", where="along", remedy=f"Sort the series by {along} first")
    outer = [d for d in dims if d not in (along, "element")]
    order = (*outer, "element", along)
    p = table["p_value"].transpose(*order).values
    corrected = from_the_end(p) if method == "sequence" else holm(p)
    found = np.nan_to_num(corrected, nan=1.0) < chosen
    start, previous = _place(np.isfinite(p), found)
    last = place.size - 1
    first = np.where(start <= last, place[np.minimum(start, last)], np.nan)
    before = np.where(previous >= 0, place[np.maximum(previous, 0)], np.nan)
    # the claim holds as well as its weakest spectrum; where nothing is claimed, as well as that of the last one
    claimed = np.where(start <= last, start, np.maximum(previous, 0))
    at = np.take_along_axis(corrected, claimed[..., None], axis=-1)[..., 0]
    limit = table["upper_limit"].transpose(*order).values if "upper_limit" in table else np.full(p.shape, np.nan)
    unit = str(table[along].attrs.get("units", "1")) if along in table.coords else "1"
    limit_unit = str(table["upper_limit"].attrs["units"]) if "upper_limit" in table else "1"
    asked = asked_of(table)
    words = _statements(
        table["element"].values, place, start, previous, at, limit, np.isnan(p), (unit, limit_unit, asked)
    )
    one, top, full = {"units": "1"}, (*outer, "element"), (*outer, "element", along)
    keep = {n: c for n, c in table.coords.items() if set(map(str, c.dims)) <= {*outer, "element", along}}
    return xr.Dataset(
        {
            "first_detected": (top, first, {"units": unit, "long_name": f"{along} from which on it is detected"}),
            "last_undetected": (top, before, {"units": unit, "long_name": f"{along} of the spectrum before"}),
            "p_joint": (top, at, {**one, "long_name": "Corrected chance of the claim without the element"}),
            "statement": (top, words, {"long_name": "What can be said"}),
            "p_value": (full, p, {**one, "long_name": "Chance of so strong a signal without the element"}),
            "p_corrected": (full, corrected, {**one, "long_name": "The same for all spectra together"}),
            "detected": (full, found.astype(np.int8), {**one, "long_name": "1 where detected after correction"}),
            "upper_limit": (full, limit, {"units": limit_unit, "long_name": "Upper limit where not detected"}),
        },
        coords=keep,
        attrs={
            "kind": "table", "technique": "LEIS", "inputs": "table", "along": along, "level": chosen, "method": method,
            "multiple_testing": f"{method} over {place.size} spectra; chance of any false call at most {chosen:g}",
            **({"asked": asked} if asked else {}), **spectra.origin(table),
        },
    )  # fmt: skip


def asked_of(table: xr.Dataset) -> str:
    """Say what an element had to show to be called detected, as far as the table tells; empty where it does not.

    Examples
    --------
    >>> asked_of(xr.Dataset(attrs={"asked": "likelihood"}))
    'likelihood'
    """
    if "asked" in table.attrs:
        return str(table.attrs["asked"])
    if "likelihood_ratio" not in table:
        return ""
    blanks = str(table.attrs.get("blanks", ""))
    return f"likelihood, and {'above the blank for ' + blanks if blanks else 'blank or model uncertainty where given'}"


def _place(known: NDArray[np.bool_], found: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where the detections that end the series begin, and the last spectrum before them, shape (..., element).

    The number of spectra where there are none, and -1 where no spectrum comes before. Spectra without an answer are
    passed over.
    """
    shape, count = found.shape[:-1], found.shape[-1]
    start, previous = np.full(shape, count, dtype=np.intp), np.full(shape, -1, dtype=np.intp)
    for index in np.ndindex(*shape):
        for k in np.flatnonzero(known[index])[::-1]:
            if not found[index][k]:
                previous[index] = k
                break
            start[index] = k
    return start, previous


def _statements(
    elements: Array,
    place: Array,
    start: NDArray[np.intp],
    previous: NDArray[np.intp],
    chance: Array,
    limit: Array,
    silent: NDArray[np.bool_],
    words: tuple[str, str, str],
) -> NDArray[np.str_]:
    """Return a sentence for each claim, shape (..., element).

    Parameters
    ----------
    elements, place
        Symbols, and the coordinate.
    start, previous
        Where the detections begin, and the last spectrum without one.
    chance
        Of the claim, shape (..., element).
    limit, silent
        Upper limits, and which spectra have no answer, shape (..., element, spectra).
    words
        Units of the coordinate and of the limits, and what was asked.
    """
    unit, limit_unit, asked = words
    suffix = "" if unit == "1" else f" {unit}"
    out = np.empty(start.shape, dtype=object)
    for index in np.ndindex(*start.shape):
        k, before, name = int(start[index]), int(previous[index]), str(elements[index[-1]])
        parts = []
        if before >= 0:
            last = limit[index][before]
            told = f" (limit {last:.2g}{'' if limit_unit == '1' else ' ' + limit_unit})" if np.isfinite(last) else ""
            parts.append(f"not detected up to {place[before]:.3g}{suffix}{told}")
        if k < place.size:
            size = f"p < {TOLD:.0e}" if chance[index] < TOLD else f"p = {chance[index]:.2g}"
            parts.append(f"detected from {place[k]:.3g}{suffix} on ({size})")
        gaps = [f"{where:.3g}" for where in place[silent[index]]]
        sentence = f"{name}: {', '.join(parts) or 'no spectrum tells'}"
        sentence += f"; no answer at {', '.join(gaps)}{suffix}" if gaps and parts else ""
        out[index] = sentence + (f"; asked: {asked}" if asked else "")
    return np.asarray(out.astype(str) if out.size else out.astype("<U1"))
