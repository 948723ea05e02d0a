"""What a picture or a summary of a match must not hide: unverified cards, simulated data, signal left unexplained."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from matplotlib.font_manager import fontManager

import surfspec as ss
from surfspec import display, xrd


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    """A match of a verified and an unverified card, on simulated data."""
    (corundum,), lead = xrd.phases(["corundum"]), xrd.phases(["Pb"])
    cards = [replace(corundum, id="mine", name="Alumina", trust="D", verified=False), *lead]
    angle = np.arange(15.0, 80.0, 0.03)
    lines = sum(xrd.pattern(card, wavelength="CuKa1", two_theta=angle).intensity.values for card in cards)
    spectrum = ss.spectrum(
        angle, np.round(100 + 3000 * lines / lines.max()), technique="XRD", wavelength=1.540598, simulated="true"
    )
    return xrd.match(spectrum, phases=cards)


def texts(figure: object) -> str:
    return "\n".join(artist.get_text() for artist in figure.findobj(lambda a: hasattr(a, "get_text")))  # type: ignore[attr-defined]


def test_only_verified_cards_pass_without_a_mark(found: xr.Dataset) -> None:
    lines = {line.split()[0]: line for line in display.summary(found).splitlines() if line}
    assert "unverified (D)" in lines["Alumina"]
    assert "unverified" not in lines["Lead"]
    for width in ("page", "column"):
        assert "unverified card (grade D)" in texts(display.plot(found, width=width))
    told = {phase["id"]: phase["verified"] for phase in xrd.report(found)["phases"]}
    assert told == {"mine": False, "Pb_fcc": True}


def test_the_flag_of_the_card_decides_and_old_matches_fall_back_on_the_grade(found: xr.Dataset) -> None:
    lead = found.isel(phase=[str(p) for p in found["phase"].values].index("Pb_fcc"))
    assert display.labels.card_note(lead) == ""
    assert display.labels.card_note(lead.assign_coords(verified=0)) == "unverified card (grade A)"
    assert display.labels.card_note(lead.drop_vars("verified").assign_coords(trust="B")) == "unverified card (grade B)"
    old = found.drop_vars("verified")
    assert {phase["id"]: phase["verified"] for phase in xrd.report(old)["phases"]}["mine"] is False


def test_every_card_of_grade_a_is_verified_and_no_other() -> None:
    assert all(card.verified == (card.trust == "A") for card in xrd.phases())


def test_simulated_points_are_not_called_measured(found: xr.Dataset) -> None:
    drawn = texts(display.plot(found))
    assert "Simulated" in drawn
    assert "Measured" not in drawn
    assert "Measured" in texts(display.plot(found.assign_attrs(simulated="")))


def test_signal_left_unexplained_is_not_called_explained(found: xr.Dataset) -> None:
    assert "no line is unexplained" in display.summary(found)
    rest = found.assign_attrs(unexplained_share=0.62)
    assert "no line is unexplained" not in display.summary(rest)
    assert "62 % of the signal is not explained" in display.summary(rest)
    assert "identified crystalline part only" in display.summary(rest)
    assert "identified crystalline part only" not in display.summary(found)


def test_a_series_with_a_simulated_member_is_simulated(made: ModuleType) -> None:
    spectrum = ss.spectrum([1, 2, 3], [4, 5, 6], technique="LEIS")
    series = ss.stack([spectrum.assign_attrs(simulated="true"), spectrum.assign_attrs(simulated="")], "dose", [1, 2])
    assert display.labels.is_simulated(series)
    assert not display.labels.is_simulated(spectrum)


def test_only_installed_types_stand_behind_the_common_one() -> None:
    first, *rest = display.style.families()
    assert first == "DejaVu Sans"
    assert {font.name for font in fontManager.ttflist} >= set(rest)
