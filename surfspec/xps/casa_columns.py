"""Peaks of fits under the column names of CasaXPS's quantification report."""

from __future__ import annotations

import csv
import io as text_io
from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import reference, schema, spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.uncertainty import fractions
from surfspec.xps.areas import check_mapping, is_timed, seconds
from surfspec.xps.casa_maker import level_name

Array = NDArray[np.float64]

#: Columns of the report and what they hold.
COLUMNS: Mapping[str, str] = {
    "Name": "name", "Position": "position", "FWHM": "fwhm", "R.S.F.": "rsf", "Raw Area": "raw_area",
    "Area/(RSF*T*MFP)": "corrected_area", "%At Conc": "concentration",
}  # fmt: skip
#: Digits after the point, as CasaXPS prints them.
_DIGITS = {"rsf": 4}


def casa_report(
    fits: Mapping[str, xr.Dataset],
    *,
    library: str | Mapping[str, float] = "scofield",
    energy_exponent: float = 0.0,
    force: bool = False,
) -> xr.Dataset:
    r"""Return the peaks of fits as CasaXPS's quantification report has them.

    .. math:: c_j = 100\, \frac{A_j / (s_j T_j E_j^n)}{\sum_k A_k / (s_k T_k E_k^n)}

    Every peak is divided by the factor of its whole level, so that the lines of a doublet add up.

    Parameters
    ----------
    fits
        Fit of each region of one sample, single spectra: of :func:`surfspec.xps.fit`, or of
        :func:`surfspec.xps.rebuild_casa`, which bring the factors and transmission of the file.
    library
        Sensitivity factors of fits that bring none: a name, or core level -> factor.
    energy_exponent
        n above, on the kinetic energy; CasaXPS's MFP exponent. 0 leaves the mean free path out.
    force
        Use failed fits as well.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``peak``: ``name``, ``position``, ``fwhm``, ``rsf``, ``transmission`` (1 where no fit brings
        one), ``raw_area``, ``corrected_area``, ``concentration``, the last three and the first two with ``_unc``.
        Satellites and Auger lines are left out. :func:`casa_table` writes it as text.

    Raises
    ------
    InputError
        For a line without a factor, an unknown photon energy where n is not 0, areas that are not all rates.
    NotDeterminedError
        For a failed fit.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> zr = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d"), "Zr 3d")
    >>> ss.xps.casa_report({"Zr 3d": zr}).concentration.values.round(1).tolist()
    [60.0, 40.0]
    """
    check_mapping(fits, "casa_report")
    _usable(fits, force)
    blocks = [_of_fit(fit, library, energy_exponent) for fit in fits.values()]
    columns = {key: np.concatenate([block[key] for block in blocks]) for key in blocks[0] if key != "covariance"}
    divisor = columns["rsf"] * columns["transmission"] * columns["path"]
    corrected = columns["raw_area"] / divisor
    covariance = np.zeros((divisor.size, divisor.size))
    first = 0
    for block in blocks:
        last = first + block["rsf"].size
        covariance[first:last, first:last] = block["covariance"]
        first = last
    covariance = covariance / np.outer(divisor, divisor)
    known = np.isfinite(np.diag(covariance))
    share, spread = fractions(np.clip(corrected, 0.0, None), np.where(np.isfinite(covariance), covariance, 0.0))
    share_unc = np.sqrt(np.clip(np.diag(spread), 0.0, None))
    share_unc = np.where(known.all(), share_unc, np.nan)
    units = _area_units(fits)
    return _table(columns, corrected, np.sqrt(np.diag(covariance)), 100 * share, 100 * share_unc, units).assign_attrs(
        library=library if isinstance(library, str) else "given by the user",
        energy_exponent=energy_exponent,
        **spectra.origin(*fits.values()),
    )


