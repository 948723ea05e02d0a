"""Summaries: verdict first, numbers with uncertainty, at most 100 columns."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import xarray as xr

from surfspec import spectra
from surfspec.display import summary
from surfspec.errors import SchemaError


def test_every_kind_fits_the_page(made: ModuleType) -> None:
    long = "correlated: " + "a.center and b.area, " * 20
    names = [f"a sample with a rather long name, number {k}" for k in range(60)]
    cases = [
        made.zirconium_3d(verdict="check", reasons=long),
        made.helium_leis(),
        made.stacked([made.zirconium_3d(seed=k) for k in range(2)], "dose", [1e15, 2e15], "ions/cm2"),
        made.stacked([made.helium_leis(seed=k) for k in range(5)], "sample", names[:5]),
        made.stacked([made.zirconium_3d()] * 60, "sample", names),
        made.xrd_match(),
        made.stacked([made.xrd_match()] * 2, "sample", names[:2]),
        made.dose_table(),
        made.fraction_table(),
        xr.concat([made.fraction_table()] * 30, xr.DataArray(names[:30], dims="region", name="region")),
    ]
    for case in cases:
        lines = summary(case).splitlines()
        assert max(map(len, lines)) <= 100
        assert lines[0].split(" · ")[0] == case.attrs["kind"]


def test_the_verdict_comes_first(made: ModuleType) -> None:
    fit = summary(made.zirconium_3d(verdict="failed", reasons="at bound: z32; correlated")).splitlines()
    assert fit[0] == "fit · XPS · Zr 3d · as_sintered"
    assert fit[1] == "verdict     failed: at bound: z32; correlated"
    assert fit[2] == "recipe      Zr 3d"
    assert summary(made.xrd_match()).splitlines()[1].startswith("verdict     check: unknown phase likely")


def test_a_fit_lists_its_components(made: ModuleType) -> None:
    fit = made.zirconium_3d()
    fit["center_unc"][3] = np.nan
    fit["area"][3] = np.nan
    fit["flag"] = ("component", np.array(["ok", "ok", "at_bound", "not_determined"]))
    lines = summary(fit).splitlines()
    head = next(line for line in lines if line.startswith("component"))
    assert head.split() == ["component", "centre", "(eV)", "FWHM", "(eV)", "area", "(counts·eV)"]
    rows = {line[:17]: line for line in lines}
    assert "182.600(20)" in rows["NaSICON, Zr 3d5/2"]
    assert rows["ZrO2, Zr 3d5/2   "].endswith("at bound")
    last = rows["ZrO2, Zr 3d3/2   "]
    assert "184.1 (n.d.)" in last
    assert last.endswith("n.d.  not determined")


def test_a_series_counts_its_verdicts(made: ModuleType) -> None:
    fits = [
        made.zirconium_3d(seed=k, verdict="ok" if k else "check", reasons="" if k else "at bound: z32")
        for k in range(5)
    ]
    text = summary(made.stacked(fits, "dose", np.arange(1, 6) * 1e15, "ions/cm2"))
    assert "verdicts  1 check, 4 ok of 5" in text
    assert "dose 1×10¹⁵ ions/cm²: check: at bound: z32" in text
    assert "1×10¹⁵ ... 5×10¹⁵ ions/cm²" in text


def test_a_match_lists_phases_and_what_is_unexplained(made: ModuleType) -> None:
    text = summary(made.xrd_match())
    rows = [line for line in text.splitlines() if line.split()[:1] in (["NaSICON"], ["lead"], ["baddeleyite"])]
    assert [row.split()[0] for row in rows] == ["NaSICON", "lead", "baddeleyite"]
    assert "> 0.99" in rows[0]
    assert "71.3 ± 2.1" in rows[0]
    assert "20 (n.d.)" in rows[1]
    assert "unexplained lines (1): 18.83° (d 4.709 Å, relative intensity 0.15)" in text
    assert "no phase identified" in summary(made.xrd_match().isel(phase=slice(0, 0)))
    assert "no line is unexplained" in summary(made.xrd_match().isel(peak=slice(0, 0)))


def test_a_table_shows_all_quantities_and_names_what_it_leaves_out(made: ModuleType) -> None:
    text = summary(made.dose_table())
    assert text.splitlines()[:2] == ["table · LEIS · simulated", "exclude  Na"]
    assert "... and 20 more rows" in text
    assert "2.55(7)×10⁻¹⁶" in text
    assert "2.1×10⁻¹⁶ (n.d.)" in text
    one = {"units": "1"}
    spread = xr.Dataset(
        {"area": ("element", [0.5, 0.4], one), "area_unc": ("element", [0.1, 0.1], one),
         "area_sd_low": ("element", [0.25, 0.25], one), "model_unc": ("element", [0.125, 0.125], one),
         "spot_area": (("spot", "element"), [[0.75, 0.75]], one), "upper_limit": ("element", [np.nan, 0.6], one),
         "curve": ("curve_dose", [0.3, 0.3], one)},
        coords={"element": ["O", "P"]}, attrs={"kind": "table", "technique": "LEIS"},
    )  # fmt: skip
    shown = summary(spread).splitlines()
    assert shown[-1] == "also in the table: area sd low, model unc, spot area, curve"
    assert shown[2].split() == ["element", "area", "upper", "limit"]
    assert not any(number in line for line in shown for number in ("0.25", "0.125", "0.75"))
    scalars = xr.Dataset(
        {"thickness": ((), 0.31, {"units": "nm"}), "thickness_unc": ((), np.nan, {"units": "nm"}),
         "cross_section": ((), np.nan, {"units": "cm2"}), "verdict": ((), "check"), "reasons": ((), "not determined")},
        attrs={"kind": "table", "technique": "LEIS"},
    )  # fmt: skip
    assert summary(scalars).splitlines()[1:] == [
        "verdict  check: not determined",
        "thickness      0.31 nm (not determined)",
        "cross section  not determined",
    ]


def test_a_spectrum_tells_what_is_known() -> None:
    one = spectra.spectrum(
        [1.0, 2.0, 3.0], [5, 6, 7], technique="LEIS", ion="4He", ion_energy=3000.0, units="counts/s", simulated="true"
    )
    assert summary(one).splitlines() == [
        "spectrum · LEIS · simulated",
        "kinetic energy  1 to 3 eV, 3 points, step 1 eV",
        "intensity       5 to 7 counts/s",
        "statistics      unknown: a rate without dwell time",
        "ion             4He",
        "ion energy      3000 eV",
    ]


def test_what_is_no_dataset_is_refused() -> None:
    with pytest.raises(SchemaError, match="expected an xarray Dataset"):
        summary(np.zeros(3))  # type: ignore[arg-type]
