"""What callers may not give to a refinement: refused with what to do, before anything is fitted."""

from __future__ import annotations

import numpy as np
import pytest

import surfspec as ss
from surfspec import errors, xrd

NAN, INF = float("nan"), float("inf")
GRID = np.arange(25.0, 60.0, 0.05)


@pytest.fixture(scope="module")
def lead():
    made = xrd.intensity("Pb_fcc", GRID, wavelength="CuKa")
    counts = np.random.default_rng(1).poisson(100 + 4e3 * made / made.max())
    return ss.spectrum(GRID, counts, technique="XRD", simulated="true")


WRONG = [
    {"shifts": ["zero"]},
    {"shifts": None},
    {"asymmetry": "no"},
    {"asymmetry": 0},
    {"caglioti": "a"},
    {"displacement_parameters": None},
    {"texture": {"Pb_fcc": (0, 0, 0)}},
    {"texture": {"Pb_fcc": "111"}},
    {"texture": {"Pb_fcc": (1, 1)}},
    {"texture": {"Pb_fcc": (1, 1, 0.5)}},
    {"texture": {3: (1, 1, 1)}},
    {"texture": ["Pb_fcc"]},
    {"texture": (("Pb_fcc", (1, 1, 1)), ("Pb_fcc", (1, 0, 0)))},
    {"texture": 1},
    {"overspill": NAN},
    {"overspill": True},
    {"overspill": "some"},
    {"b_prior": NAN},
    {"b_prior": 0},
    {"cell_prior": NAN},
    {"cell_prior": INF},
    {"cell_prior": -1},
    {"pawley": 1},
    {"pawley": (1,)},
    {"background": "fine"},
    {"background": NAN},
    {"monochromator": NAN},
    {"monochromator": 1e300},
    {"slits": 1},
    {"ka2_ratio": "half"},
    {"two_theta": 30},
    {"two_theta": (30, NAN)},
    {"two_theta": (50, 30)},
    {"two_theta": (30, 40, 50)},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_options_refuse(wrong):
    with pytest.raises(errors.InputError) as caught:
        xrd.Refinement(**wrong)
    assert next(iter(wrong)) in str(caught.value)


def test_options_take_what_files_give():
    """Lists and mappings, as a study file has them."""
    given = xrd.Refinement(
        texture={"brucite": [0, 0, 1]}, pawley=["LaB6"], two_theta=[20, 80], overspill=np.float64(0.2)
    )
    assert given == xrd.Refinement(
        texture=(("brucite", (0, 0, 1)),), pawley=("LaB6",), two_theta=(20.0, 80.0), overspill=0.2
    )
    assert xrd.Refinement(pawley="LaB6").pawley == ("LaB6",)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"pawley": "Pb_fccc"}, "pawley names Pb_fccc"),
        ({"pawley": ("Pb_fcc", "ZnO")}, "pawley names ZnO"),
        ({"texture": {"Pbx": (1, 1, 1)}}, "texture names Pbx"),
        ({"texture": {"Pb_fcc": (1, 1, 1)}, "pawley": "Pb_fcc"}, "take any texture"),
        ({"options": {"shifts": "zero"}}, "options"),
        ({"structures": 3}, "structures"),
        ({"structures": ["Pb_fcc"]}, "structures"),
        ({"wavelength": []}, "wavelength"),
        ({"instrument": "LaB6"}, "Dataset"),
    ],
)
def test_refine_refuses(lead, options, word):
    with pytest.raises(errors.SurfspecError, match=word):
        xrd.refine(lead, "Pb_fcc", **({"wavelength": "CuKa"} | options))


@pytest.mark.parametrize("phases", [None, 3, [None], [3], b"Pb_fcc", "Pb_fccc", ["Pb_fcc", NAN]])
def test_no_phases(lead, phases):
    with pytest.raises(errors.InputError):
        xrd.refine(lead, phases, wavelength="CuKa")


def test_a_dataset_that_is_no_match(lead):
    for wrong in (lead, xrd.phase_table(["Pb_fcc"])):
        with pytest.raises(errors.InputError, match="no match"):
            xrd.refine(lead, wrong, wavelength="CuKa")


@pytest.mark.parametrize(
    ("axis", "word"),
    [
        (np.radians(GRID), "np.degrees"),
        (4 * np.pi * np.sin(np.radians(GRID / 2)) / 1.5406, "arcsin"),
        (GRID - 50.0, "0 to 180"),
        (GRID + 140.0, "0 to 180"),
        (GRID + 300.0, "0 to 180"),
    ],
)
def test_angles_that_are_no_degrees(lead, axis, word):
    other = ss.spectrum(axis, lead.intensity.values, technique="XRD")
    with pytest.raises(errors.InputError, match=word):
        xrd.refine(other, "Pb_fcc", wavelength="CuKa")


def test_a_phase_goes_by_its_name_in_options(lead):
    name = xrd.phases("Pb_fcc")[0].name
    fit = xrd.refine(lead, name, wavelength="CuKa", texture={name: (1, 1, 1)}, shifts="none")
    assert fit.texture_direction.values.tolist() == ["111"]
    assert fit.texture.values[0] == pytest.approx(1.0, abs=4 * fit.texture_unc.values[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": 3},
        {"space_group": None},
        {"space_group": "nonsense"},
        {"name": 1},
        {"cell": (4.0, 4.0, 4.0)},
        {"cell": "444"},
        {"cell": (4.0, 4.0, NAN, 90, 90, 90)},
        {"cell": (4.0, 4.0, "4", 90, 90, 90)},
        {"cell": (1e9, 1e9, 1e9, 90, 90, 90)},
        {"cell_uncertainty": -1},
        {"cell_uncertainty": 5},
        {"cell_uncertainty": "small"},
    ],
    ids=str,
)
def test_lattices_refuse(changes):
    fields = {"id": "cubic", "space_group": "P m -3 m", "cell": (4.0, 4.0, 4.0, 90, 90, 90)}
    with pytest.raises(errors.InputError):
        xrd.Lattice(**(fields | changes))