def casa_table(report: xr.Dataset, *, style: str = "text") -> str:
    """Write a report with the column names of CasaXPS.

    Parameters
    ----------
    report
        Of :func:`casa_report`.
    style
        ``"text"``: aligned columns. ``"csv"``: separated by commas. ``"tab"``: by tabs, as CasaXPS exports.

    Returns
    -------
    str

    Raises
    ------
    InputError
        For another style, or a table that is no report.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> zr = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d"), "Zr 3d")
    >>> print(ss.xps.casa_table(ss.xps.casa_report({"Zr 3d": zr}), style="csv").splitlines()[0])
    Name,Position,FWHM,R.S.F.,Raw Area,Area/(RSF*T*MFP),%At Conc
    """
    if style not in ("text", "csv", "tab"):
        raise InputError(f"style={style!r} is not known", where="style", remedy="Use text, csv or tab")
    missing = [key for key in COLUMNS.values() if key not in report.variables]
    if missing:
        raise InputError(f"the table has no {missing[0]!r}", where="report", remedy="Pass what casa_report returned")
    rows = [list(COLUMNS)]
    for i in range(report.sizes["peak"]):
        rows.append([_cell(report[key].values[i], _DIGITS.get(key, 2)) for key in COLUMNS.values()])
    if style != "text":
        out = text_io.StringIO()
        csv.writer(out, delimiter="," if style == "csv" else "\t", lineterminator="\n").writerows(rows)
        return out.getvalue()
    widths = [max(len(row[k]) for row in rows) for k in range(len(COLUMNS))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _cell(value: object, digits: int) -> str:
    if isinstance(value, str):
        return value
    number = float(np.asarray(value))
    return f"{number:.{digits}f}" if np.isfinite(number) else ""


def _usable(fits: Mapping[str, xr.Dataset], force: bool) -> None:
    for name, fit in fits.items():
        schema.check(fit, "fit")
        if str(fit["verdict"].item()) == "failed" and not force:
            raise NotDeterminedError(
                f"the fit of {name} failed", where="casa_report", remedy="Mend it, or leave the region out"
            )


def _area_units(fits: Mapping[str, xr.Dataset]) -> str:
    units = {str(fit["intensity"].attrs["units"]) for fit in fits.values()}
    timed = {is_timed(fit) for fit in fits.values()}
    if len(units) > 1 or len(timed) > 1:
        raise InputError(
            "the areas of the regions are not in one unit, or the dwell time of some is not known",
            where="casa_report",
            remedy="Set attrs['dwell_time'] (s) and attrs['scans'] of every region, and read all as counts",
        )
    unit = units.pop()
    return "counts/s eV" if unit == "counts" and timed == {True} else f"{unit} eV"


def _of_fit(fit: xr.Dataset, library: str | Mapping[str, float], exponent: float) -> dict[str, Array]:
    lines = [str(line) for line in fit["line"].values]
    kept = np.array([not line.endswith(" sat") and not line.split()[-1].isalpha() for line in lines])
    per = seconds(fit)
    names = np.array([str(name) for name in fit["component"].values])
    position = fit["center"].values[kept]
    count = int(kept.sum())
    given = fit["sensitivity"].values[kept] if "sensitivity" in fit else None
    transmission = fit["transmission"].values[kept] if _per_component(fit) else np.ones(count)
    chosen = [line for line, keep in zip(lines, kept, strict=True) if keep]
    return {
        "name": names[kept],
        "position": position,
        "position_unc": fit["center_unc"].values[kept],
        "fwhm": fit["fwhm"].values[kept],
        "fwhm_unc": fit["fwhm_unc"].values[kept],
        "rsf": np.array([_factor(library, line) for line in chosen]) if given is None else given,
        "transmission": transmission,
        "path": _path(fit, position, exponent),
        "raw_area": fit["area"].values[kept] / per,
        "raw_area_unc": fit["area_unc"].values[kept] / per,
        "covariance": fit["area_covariance"].values[np.ix_(kept, kept)] / per**2,
    }


def _per_component(fit: xr.Dataset) -> bool:
    return "transmission" in fit and fit["transmission"].dims == ("component",)


def _path(fit: xr.Dataset, position: Array, exponent: float) -> Array:
    if exponent == 0.0:
        return np.ones(position.size)
    photon = float(fit.attrs.get("photon_energy", 0.0))
    if not photon > float(np.max(position, initial=0.0)):
        raise InputError(
            f"the photon energy is {photon:g} eV",
            where="casa_report",
            remedy="Set attrs['photon_energy'] before the fit, or take energy_exponent=0",
        )
    return np.asarray((photon - position) ** exponent)


def _factor(library: str | Mapping[str, float], line: str) -> float:
    level = level_name(line)
    if isinstance(library, str):
        return float(reference.sensitivity(library, level))
    if level not in library:
        raise InputError(
            f"no sensitivity factor for {level!r}",
            where="library",
            remedy=f"It has {', '.join(map(str, library))}; add this one",
        )
    return float(library[level])


def _table(
    columns: Mapping[str, Array], corrected: Array, corrected_unc: Array, share: Array, share_unc: Array, units: str
) -> xr.Dataset:
    eV, one = "eV", "1"
    quantities = {
        "position": (columns["position"], columns["position_unc"], eV, "Position"),
        "fwhm": (columns["fwhm"], columns["fwhm_unc"], eV, "FWHM"),
        "raw_area": (columns["raw_area"], columns["raw_area_unc"], units, "Raw area"),
        "corrected_area": (corrected, corrected_unc, units, "Area over RSF, transmission and mean free path"),
        "concentration": (share, share_unc, "%", "Atomic concentration"),
    }
    variables = {
        "rsf": ("peak", columns["rsf"], {"units": one, "long_name": "Relative sensitivity factor"}),
        "transmission": ("peak", columns["transmission"], {"units": one, "long_name": "Transmission of the analyser"}),
    }
    for name, (value, unc, unit, long_name) in quantities.items():
        told = {"units": unit, "long_name": long_name, "ancillary_variables": f"{name}_unc"}
        variables[name] = ("peak", value, told)
        variables[f"{name}_unc"] = ("peak", unc, {"units": unit, "long_name": f"{long_name}, standard uncertainty"})
    out = xr.Dataset(
        {"name": ("peak", columns["name"], {"long_name": "Name"})} | variables,
        coords={"peak": np.arange(columns["rsf"].size)},
        attrs={"kind": "table", "technique": "XPS"},
    )
    return schema.check(out, "table")
