"""The pure film of a study as blank of the elements that it does not hold."""

from __future__ import annotations

import pytest
import xarray as xr

import surfspec as ss
from surfspec import leis, reference
from surfspec.study.leis import usable_blanks
from surfspec.study.spec import LeisCoverage, LeisPart

ELEMENTS = ("O", "Na", "Si", "P", "Zr")


@pytest.fixture(scope="module")
def film() -> xr.Dataset:
    folder = reference.path("nasicon_study") / "leis"
    spectra = [ss.read(folder / f"ref_Na3PO4_area{spot}_dose1.csv") for spot in (1, 2, 3)]
    return leis.fit(ss.stack(spectra, "spot", [1, 2, 3]), leis.Recipe(elements=ELEMENTS))


def part(film: str = "Na3PO4") -> LeisPart:
    covered = LeisCoverage(film, "ZrO2", {"film": "a", "substrate": "b"})
    return LeisPart(ion="4He", energy=3000, angle=145, elements=ELEMENTS, coverage=covered)


def test_a_film_without_any_area_of_an_element_serves_as_its_blank(film: xr.Dataset) -> None:
    nothing = film.copy(deep=True)
    nothing["area"].loc[{"component": "Zr"}] = 0.0
    assert set(usable_blanks(part(), {"film": film})) == {"Si", "Zr"}
    blanks = usable_blanks(part(), {"film": nothing})
    assert set(blanks) == {"Si", "Zr"}
    # the blank shows a scatter, and what is there stands out from it
    sample = ss.read(reference.path("nasicon_study") / "leis" / "as_sintered_area1_dose4.csv")
    seen = leis.detect(leis.fit(sample, leis.Recipe(elements=ELEMENTS)), elements=["Zr"], blanks={"Zr": blanks["Zr"]})
    assert 0.0 < float(seen.p_value.item()) < 1e-6


def test_elements_of_the_film_and_too_few_spectra_are_no_blank(film: xr.Dataset) -> None:
    assert set(usable_blanks(part("Na3PO4"), {"film": film})).isdisjoint({"O", "Na", "P"})
    assert set(usable_blanks(part("Na2Si2O5"), {"film": film})) == {"P", "Zr"}
    assert usable_blanks(part(), {"film": film.isel(spot=slice(2))}) == {}
    assert usable_blanks(part(), {}) == {}
