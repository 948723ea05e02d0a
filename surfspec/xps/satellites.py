"""Satellites of X-ray sources without monochromator: copies of every photoelectron line at lower binding energy."""

from __future__ import annotations

from collections.abc import Sequence

from surfspec import reference
from surfspec.fitting.model import Component, Parameter

#: Distance in eV beyond an end of the window up to which a satellite still reaches into it.
REACH = 3.0
#: Last word of the label ``line`` of a satellite, which tells it from a core level.
LABEL = "sat"


def with_satellites(
    components: Sequence[Component], parameters: Sequence[Parameter], anode: str, low: float, high: float
) -> tuple[Component, ...]:
    """Return the components, and the satellites that an anode's other X-ray lines make of them in a window.

    A satellite is its line again, at the table's displacement and relative height, tied to it in everything; the
    areas of the lines stay those of K-alpha1,2 alone. Auger lines have no satellites: their kinetic energy does not
    hang on the photon's.

    Parameters
    ----------
    components, parameters
        Of the model; where a line starts decides whether its satellites lie in the window.
    anode
        ``"Al"``, ``"Mg"``, or ``"none"`` for a monochromatic source.
    low, high
        The window, eV.

    References
    ----------
    Table ``xray_satellites``, with its sources.

    Examples
    --------
    >>> from surfspec.fitting import Tie
    >>> ps = (Parameter("a", 1.0), Parameter("c", 532.0), Parameter("w", 1.2))
    >>> peak = Component("O", "gaussian", Tie("a"), {"center": Tie("c"), "fwhm": Tie("w")}, {"line": "O 1s"})
    >>> [one.name for one in with_satellites([peak], ps, "Mg", 520.0, 540.0)]
    ['O', 'O Ka3', 'O Ka4']
    """
    if anode == "none":
        return tuple(components)
    rows = list(reference.table("xray_satellites").rows(anode=anode))
    start = {one.name: one.value for one in parameters}
    out = list(components)
    for one in components:
        if one.labels.get("line", "").split()[-1:] == [] or one.labels["line"].split()[-1].isalpha():
            continue
        tie = one.roles["center"]
        center = sum(factor * start[name] for name, factor in tie.terms()) + tie.offset
        for row in rows:
            at = center - row["displacement"]
            if low - REACH <= at <= high + REACH:
                out.append(_satellite(one, str(row["x_ray_line"]), row["displacement"], row["relative_height"]))
    return tuple(out)


def _satellite(one: Component, x_ray_line: str, displacement: float, height: float) -> Component:
    roles = {**one.roles, "center": one.roles["center"].scaled(1.0, -displacement)}
    labels = {**one.labels, "line": f"{one.labels['line']} {LABEL}"}
    return Component(f"{one.name} {x_ray_line}", one.shape, one.area.scaled(height), roles, labels)
