"""What went into the simulation, in the words of a study's results."""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import exponnorm

from nasicon_simulation import ions, leis, noise, samples, xps, xrd
from nasicon_simulation.structures import STRUCTURES

GAIN_SD = 0.03
#: Reference materials: name in the file, material, energy offset [eV].
REFERENCES = (("Na3PO4", samples.FILM, -3.0), ("NZSP", samples.BULK, -3.5))


def rounded(value: Any) -> Any:
    """Round all numbers of a tree to six significant digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.6g}")
    return value


def spot_gain(name: str, spot: int) -> float:
    """Intensity of one analysed area relative to the others (roughness, focus), the same at all doses."""
    return noise.gain(f"leis gain {name} {spot}", GAIN_SD)


def xps_truth(sample: samples.Sample) -> dict[str, Any]:
    """Lines of all regions, charge shift and areas over that of Zr 3d5/2."""
    found = {region.name: (region, xps.lines(sample, region)) for region in xps.REGIONS}
    region, zr = found["Zr 3d"]
    unit = zr[0].area / region.scans
    regions: dict[str, Any] = {}
    for name, (region, members) in found.items():
        total = sum(line.area for line in members)
        regions[name] = {
            "scans": region.scans,
            "area": total,
            "normalised_area": total / region.scans / unit,
            "background_level": region.level * xps.DWELL_TIME * region.scans,
            "background_step": region.step,
            "components": {
                line.name: {
                    "center": line.energy,
                    "fwhm": xps.full_width(line),
                    "gaussian_fwhm": line.gaussian,
                    "lorentzian_fwhm": line.lorentzian,
                    "area": line.area,
                    "fraction": line.area / total,
                    "normalised_area": line.area / region.scans / unit,
                }
                for line in members
            },
        }
    depths = {
        name: {
            "film": xps.mean_free_path(samples.FILM, xps.PHOTON_ENERGY - level[2]),
            "electrolyte": xps.mean_free_path(samples.BULK, xps.PHOTON_ENERGY - level[2]),
        }
        for name, level in xps.LEVELS.items()
    }
    return {
        "charge_shift": sample.charge_shift,
        "coverage": sample.coverage,
        "thickness": sample.thickness,
        "mean_free_path": depths,
        "regions": regions,
    }


def _normalised(areas: dict[str, float]) -> dict[str, float]:
    total = sum(area for element, area in areas.items() if element != "Na")
    return {element: area / total for element, area in areas.items()}


def leis_series(name: str, spectra: dict[tuple[int, int], leis.Simulated]) -> dict[str, Any]:
    """Areas, normalised areas and coverages of a series over areas and doses."""
    doses = range(1, len(leis.DOSES) + 1)
    ratios = {key: _normalised(spectrum.areas) for key, spectrum in spectra.items()}
    return {
        "gain": {spot: spot_gain(name, spot) for spot in leis.SPOTS},
        "coverage": [
            {
                "dose": leis.DOSES[dose - 1],
                "value": float(np.mean([spectra[spot, dose].coverage for spot in leis.SPOTS])),
                "spots": [spectra[spot, dose].coverage for spot in leis.SPOTS],
            }
            for dose in doses
        ],
        "normalised_area": {
            element: [
                {
                    "dose": leis.DOSES[dose - 1],
                    "value": float(np.mean([ratios[spot, dose][element] for spot in leis.SPOTS])),
                    "spots": [ratios[spot, dose][element] for spot in leis.SPOTS],
                }
                for dose in doses
            ]
            for element in leis.ELEMENTS
        },
        "area": {
            element: [
                {
                    "dose": leis.DOSES[dose - 1],
                    "spots": [leis.STEP * spectra[spot, dose].areas[element] for spot in leis.SPOTS],
                }
                for dose in doses
            ]
            for element in leis.ELEMENTS
        },
    }


def _tailed(distance: float, sigma: float) -> float:
    """Return minus the height of an isotope's peak at a distance below the centre of its Gaussian."""
    return -float(exponnorm.pdf(distance, leis.TAIL / sigma, scale=sigma))


def offsets(offset: float) -> dict[str, Any]:
    """Shift of all energies, and where that leaves the maximum of one isotope's peak, which its tail pulls down."""
    maxima = {}
    for element in leis.ELEMENTS:
        sigma = leis.width(max(ions.isotopes(element), key=lambda pair: pair[1])[0])
        below = minimize_scalar(_tailed, bounds=(0.0, 40.0), args=(sigma,), method="bounded").x
        maxima[element] = round(offset - float(below), 2)
    return {"energy_offset": offset, "maximum_offset": maxima}


def leis_truth(sample: samples.Sample, spectra: dict[tuple[int, int], leis.Simulated]) -> dict[str, Any]:
    """Film and series of one sample."""
    return {
        **offsets(sample.energy_offset),
        "zero_dose_coverage": sample.coverage,
        "removal_cross_section": samples.REMOVAL,
        "monolayers": sample.monolayers,
        "thickness": sample.thickness,
        **leis_series(sample.name, spectra),
    }


def leis_instrument() -> dict[str, Any]:
    """Everything about the LEIS simulation that is common to all spectra."""
    return {
        "ion": "4He",
        "energy": ions.ENERGY,
        "angle": 145.0,
        "peak_energy": {element: leis.peak_energy(element) for element in leis.ELEMENTS},
        "peak_sigma": {
            element: leis.width(max(ions.isotopes(element), key=lambda pair: pair[1])[0]) for element in leis.ELEMENTS
        },
        "cross_section": {element: ions.cross_section(element) for element in leis.ELEMENTS},
        "survival": {element: float(ions.survival(leis.peak_energy(element))) for element in leis.ELEMENTS},
        "resolution_sigma_over_energy": leis.RESOLUTION,
        "tail": leis.TAIL,
        "sodium_loss_cross_section": leis.SODIUM_LOSS,
        "sodium_left": leis.SODIUM_LEFT,
        "monolayer_thickness": samples.FILM.monolayer,
        "stopping": leis.STOPPING,
        "reionisation_loss": leis.REIONISATION,
        "transmission": "constant",
    }


def xrd_truth(pattern: xrd.Pattern) -> dict[str, Any]:
    """Phases of a pattern with their weight fractions."""
    phases = {}
    for phase, weight in pattern.weights.items():
        structure = STRUCTURES[phase]
        phases[phase] = {
            "formula": structure.formula,
            "weight_fraction": weight,
            "space_group": gemmi.SpaceGroup(structure.space_group).xhm(),
            "cell": list(structure.cell),
            "crystallite_size": structure.crystallite,
        }
    return {
        "file": f"xrd/{pattern.filename}",
        "phases": phases,
        "absent": [phase for phase in STRUCTURES if phase not in pattern.weights],
        "zero_shift": pattern.zero,
        "displacement_cos_theta": pattern.displacement,
    }
