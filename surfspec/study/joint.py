"""XPS and LEIS of one sample together: one film from the tables of both."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from surfspec import joint
from surfspec.report import layout
from surfspec.study.outcome import Outcome, placed
from surfspec.study.reading import Progress
from surfspec.study.spec import JointPart

#: What may be used: word of the study, its table, the number it must hold, and the argument of the joint estimate.
TABLES = {
    "leis": (layout.LEIS_COVERAGE, "coverage", "coverage"),
    "edge": (layout.LEIS_THICKNESS, "thickness", "edge"),
    "xps": (layout.XPS_THICKNESS, "equivalent_thickness", "xps"),
}


def usable(tables: Mapping[str, xr.Dataset], part: JointPart) -> dict[str, xr.Dataset]:
    """Return the tables that the joint estimate takes, by argument: wanted, there, and with a number in them."""
    found = {}
    for word in part.use:
        place, name, argument = TABLES[word]
        table = tables.get(place)
        if table is None or set(table[name].dims) - {"dose"}:
            continue
        known = np.isfinite(table[name].values) & np.isfinite(table[f"{name}_unc"].values)
        if np.any(known) and (argument != "coverage" or "dose" in table.coords):
            found[argument] = table
    return found


def analyse(tables: Mapping[str, xr.Dataset], part: JointPart | None, *, progress: Progress) -> Outcome:
    """Estimate the film of one sample from XPS and LEIS together.

    Parameters
    ----------
    tables
        All tables of the sample.
    part
        The study's ``joint:``; without it the estimate is made where both techniques have their tables.
    progress
        Told what is done.
    """
    out = Outcome()
    found = usable(tables, part or JointPart())
    by_leis = {"coverage", "edge"} & set(found)
    if not (by_leis and "xps" in found) and (part is None or not found):
        if part is not None:
            out.note("joint film", "there is no coverage by LEIS at a known dose and no thickness by XPS")
        return out
    progress("XPS and LEIS together")
    options = part or JointPart()

    def make() -> xr.Dataset:
        with placed("joint"):
            return joint.film(
                found.get("coverage"),
                found.get("edge"),
                xps=found.get("xps"),
                layers=int(options.layers),
                monolayer=options.monolayer,
                monolayer_unc=options.monolayer_unc,
                dose_scale_unc=options.dose_scale_unc,
            )

    table = out.conclude("joint film", make)
    if table is not None:
        out.tables[layout.JOINT] = table
    return out
