"""Windows that hold core levels of several elements: B 1s beside Zr 3d is one fit and two regions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from surfspec.errors import InputError
from surfspec.xps.amounts.areas import WINDOW, check_mapping, is_core


def by_element(fits: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return the fits with one entry for each element, where a window holds several.

    A window of one element keeps its name. Of another one each element has an entry named after its core level,
    ``"B 1s"`` and ``"Zr 3d"``: the whole fit, in which the components of the others are labelled so that they do not
    count. The covariance between them therefore stays known.

    Parameters
    ----------
    fits
        Fit of each region of one sample, single spectra.

    Raises
    ------
    InputError
        When something is no fit of a single spectrum, or when an element of such a window has a region of its own as
        well.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 198.0, 0.1)
    >>> peaks = ((182.5, 900), (184.91, 600), (191.1, 150))
    >>> y = 500 + sum(h * np.exp(-((e - c) / 0.8) ** 2) for c, h in peaks)
    >>> both = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS", region="B 1s"), "B 1s")
    >>> list(by_element({"B 1s": both}))
    ['B 1s', 'Zr 3d']
    """
    check_mapping(fits, "fits")
    out: dict[str, xr.Dataset] = {}
    for name, fit in fits.items():
        core = is_core(fit)
        elements = [str(one) for one in fit["element"].values]
        held = list(dict.fromkeys(one for one, counts in zip(elements, core, strict=True) if counts))
        if len(held) < 2:
            _put(out, name, fit)
            continue
        for element in held:
            mine = np.array([one == element for one in elements])
            labels = [str(line) for line in fit["line"].values]
            told = [line if own else f"{line} other" for line, own in zip(labels, mine, strict=True)]
            part = fit.assign_coords(line=("component", np.array(told)))
            part.attrs = {**fit.attrs, WINDOW: name}
            level = next(line for line, own, counts in zip(labels, mine, core, strict=True) if own and counts)
            _put(out, level.split("/")[0].rstrip("1357") if "/" in level else level, part)
    return out


def _put(out: dict[str, xr.Dataset], name: str, fit: xr.Dataset) -> None:
    if name in out:
        raise InputError(
            f"two fits hold {name}",
            where=name,
            remedy="Leave one of them out: a core level that lies in two windows counts once",
        )
    out[name] = fit
