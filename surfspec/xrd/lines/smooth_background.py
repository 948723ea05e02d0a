"""The background of a pattern, with its uncertainty."""

from __future__ import annotations

import numpy as np
import xarray as xr

from surfspec import schema, spectra
from surfspec.xrd.lines.background_choice import bases, compare
from surfspec.xrd.lines.line_fit import linearised
from surfspec.xrd.lines.measured_pattern import one_pattern
from surfspec.xrd.lines.peak_search import search_all


def background(ds: xr.Dataset, *, wavelength: str | float | None = None) -> xr.Dataset:
    r"""Estimate the smooth background of a powder pattern, with its uncertainty.

    .. math:: y_i \sim \mathrm{background}(x_i) + \sum_m L_m(x_i)

    All lines that stand out are fitted together with a penalised spline (and 1/2theta for air scatter); the evidence
    of the data chooses how stiff the spline is, and the result is the average over stiffnesses and knots, weighted by
    their evidence. The lines keep their tails, so that the background does not climb where lines are dense.

    Parameters
    ----------
    ds
        Spectrum over ``two_theta``, one pattern.
    wavelength
        As for :func:`surfspec.xrd.radiation`; by default that of the file. Without one, Ka2 lines are lines of their
        own.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``two_theta`` (deg): ``background`` and ``background_unc`` (unit of the intensity; counting,
        the lines beside it, the stiffness), and ``net``, intensity less background. A broad hump (glass, Kapton) is
        background where it is wider than about six lines, and lines where it is narrower; what overlapping lines hide
        everywhere has a large uncertainty.

    Raises
    ------
    InputError
        For anything but a single XRD pattern over 2 theta in degrees.

    References
    ----------
    Eilers & Marx (1996) Statist. Sci. 11, 89; MacKay (1992) Neural Comput. 4, 415.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec import xrd
    >>> x = np.arange(20, 40, 0.02)
    >>> lead = xrd.pattern(xrd.phases(["Pb_fcc"])[0], wavelength="CuKa1", two_theta=x)
    >>> counts = np.random.default_rng(1).poisson(4000 / x + 10 * lead.intensity.values)
    >>> smooth = xrd.background(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
    >>> bool(np.all(abs(smooth.background.values - 4000 / x) < 4 * smooth.background_unc.values))
    True
    """
    given = one_pattern(ds, wavelength, "a background is estimated")
    found = search_all(given.x, given.y, given.variance, light=given.light, noise=given.noise)
    target, columns, precision = linearised(found.y, found.fit, found.law)
    choices = bases(found.x, float(np.median(found.law.width(found.x))))
    mean, variance = compare(target, 1.0 / found.variance, choices, columns, precision, bands=True).average()
    smooth = np.interp(given.x, found.x, mean)
    spread = np.sqrt(np.interp(given.x, found.x, variance))
    columns_of = {
        "background": (smooth, "Background", {"ancillary_variables": "background_unc"}),
        "background_unc": (spread, "Standard uncertainty of the background", {}),
        "net": (given.y - smooth, "Intensity less background", {}),
    }
    attrs: dict[str, str | float] = {"kind": "table", "technique": "XRD", **spectra.origin(ds)}
    if given.light is not None:
        attrs |= {"wavelength": given.light.wavelengths[0], "wavelength_name": given.light.name}
    return schema.check(
        xr.Dataset(
            {name: ("two_theta", values, {"units": given.unit, "long_name": label, **more})
             for name, (values, label, more) in columns_of.items()},
            coords={"two_theta": ds["two_theta"]}, attrs=attrs,
        ),
        "table",
    )  # fmt: skip
