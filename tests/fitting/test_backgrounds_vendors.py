"""The rules of other programs against the backgrounds that these programs exported with real spectra."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from surfspec.fitting.backgrounds import shirley, shirley_iterative, smart

pytestmark = pytest.mark.data

#: Spectra with a Shirley background by CasaXPS. Those left out have a linear one or one of another kind.
CASA = [
    "20240220_Au_MPPipTFSI4AMSIol3_F_1s",
    "20240220_Au_MPPipTFSI4AMSIol3_N_1s",
    "20240220_Au_MPPipTFSI4AMSIol3_O_1s",
    "20240220_Au_MPPipTFSI4AMSIol3_S_2p",
    "20240220_Au_MPPipTFSI4AMSIol3_Si_2p",
    "20240228_Au_MPPipTFSIIol3_Au_4f",
    "20240228_Au_MPPipTFSIIol3_F_1s",
    "20240228_Au_MPPipTFSIIol3_O_1s",
    "20240228_Au_Nadep_from_MPPipTFSI4AMSIol3_Ag_3d",
    "20240228_Au_Nadep_from_MPPipTFSI4AMSIol3_Au_4f",
    "20240228_Au_Nadep_from_MPPipTFSI4AMSIol3_C_1s",
    "20240228_Au_Nadep_from_MPPipTFSI4AMSIol3_F_1s",
    "20240228_Au_Nadep_from_MPPipTFSI4AMSIol3_Na_1s",
    "20240228_Au_Nadep_from_MPPipTFSI4AMSIol3_O_1s",
    "20240621_Au_Nadep_from_MPPipTFSI_Ag_3d",
    "20240621_Au_Nadep_from_MPPipTFSI_Au_4f",
]


def casaxps(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies, rates and CasaXPS's background inside its region (where the background is not the data)."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    head = next(i for i, r in enumerate(rows) if r and r[0].startswith("BE_"))
    column = next(j for j, name in enumerate(rows[head]) if name.startswith("Background"))
    table = np.array([[float(r[0]), float(r[1]), float(r[column])] for r in rows[head + 1 :] if r and r[0]])
    table = table[np.argsort(table[:, 0])]
    inside = np.flatnonzero(np.abs(table[:, 2] - table[:, 1]) > 1e-6 * np.abs(table[:, 1]))
    x, y, b = table[inside[0] : inside[-1] + 1].T
    return x, y, b


def avantage(path: Path, sheet: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies, rates and Avantage's background (0 outside its region)."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    rows = list(book[sheet].iter_rows(values_only=True))
    book.close()
    column = rows[14].index("Backgnd.")
    table = np.array([[float(r[c]) for c in (0, 2, column)] for r in rows[16:] if r[0] is not None])
    x, y, b = table[np.argsort(table[:, 0])].T
    return x, y, b


@pytest.mark.parametrize("name", CASA)
def test_casa_rule(data_dir: Path, name: str) -> None:
    x, y, theirs = casaxps(data_dir / "xps" / "theoechem_Na" / f"{name}.csv")
    ends = (float(theirs[0]), float(theirs[-1]))
    digit = 10.0 ** (np.floor(np.log10(theirs.max())) - 5)  # they print six digits
    ours = shirley_iterative(x, y, rule="casa", anchors=ends)
    error = np.abs(ours.values - theirs).max()
    assert ours.converged
    assert error < 2 * digit
    trapezoid = shirley_iterative(x, y, anchors=ends)
    assert np.abs(trapezoid.values - theirs).max() > 3 * error


@pytest.mark.parametrize("name", CASA)
def test_exact_is_the_converged_iteration_on_measured_spectra(data_dir: Path, name: str) -> None:
    x, y, theirs = casaxps(data_dir / "xps" / "theoechem_Na" / f"{name}.csv")
    ends = (float(theirs[0]), float(theirs[-1]))
    exact = shirley(x, y, anchors=ends)
    picard = shirley_iterative(x, y, anchors=ends, clip=False, tolerance=1e-13, max_iterations=1000)
    assert picard.converged
    assert np.abs(exact.values - picard.values).max() < 1e-9 * abs(ends[1] - ends[0])


@pytest.mark.parametrize(("sheet", "limit"), [("C1s Scan", 0.005), ("O1s Scan", 0.005), ("Na1s Scan", 0.03)])
def test_avantage_rule(data_dir: Path, sheet: str, limit: float) -> None:
    x, y, theirs = avantage(data_dir / "xps" / "kherve_fits" / "Hard_carbon_Thermo.xlsx", sheet)
    inside = np.flatnonzero(theirs)
    window = (float(x[inside[0]]), float(x[inside[-1]]))
    theirs = theirs[inside]
    step = theirs[-1] - theirs[0]
    ours = shirley_iterative(x, y, rule="avantage", window=window)
    assert ours.anchors == pytest.approx((theirs[0], theirs[-1]), abs=0.006)  # they print two decimals of the rate
    assert np.abs(ours.values - theirs).max() < limit * abs(step)
    if step < 0:
        same = smart(x, y, preset="avantage", window=window)
        np.testing.assert_allclose(same.values, ours.values)
