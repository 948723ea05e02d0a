"""The modified Auger parameter: the formula, no charging in it, its uncertainty by simulation."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError, NotDeterminedError
from surfspec.xps import Peak, Range, Recipe

PHOTON = 1486.6
#: Binding energies on the true scale, eV: a metal whose Auger parameter is NIST's 2065.9 of sodium.
PHOTO, AUGER = 1071.7, 1071.7 + PHOTON - 2065.9


def recipe(line: str, place: float) -> Recipe:
    peak = Peak("Na", line, Range(place, place - 4, place + 4))
    return Recipe(line, line, (place - 9.0, place + 9.0), peaks=(peak,))


def measured(line: str, place: float, charged: float, seed: int | None, **attrs: float | str) -> xr.Dataset:
    e = np.arange(place - 14.0, place + 14.0, 0.1)
    y = 300 + 2000 * np.exp(-4 * np.log(2) * ((e - place - charged) / 1.6) ** 2)
    counts = np.round(y) if seed is None else np.random.default_rng(seed).poisson(y).astype(float)
    known = {"photon_energy": PHOTON, "sample": "A", "region": line, **attrs}
    return ss.spectrum(e, counts, technique="XPS", **known)


def pair(charged: float = 0.0, seed: int | None = None, **attrs: float | str) -> tuple[xr.Dataset, xr.Dataset]:
    """Fits of Na 1s and Na KLL of one sample."""
    seeds = (None, None) if seed is None else (2 * seed, 2 * seed + 1)
    lines = (("Na 1s", PHOTO), ("Na KLL", AUGER))
    one, other = (
        ss.xps.fit(measured(line, place, charged, s, **attrs), recipe(line, place))
        for (line, place), s in zip(lines, seeds, strict=True)
    )
    return one, other


def test_sodium_metal() -> None:
    table = ss.xps.auger_parameter(*pair(), reference=2065.9)
    assert float(table.auger_parameter) == pytest.approx(2065.9, abs=0.005)
    assert float(table.kinetic_energy) == pytest.approx(PHOTON - AUGER, abs=0.005)
    assert float(table.binding_energy) == pytest.approx(PHOTO, abs=0.005)
    assert float(table.difference) == pytest.approx(0.0, abs=0.005)
    assert (table.attrs["line"], table.attrs["auger_line"]) == ("Na 1s", "Na KLL")
    assert table.auger_parameter.attrs["units"] == "eV"


def test_charging_cancels_and_so_does_its_correction() -> None:
    plain = float(ss.xps.auger_parameter(*pair()).auger_parameter)
    assert float(ss.xps.auger_parameter(*pair(charged=2.3)).auger_parameter) == pytest.approx(plain, abs=2e-3)
    spectra = {"Na 1s": measured("Na 1s", PHOTO, 2.3, None), "Na KLL": measured("Na KLL", AUGER, 2.3, None)}
    raw = ss.xps.fit(spectra["Na 1s"], recipe("Na 1s", PHOTO))
    moved = ss.xps.charge_correct(spectra, raw, line="Na 1s", energy=PHOTO)
    moved = {k: v.assign_attrs(charge_shift_unc=0.08) for k, v in moved.items()}
    fits = [ss.xps.fit(moved[k], recipe(k, p)) for k, p in (("Na 1s", PHOTO), ("Na KLL", AUGER))]
    table = ss.xps.auger_parameter(*fits)
    assert float(table.auger_parameter) == pytest.approx(plain, abs=2e-3)
    # The correction is uncertain by 0.08 eV: that of the other line is, the parameter is not.
    assert float(table.kinetic_energy_unc) > 0.079
    assert float(table.auger_parameter_unc) < 0.02
    mixed = ss.xps.auger_parameter(fits[0], ss.xps.fit(spectra["Na KLL"], recipe("Na KLL", AUGER)))
    assert float(mixed.auger_parameter) == pytest.approx(plain, abs=2e-3)


def test_uncertainty_by_replicates() -> None:
    tables = [ss.xps.auger_parameter(*pair(charged=1.0, seed=seed)) for seed in range(60)]
    pulls = np.array([(float(t.auger_parameter) - 2065.9) / float(t.auger_parameter_unc) for t in tables])
    assert 0.78 < pulls.std() < 1.25
    assert abs(pulls.mean()) < 0.4


def test_the_photon_energy_counts_in_full() -> None:
    fits = pair()
    known, unsure = (ss.xps.auger_parameter(*fits, photon_energy_unc=u) for u in (0.0, 0.1))
    assert float(unsure.auger_parameter_unc) == pytest.approx(np.hypot(float(known.auger_parameter_unc), 0.1))


def test_both_lines_in_one_fit() -> None:
    """Na KLL beside O 1s: the positions are correlated, and the fit knows how."""
    e = np.arange(524.0, 545.0, 0.1)
    y = 300 + 2000 * np.exp(-(((e - 531.0) / 1.0) ** 2)) + 900 * np.exp(-(((e - 534.0) / 2.2) ** 2))
    spectrum = ss.spectrum(e, np.round(y), technique="XPS", region="O 1s", photon_energy=PHOTON)
    width = {"fwhm_gauss": Range(2.0, 0.5, 5.0), "fwhm_lorentz": 0.0}
    peaks = (
        Peak("O", "O 1s", Range(531.0, 529.0, 532.0), widths=width),
        Peak("KLL", "O KLL", Range(534.0, 532.5, 536.0), widths=width),
    )
    fit = ss.xps.fit(spectrum, Recipe("both", "O 1s", (525.0, 544.0), peaks=peaks))
    names = [str(v) for v in fit.parameter.values]
    a, b = names.index("O center"), names.index("KLL center")
    c = fit.covariance.values
    table = ss.xps.auger_parameter(fit, fit)
    assert float(table.auger_parameter_unc) == pytest.approx(np.sqrt(c[a, a] + c[b, b] - 2 * c[a, b]))
    assert c[a, b] != 0


def test_refusals() -> None:
    photo, auger = pair()
    failed = auger.assign(verdict=xr.DataArray("failed"))
    with pytest.raises(NotDeterminedError):
        ss.xps.auger_parameter(photo, failed)
    assert np.isfinite(ss.xps.auger_parameter(photo, failed, force=True).auger_parameter)
    for call in (
        lambda: ss.xps.auger_parameter(photo, photo),
        lambda: ss.xps.auger_parameter(auger, auger),
        lambda: ss.xps.auger_parameter(photo, auger.assign_attrs(photon_energy=1253.6)),
        lambda: ss.xps.auger_parameter(photo, auger.assign_attrs(sample="B")),
        lambda: ss.xps.auger_parameter(photo, auger, line="Zr 3d5/2"),
        lambda: ss.xps.auger_parameter(photo, auger, species="no such"),
        lambda: ss.xps.auger_parameter(photo, auger, reference=-1.0),
        lambda: ss.xps.auger_parameter(photo, auger, reference="2065.9"),
        lambda: ss.xps.auger_parameter(photo, auger, reference=2065.9, reference_unc=-1.0),
        lambda: ss.xps.auger_parameter(photo, auger, photon_energy_unc=-1.0),
        lambda: ss.xps.auger_parameter(photo, auger, photon_energy_unc=np.nan),
        lambda: ss.xps.auger_parameter(photo, auger, photon_energy_unc="a"),
    ):
        with pytest.raises(InputError):
            call()
    for fit in (photo, auger):
        del fit.attrs["photon_energy"]
    with pytest.raises(InputError, match="photon energy"):
        ss.xps.auger_parameter(photo, auger)


def test_survives_a_file(tmp_path: object) -> None:
    table = ss.xps.auger_parameter(*pair(), reference=2065.9)
    path = f"{tmp_path}/auger.nc"
    table.to_netcdf(path)
    with xr.open_dataset(path) as again:
        assert float(again.relaxation) == float(table.relaxation)
