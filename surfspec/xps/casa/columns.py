"""Peaks of fits under the column names of CasaXPS's quantification report."""

from __future__ import annotations

import csv
import io as text_io
from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.uncertainty import fractions
from surfspec.xps.amounts.areas import check_mapping, is_timed, number, seconds
from surfspec.xps.casa.factors import factors_of, left_out, path_of, transmission_of, transmitted
from surfspec.xps.casa.widths import quoted_widths

Array = NDArray[np.float64]

#: Columns of the report and what they hold.
COLUMNS: Mapping[str, str] = {
    "Name": "name", "Position": "position", "FWHM": "fwhm_casa", "R.S.F.": "rsf", "Raw Area": "raw_area",
    "Area/(RSF*T*MFP)": "corrected_area", "%At Conc": "concentration",
}  # fmt: skip
#: Digits after the point, as CasaXPS prints them.
_DIGITS = {"rsf": 4}


def casa_report(
    fits: Mapping[str, xr.Dataset],
    *,
    library: str | Mapping[str, float] = "scofield",
    energy_exponent: float = 0.0,
    transmission: bool = True,
    force: bool = False,
) -> xr.Dataset:
    r"""Return the peaks of fits as CasaXPS's quantification report has them.

    .. math:: c_j = 100\, \frac{A_j / (s_j T_j E_j^n)}{\sum_k A_k / (s_k T_k E_k^n)}

    Every peak is divided by the factor of its whole level, so that the lines of a doublet add up.

    Parameters
    ----------
    fits
        Fit of each region of one sample, single spectra: of :func:`surfspec.xps.fit`, or of
        :func:`surfspec.xps.rebuild_casa`. That, and fits of what :func:`surfspec.xps.from_casa` made, bring the R.S.F.
        of the file.
    library
        Sensitivity factors of fits that bring none: a name, or core level -> factor.
    energy_exponent
        n above, on the kinetic energy; CasaXPS's MFP exponent, which its files do not hold. 0 leaves the mean free path
        out.
    transmission
        Whether areas are divided by the transmission that the data bring from their file, at the position.
    force
        Use failed fits as well.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``peak``: ``name``, ``position``, ``fwhm_casa`` (the parameter of the shape, which CasaXPS
        calls FWHM), ``fwhm`` (full width at half maximum), ``rsf``, ``transmission`` (1 where left out), ``raw_area``,
        ``corrected_area``, ``concentration``; all but the factors with ``_unc``. ``attrs["left_out"]`` says what the
        areas are not divided by. Satellites, Auger lines and
        peaks whose R.S.F. is 0 are left out. :func:`casa_table` writes it as text.

    Raises
    ------
    InputError
        For a line without a factor, an unknown photon energy where n is not 0, areas that are not all rates, regions of
        which only some bring a transmission.
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
    exponent = number(energy_exponent, "energy_exponent", -10.0, 10.0)
    _usable(fits, force)
    divided = transmission and transmitted(fits)
    blocks = [_of_fit(fit, library, exponent, divided) for fit in fits.values()]
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
        energy_exponent=exponent,
        left_out=left_out(divided, exponent),
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
    if not isinstance(report, xr.Dataset):
        raise InputError(
            f"the report is a {type(report).__name__}", where="report", remedy="Pass what casa_report returned"
        )
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
    cell = float(np.asarray(value))
    return f"{cell:.{digits}f}" if np.isfinite(cell) else ""


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


def _of_fit(fit: xr.Dataset, library: str | Mapping[str, float], exponent: float, divided: bool) -> dict[str, Array]:
    lines = [str(line) for line in fit["line"].values]
    kept = np.array([not line.endswith(" sat") and not line.split()[-1].isalpha() for line in lines])
    rsf = factors_of(fit, lines, kept, library)
    kept &= rsf != 0.0
    per, position = seconds(fit), fit["center"].values
    width, width_unc = quoted_widths(fit)
    columns = {
        "name": np.array([str(name) for name in fit["component"].values]),
        "position": position,
        "position_unc": fit["center_unc"].values,
        "fwhm": fit["fwhm"].values,
        "fwhm_unc": fit["fwhm_unc"].values,
        "fwhm_casa": width,
        "fwhm_casa_unc": width_unc,
        "rsf": rsf,
        "transmission": transmission_of(fit, position) if divided else np.ones(position.size),
        "path": path_of(fit, position, exponent),
        "raw_area": fit["area"].values / per,
        "raw_area_unc": fit["area_unc"].values / per,
    }
    covariance = fit["area_covariance"].values[np.ix_(kept, kept)] / per**2
    return {key: column[kept] for key, column in columns.items()} | {"covariance": covariance}


def _table(
    columns: Mapping[str, Array], corrected: Array, corrected_unc: Array, share: Array, share_unc: Array, units: str
) -> xr.Dataset:
    eV, one = "eV", "1"
    quantities = {
        "position": (columns["position"], columns["position_unc"], eV, "Position"),
        "fwhm": (columns["fwhm"], columns["fwhm_unc"], eV, "Full width at half maximum"),
        "fwhm_casa": (columns["fwhm_casa"], columns["fwhm_casa_unc"], eV, "FWHM as CasaXPS quotes it"),
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
