"""The methods of a study in words: every option that decided a number (ISO 19830 asks for it), from the saved tree."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
import yaml

from surfspec import schema
from surfspec.display import labels
from surfspec.display.text import number_text
from surfspec.report import layout


def methods(tree: xr.DataTree) -> list[tuple[str, list[str]]]:
    """Return headings with one sentence for each choice, for the techniques that the study has."""
    out = []
    for heading, sentences in (
        ("XPS", xps(tree)), ("LEIS", leis(tree)), ("XPS and LEIS together", joint(tree)), ("XRD", xrd(tree)),
    ):  # fmt: skip
        if sentences:
            out.append((heading, sentences))
    return out


def recipes(tree: xr.DataTree) -> dict[str, str]:
    """Return the recipes of all fits as YAML, by technique and region, each once."""
    found: dict[str, str] = {}
    for sample in [*layout.samples(tree), *layout.references(tree)]:
        for place, fit in layout.nodes(tree, "fits", sample).items():
            text = str(fit.attrs.get("recipe", ""))
            label = place.replace("xps/", "XPS ").replace("leis", "LEIS")
            if text and text not in found.values():
                found[label if label not in found else f"{label} ({sample})"] = text
    return found


def xps(tree: xr.DataTree) -> list[str]:
    """Return how the core levels were fitted."""
    fits = _first_fits(tree)
    if not fits:
        return []
    out = []
    setting = _settings(next(iter(fits.values())), (("photon_energy", "photon energy {} eV"),
                                                    ("pass_energy", "pass energy {} eV")))  # fmt: skip
    if setting:
        out.append(f"Measured with {setting}.")
    out.append(_scale(tree))
    for region, fit in fits.items():
        out.append(f"{region}: {_region(fit)}")
    out.append(
        "Components are fitted together by maximum likelihood; the background is computed from the data on the window "
        "before the fit, and the noise of its end points enters the covariance. Standard uncertainties follow from "
        "the full covariance of the fit, to first order (k = 1); they hold counting statistics and the charge "
        "correction, not the choice of model."
    )
    for sample in layout.samples(tree):
        tables = layout.nodes(tree, "tables", sample)
        if layout.XPS_NORMALISED in tables:
            line = tables[layout.XPS_NORMALISED].attrs.get("reference_line", "")
            out.append(f"Areas are compared per second and divided by that of {line} of the same sample.")
            break
    for sample in layout.samples(tree):
        tables = layout.nodes(tree, "tables", sample)
        if layout.XPS_QUANTIFIED in tables:
            attrs = tables[layout.XPS_QUANTIFIED].attrs
            out.append(
                f"Atomic percentages: area / (s E_kin^n), sensitivity factors s '{attrs.get('library')}', "
                f"n = {attrs.get('energy_exponent')}; for a homogeneous sample."
            )
            break
    out += _film(tree)
    return out


def _film(tree: xr.DataTree) -> list[str]:
    for sample in layout.samples(tree):
        table = layout.nodes(tree, "tables", sample).get(layout.XPS_THICKNESS)
        if table is not None:
            attrs = table.attrs
            length = {"TPP-2M": "inelastic mean free paths by TPP-2M", "S3": "attenuation lengths by Seah's curve S3"}
            stated = ", ".join(
                f"{str(key).removeprefix('unc_').replace('_', ' ')} {number_text(float(value))}"
                for key, value in attrs.items()
                if str(key).startswith("unc_")
            )
            sure = (
                "" if attrs["materials_verified"] == "yes" else "; densities or band gaps of the layers are unverified"
            )
            angle = number_text(float(attrs["emission_angle"]))
            said = (
                f"Film thickness: {attrs['film']} on {attrs['substrate']}, {attrs['model']} film, "
                f"{length[str(attrs['attenuation'])]}, emission angle {angle} deg; least squares over all lines with "
                f"the errors of the inputs (relative standard uncertainties: {stated}){sure}."
            )
            return [said]
    return []


def _first_fits(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    found: dict[str, xr.Dataset] = {}
    for sample in layout.samples(tree):
        for region, fit in layout.regions(layout.nodes(tree, "fits", sample)).items():
            found.setdefault(region, fit)
    return found


def _scale(tree: xr.DataTree) -> str:
    for sample in layout.samples(tree):
        for one in layout.regions(layout.nodes(tree, "spectra", sample)).values():
            if "charge_reference" in one.attrs:
                return (
                    "Charge correction: the binding-energy scale of each sample is shifted rigidly so that its fitted "
                    f"{_reference(one)}, an energy set by convention; the shift's uncertainty is in that of every "
                    "other line (ISO 19318)."
                )
    return "The binding-energy scale is used as measured; no charge correction was made."


def _region(fit: xr.Dataset) -> str:
    recipe = _recipe(fit)
    low, high = recipe.get("window", (float(fit["binding_energy"].min()), float(fit["binding_energy"].max())))
    background = recipe.get("background", {})
    options = ", ".join(f"{key} {value}" for key, value in background.get("options", {}).items())
    parts = [
        f"window {number_text(low)} to {number_text(high)} eV",
        f"background {background.get('kind', 'by default')}{f' ({options})' if options else ''}",
        f"statistics {_statistics(fit)}",
    ]
    parts += [
        _peak(peak) for peak in (*recipe.get("doublets", ()), *recipe.get("peaks", ()), *recipe.get("multiplets", ()))
    ]
    if recipe.get("satellites", "none") != "none":
        parts.append(f"satellites of a {recipe['satellites']} source without monochromator")
    return "; ".join(parts) + "."


def _peak(peak: Mapping[str, Any]) -> str:
    words = [
        f"{peak.get('name', '')} ({peak.get('line', '')}): {peak.get('shape', 'voigt')}",
        f"centre {_range(peak.get('center'))}",
    ]
    words += [f"{role} {_range(value)}" for role, value in peak.get("widths", {}).items()]
    if "splitting" in peak:
        words.append(f"splitting {_range(peak['splitting'])}, area ratio {_range(peak.get('ratio', '2j+1'))}")
    if peak.get("width_ratio", 1.0) != 1.0:
        words.append(f"width of the weaker line over the stronger {_range(peak['width_ratio'])}")
    words += [f"{role} of the weaker line {_range(value)}" for role, value in peak.get("weak_widths", {}).items()]
    if "lines" in peak:
        lines = ", ".join(f"{number_text(one['ratio'])} at {number_text(one['offset'])} eV" for one in peak["lines"])
        words.append(f"lines of relative area {lines}")
    if peak.get("area"):
        words.append(f"area {peak['area'].get('factor')} times that of {peak['area'].get('ratio_to')}")
    return ", ".join(words)


def _range(value: Any) -> str:
    if isinstance(value, Mapping):
        if value.get("follows"):
            return (
                f"follows {value['follows']} (factor {value.get('factor', 1.0):g}, offset {value.get('offset', 0.0):g})"
            )
        limits = f"free from {number_text(value['low'])} to {number_text(value['high'])}"
        if not value.get("prior"):
            return limits
        return f"{limits} with the prior {number_text(value['value'])} ± {number_text(value['prior'])}"
    return f"fixed at {number_text(value)}" if isinstance(value, int | float) else str(value)


def leis(tree: xr.DataTree) -> list[str]:
    """Return how the LEIS spectra were fitted and what was concluded with which options."""
    for sample in layout.samples(tree):
        fit = layout.nodes(tree, "fits", sample).get(layout.LEIS)
        if fit is None:
            continue
        tables = layout.nodes(tree, "tables", sample)
        out = [
            f"{_leis_setting(fit)}; statistics {_statistics(fit)}.",
            _LEIS_MODEL,
            _told("Recipe", _recipe(fit), ("elements", "ion", "energy", "angle")),
        ]
        for name, title in (
            (layout.LEIS_NORMALISED, "Normalised areas"),
            (layout.LEIS_COVERAGE, "Coverage"),
            (layout.LEIS_THICKNESS, "Thickness by the in-depth edge"),
        ):
            if name in tables:
                out.append(_told(title, tables[name].attrs, _NOT_OPTIONS))
        return [line for line in out if line]
    return []


_LEIS_MODEL = (
    "Peak positions follow from elastic binary collisions with the isotopes of each element; no peak moves on its own. "
    "Each surface peak stands on its in-depth shoulder."
)
_NOT_OPTIONS = frozenset(
    {"kind", "technique", "surfspec_version", "inputs", "sample", "source_file", "source_sha256", "source_format",
     "statistics", "simulated", "title", "recipe", "ion", "ion_energy", "scattering_angle", "instrument"}
)  # fmt: skip


def joint(tree: xr.DataTree) -> list[str]:
    """Return how the films were estimated from XPS and LEIS together."""
    for sample in layout.samples(tree):
        table = layout.nodes(tree, "tables", sample).get(layout.JOINT)
        if table is not None:
            return [_JOINT_MODEL, _told("Joint estimate", table.attrs, _NOT_OPTIONS)]
    return []


_JOINT_MODEL = (
    "Coverage, thickness, monolayers and removal cross-section by least squares over the coverages by LEIS against "
    "dose, the thickness by the in-depth edge and the attenuation by XPS; errors that several data share (references, "
    "stopping, lengths of the electrons, dose scale) are common in it. Values are means over all that the data allow."
)


def xrd(tree: xr.DataTree) -> list[str]:
    """Return how the phases were identified."""
    for sample in layout.samples(tree):
        for match in layout.patterns(layout.nodes(tree, "matches", sample)).values():
            attrs = match.attrs
            wavelength = number_text(float(attrs.get("wavelength", np.nan)))
            out = [
                f"Radiation {attrs.get('wavelength_name', '')} ({wavelength} Å).",
                f"{match.sizes.get('candidate', 0)} candidate phases. {_XRD_MODEL}",
                _told("Recipe", _recipe(match), ("phases",)),
            ]
            return [line for line in out if line]
    return []


_XRD_MODEL = (
    "Calculated patterns (structure factors, Lorentz and polarisation factors) of the candidates are fitted to the "
    "measured pattern together, with scales that cannot be negative and a common zero shift."
)


#: Values of options that say nothing.
_EMPTY: Final[tuple[Any, ...]] = (None, "", "()", "None", [], {})


def _leis_setting(fit: xr.Dataset) -> str:
    energy, angle = (float(fit.attrs.get(name, np.nan)) for name in ("ion_energy", "scattering_angle"))
    geometry = f"Ion {fit.attrs.get('ion')}, {number_text(energy)} eV, scattering angle {number_text(angle)} degrees"
    return f"{geometry}; elements {', '.join(map(str, fit['component'].values))}"


def _told(title: str, options: Mapping[str, Any], without: Collection[str]) -> str:
    """Return options as one sentence, empty where there are none."""
    told = ", ".join(f"{k} {_plain(v)}" for k, v in options.items() if k not in without and v not in _EMPTY)
    return f"{title}: {told}." if told else ""


def _recipe(dataset: xr.Dataset) -> dict[str, Any]:
    found = yaml.safe_load(str(dataset.attrs.get("recipe", ""))) if dataset.attrs.get("recipe") else None
    return found if isinstance(found, dict) else {}


def _reference(corrected: xr.Dataset) -> str:
    """Say which line lies at which energy, and where that comes from."""
    told = corrected.attrs
    state = f" ({told['charge_reference_component']})" if told.get("charge_reference_component") else ""
    unc = float(told.get("charge_reference_energy_unc", math.nan))
    known = f" with a standard uncertainty of {number_text(unc)} eV" if math.isfinite(unc) else ""
    source = f" [{told['charge_reference_source']}]" if told.get("charge_reference_source") else ""
    energy = float(told["charge_reference_energy"])
    return f"{told['charge_reference']}{state} lies at {energy:.2f} eV{known}{source}"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)).join("[]") if isinstance(value, list) else str(value)


def _statistics(dataset: xr.Dataset) -> str:
    return {
        "poisson": "of counts (Poisson deviance)",
        "given": "as given in the file",
        "unknown": f"unknown ({labels.unknown_because(dataset)}: uncertainties scaled from the residuals)",
    }.get(str(dataset.attrs.get("statistics")), schema.STATISTICS[-1])


def _settings(dataset: xr.Dataset, wanted: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(
        text.format(number_text(float(dataset.attrs[name]))) for name, text in wanted if name in dataset.attrs
    )
