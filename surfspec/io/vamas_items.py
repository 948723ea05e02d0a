"""The items of a VAMAS block by their number in ISO 14976, and the modes and techniques in which each is written.

References
----------
W. A. Dench, L. B. Hazell, M. P. Seah, Surf. Interface Anal. 13 (1988) 63-122; ISO 14976:1998.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from surfspec.io.vamas_cursor import Cursor, Header, Value

_DEPTH_PROFILES = ("MAPDP", "MAPSVDP", "SDP", "SDPSV")
_ION_TECHNIQUES = (
    "FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec",
)  # fmt: skip
_SPUTTERED_TECHNIQUES = ("AES diff", "AES dir", "EDX", "ELS", "UPS", "XPS", "XRF")


@dataclass(frozen=True)
class Context:
    """What decides whether an item is written."""

    header: Header
    technique: str

    def mode_in(self, modes: tuple[str, ...]) -> bool:
        """Tell whether the experiment mode is one of these."""
        return self.header.experiment_mode in modes


Item = Callable[[Cursor, Context], dict[str, Value]]


def _fields(*fields: tuple[str, str]) -> Item:
    """Make an item of fixed fields: (name, ``t`` text | ``r`` number)."""

    def take(cursor: Cursor, _: Context) -> dict[str, Value]:
        return {
            name: cursor.text(f"the {name.replace('_', ' ')}")
            if kind == "t"
            else cursor.real(f"the {name.replace('_', ' ')}")
            for name, kind in fields
        }

    return take


def _where(condition: Callable[[Context], bool], item: Item) -> Item:
    """Make an item that only stands in blocks which meet a condition."""

    def take(cursor: Cursor, context: Context) -> dict[str, Value]:
        return item(cursor, context) if condition(context) else {}

    return take


def _comment(cursor: Cursor, _: Context) -> dict[str, Value]:
    return {"comment": cursor.lines_of("block comment")}


def _experimental(cursor: Cursor, context: Context) -> dict[str, Value]:
    values = tuple(cursor.real(f"the value of {label or 'a variable'}") for label, _ in context.header.variables)
    return {"experimental": values}


def _variables(cursor: Cursor, _: Context) -> dict[str, Value]:
    count = cursor.count("the number of corresponding variables")
    pairs = tuple((cursor.text("a variable label"), cursor.text("a variable unit")) for _ in range(count))
    return {"variables": pairs}


def _additional(cursor: Cursor, _: Context) -> dict[str, Value]:
    count = cursor.count("the number of additional numerical parameters")
    return {
        "additional": tuple(
            (cursor.text("a parameter label"), cursor.text("a parameter unit"), cursor.real("a parameter value"))
            for _ in range(count)
        )
    }


def _reals(*names: str) -> Item:
    return _fields(*((name, "r") for name in names))


#: Items of a block by their number in the standard, the number that inclusion and exclusion lists use.
ITEMS: dict[int, Item] = {
    1: _reals("year"),
    2: _reals("month"),
    3: _reals("day"),
    4: _reals("hour"),
    5: _reals("minute"),
    6: _reals("second"),
    7: _reals("hours_ahead_of_gmt"),
    8: _comment,
    9: _fields(("technique", "t")),
    10: _where(lambda c: c.mode_in(("MAP", "MAPDP")), _reals("x_coordinate", "y_coordinate")),
    11: _experimental,
    12: _fields(("source_label", "t")),
    13: _where(
        lambda c: c.mode_in(_DEPTH_PROFILES) or c.technique in _ION_TECHNIQUES,
        _reals("sputtering_atomic_number", "sputtering_atoms", "sputtering_charge"),
    ),
    14: _reals("source_energy"),
    15: _reals("source_strength"),
    16: _reals("source_width_x", "source_width_y"),
    17: _where(
        lambda c: c.mode_in(("MAP", "MAPDP", "MAPSV", "MAPSVDP", "SEM")), _reals("field_of_view_x", "field_of_view_y")
    ),
    18: _where(
        lambda c: c.mode_in(("MAPSV", "MAPSVDP", "SEM")),
        _reals("first_start_x", "first_start_y", "first_finish_x", "first_finish_y", "last_finish_x", "last_finish_y"),
    ),
    19: _reals("source_polar_angle"),
    20: _reals("source_azimuth"),
    21: _fields(("analyser_mode", "t")),
    22: _reals("pass_energy"),
    23: _where(lambda c: c.technique == "AES diff", _reals("differential_width")),
    24: _reals("magnification"),
    25: _reals("work_function"),
    26: _reals("target_bias"),
    27: _reals("analysis_width_x", "analysis_width_y"),
    28: _reals("take_off_polar_angle", "take_off_azimuth"),
    29: _fields(("species", "t")),
    30: _fields(("transition", "t"), ("charge", "r")),
    31: _where(
        lambda c: c.header.scan_mode == "REGULAR",
        _fields(("abscissa_label", "t"), ("abscissa_unit", "t"), ("abscissa_start", "r"), ("abscissa_step", "r")),
    ),
    32: _variables,
    33: _fields(("signal_mode", "t")),
    34: _reals("collection_time"),
    35: _reals("scans"),
    36: _reals("time_correction"),
    37: _where(
        lambda c: c.mode_in(_DEPTH_PROFILES) and c.technique in _SPUTTERED_TECHNIQUES,
        _fields(
            ("sputter_energy", "r"), ("sputter_current", "r"), ("sputter_width_x", "r"), ("sputter_width_y", "r"),
            ("sputter_polar_angle", "r"), ("sputter_azimuth", "r"), ("sputter_mode", "t"),
        ),
    ),
    38: _reals("tilt_polar_angle", "tilt_azimuth"),
    39: _reals("rotation_angle"),
    40: _additional,
}  # fmt: skip
