"""What callers may not give to patterns: refused with what to do, never a numpy error or a silent wrong number."""

from __future__ import annotations

import numpy as np
import pytest

from surfspec import errors, xrd
from surfspec.xrd.patterns.optics import transparency_to_degrees

NAN, INF = float("nan"), float("inf")
GRID = np.arange(25.0, 60.0, 0.05)
WRONG = [
    {"wavelength": []},
    {"wavelength": True},
    {"wavelength": {"Cu": 1}},
    {"wavelength": NAN},
    {"two_theta": "a"},
    {"two_theta": None},
    {"two_theta": [[20, 30], [40, 50]]},
    {"two_theta": (20, NAN)},
    {"profile": 0.1},
    {"profile": "narrow"},
    {"monochromator": NAN},
    {"monochromator": "graphite"},
    {"zero": None},
    {"zero": INF},
    {"displacement": INF},
    {"displacement": "0.1"},
    {"transparency": NAN},
    {"scale": -1},
    {"scale": NAN},
    {"scale": INF},
    {"slit": 3},
    {"slit": ["fixed"]},
    {"size": 0},
    {"size": "large"},
    {"strain": NAN},
    {"strain": -0.001},
    {"reach": NAN},
    {"reach": "far"},
    {"engine": 1},
    {"engine": ["numpy"]},
]
OF_PATTERN = [
    {"threshold": -1},
    {"threshold": NAN},
    {"k_beta": NAN},
    {"k_beta": "0.1"},
    {"tungsten": -0.1},
    {"texture": 0.5},
    {"texture": (0.5,)},
    {"texture": (0.5, "111")},
    {"texture": (0.5, (0, 0, 0))},
    {"texture": (0.5, (0, 0, 1.5))},
    {"texture": ("0.5", (0, 0, 1))},
    {"axial": 0.01},
    {"axial": (0.01, "0.02")},
    {"axial": (0.01, NAN)},
    {"perfect": "no"},
]


def label(one: dict) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in one.items())


@pytest.mark.parametrize("wrong", WRONG + OF_PATTERN, ids=label)
def test_pattern_refuses(wrong):
    with pytest.raises(errors.InputError) as caught:
        xrd.pattern("corundum", **({"wavelength": "CuKa", "two_theta": GRID} | wrong))
    assert next(iter(wrong)) in str(caught.value)


@pytest.mark.parametrize("wrong", WRONG, ids=label)
def test_intensity_refuses(wrong):
    more = {"wavelength": "CuKa", "two_theta": GRID} | wrong
    with pytest.raises(errors.InputError):
        xrd.intensity("corundum", more.pop("two_theta"), **more)


@pytest.mark.parametrize("phase", [None, 3, "corundumm", ["corundum"], b"corundum"])
def test_no_phase(phase):
    with pytest.raises(errors.InputError):
        xrd.pattern(phase, wavelength="CuKa")
    with pytest.raises(errors.InputError):
        xrd.intensity(phase, GRID, wavelength="CuKa")


def test_a_name_stands_for_its_phase():
    named = xrd.pattern("Pb_fcc", wavelength="CuKa", two_theta=GRID)
    assert named.identical(xrd.pattern(xrd.phases("Pb_fcc")[0], wavelength="CuKa", two_theta=GRID))
    bare = xrd.intensity("Pb_fcc", GRID, wavelength="CuKa")
    assert np.array_equal(bare, xrd.intensity(xrd.phases("Pb_fcc")[0], GRID, wavelength="CuKa"))


def test_a_name_of_several_phases_is_not_chosen_from():
    with pytest.raises(errors.InputError, match="ZrO2_m"):
        xrd.pattern("ZrO2", wavelength="CuKa")


@pytest.mark.parametrize("value", [NAN, INF, "0.1", None, True])
def test_shifts_of_a_displaced_specimen(value):
    for convert in (xrd.displacement_to_degrees, xrd.displacement_to_mm):
        with pytest.raises(errors.InputError):
            convert(value, radius=200.0)
        with pytest.raises(errors.InputError):
            convert(0.1, radius=value)
        with pytest.raises(errors.InputError):
            convert(0.1, radius=0.0)
    with pytest.raises(errors.InputError):
        transparency_to_degrees(value, radius=200.0)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (xrd.Caglioti, {"u": NAN}),
        (xrd.Caglioti, {"w": "0.01"}),
        (xrd.Caglioti, {"eta": 1.5}),
        (xrd.Thompson, {"x": None}),
        (xrd.Thompson, {"p": -1}),
        (xrd.Thompson, {"w": INF}),
    ],
)
def test_profiles_refuse(kind, fields):
    with pytest.raises(errors.InputError):
        kind(**fields)


def test_numbers_of_other_kinds_are_numbers():
    first = xrd.pattern("corundum", wavelength="CuKa", two_theta=GRID, zero=np.float32(0.5), size=np.int64(40))
    assert first.equals(xrd.pattern("corundum", wavelength="CuKa", two_theta=list(GRID), zero=0.5, size=40.0))
