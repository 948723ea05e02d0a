"""Tables of XPS and LEIS together, and what they say in sentences, from the content of ``results.json``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from surfspec.display import value_text
from surfspec.report.tables import Cell, Column, Quantity, Table

Results = Mapping[str, Any]


def details(results: Results) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the samples that have a joint estimate, with it."""
    for name, sample in results["samples"].items():
        if "detail" in sample.get("joint", {}):
            yield name, sample["joint"]


def tables(results: Results) -> list[Table]:
    """Return the film by each technique alone and by both, and the pulls of all data."""
    return [estimates(results), pulls(results)]


def estimates(results: Results) -> Table:
    """Return coverage and thickness by each technique alone and by all of them."""
    rows: list[tuple[Cell, ...]] = []
    for name, joint in details(results):
        found = joint["detail"]
        for technique, one in found["techniques"].items():
            last = technique == "joint"
            layers = found["monolayers"]["not_excluded"] if last else []
            rows.append(
                (
                    name, "all together" if last else technique, _q(one["coverage"]), _q(one["thickness"]),
                    _q(one["equivalent_thickness"]), _q(found["removal_cross_section"]) if last else None,
                    " or ".join(map(str, layers)),
                )
            )  # fmt: skip
    return Table(
        "joint_film",
        "The film by each technique alone and by all together",
        (
            Column("sample"), Column("by"), Column("coverage before the beam", "", "quantity"),
            Column("thickness where there is film", "nm", "quantity"),
            Column("thickness of a closed film that attenuates alike", "nm", "quantity"),
            Column("removal cross-section", "cm2", "quantity"), Column("monolayers"),
        ),
        tuple(rows),
        "XPS alone tells the product of coverage and attenuation, that is the last thickness, and neither coverage nor "
        "thickness.",
    )  # fmt: skip


def pulls(results: Results) -> Table:
    """Return every datum of the joint estimates beside what the film makes of it."""
    rows: list[tuple[Cell, ...]] = [
        (
            name, one["name"], Quantity(one["observed"], one["observed_unc"]), one["predicted"],
            "" if one["unit"] == "1" else one["unit"], one["pull"],
        )
        for name, joint in details(results)
        for one in joint["detail"]["data"]
    ]  # fmt: skip
    return Table(
        "joint_pulls",
        "What the joint estimate makes of each datum",
        (
            Column("sample"), Column("datum"), Column("measured", "", "quantity"),
            Column("by the model", "", "number", digits=4), Column("unit"), Column("pull", "", "number", digits=2),
        ),
        tuple(rows),
        "Pull: measured minus model over the standard uncertainty of the datum. Those of coverages are correlated.",
    )  # fmt: skip


def sentences(results: Results) -> list[str]:
    """Return what was found of each film, and whether the techniques agree."""
    return [line for name, joint in details(results) for line in _film(name, joint)]


def _film(name: str, joint: Mapping[str, Any]) -> Iterator[str]:
    found = joint["detail"]
    shapes = {"closed": "a closed film", "patches": "patches", "cannot tell": "closed film or patches: cannot tell"}
    told = [
        f"{word} {_text(joint[key])}" for key, word in (("coverage", "coverage"), ("thickness", "thickness"))
        if joint[key]
    ]  # fmt: skip
    if found["removal_cross_section"]:
        told.append(f"removal cross-section {_text(found['removal_cross_section'])}")
    if joint["thickness"]:
        told.append(shapes[found["film_shape"]])
    if told:
        yield f"{name}: {'; '.join(told)}."
    yield f"{name}: {found['statement']}."


def _text(value: Mapping[str, Any]) -> str:
    return value_text(value["value"], math.nan if value["unc"] is None else value["unc"], value["unit"])


def _q(value: Mapping[str, Any] | None) -> Quantity | None:
    return None if value is None else Quantity(value["value"], math.nan if value["unc"] is None else value["unc"])
