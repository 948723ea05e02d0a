"""The words of a study file, as frozen dataclasses: what `surfspec.recipes` loads a study YAML into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

from surfspec.errors import InputError

#: Placeholders of a file pattern that make a dimension of a series.
SERIES: Final = ("spot", "dose", "cycle", "time", "temperature")


@dataclass(frozen=True)
class Files:
    """A file pattern and what the labels in it mean.

    Attributes
    ----------
    files
        A path relative to the study file; ``{name}`` makes a dimension or a label of what it matches.
    region
        Mapping of a label found in the file names to the XPS region it stands for.
    dose, spot, cycle, time, temperature
        Mapping of a label found in the file names to the value it stands for; without one, what the file states,
        else the label itself is the value. `dose` is the dose cumulated at the end of the spectrum (ions/cm2),
        `time` is in s, `temperature` in degC.
    blocks
        Pattern of the labels of the spectra inside one file; without it, what the file states tells them apart.
    exclude
        Names of files that the pattern matches and that are left out, with ``*`` and ``?`` as in a shell.
    """

    files: str
    region: Mapping[str, str] = field(default_factory=dict)
    dose: Mapping[str, float] = field(default_factory=dict, metadata={"low": 0, "unit": "ions/cm2"})
    spot: Mapping[str, float] = field(default_factory=dict)
    cycle: Mapping[str, float] = field(default_factory=dict)
    time: Mapping[str, float] = field(default_factory=dict, metadata={"unit": "s"})
    temperature: Mapping[str, float] = field(default_factory=dict, metadata={"unit": "degC"})
    blocks: str = ""
    exclude: tuple[str, ...] = ()

    def values(self, name: str) -> dict[str, float]:
        """Return the mapping of labels to values of one placeholder; empty where none was given."""
        return dict(getattr(self, name, {}))


@dataclass(frozen=True)
class ReadOptions:
    """What the files of a technique do not say themselves; given, it goes before what they say.

    Attributes
    ----------
    axis, units, decimal
        As for :func:`surfspec.read`.
    photon_energy, dwell_time, scans
        Metadata: eV, s, and the number of scans.
    """

    axis: Literal["binding_energy", "kinetic_energy", "two_theta"] | None = None
    units: Literal["counts", "counts/s", "nA", "arb. units"] | None = None
    decimal: Literal[".", ","] | None = None
    photon_energy: float | None = field(default=None, metadata={"above": 0, "unit": "eV"})
    dwell_time: float | None = field(default=None, metadata={"above": 0, "unit": "s"})
    scans: float | None = field(default=None, metadata={"above": 0})

    def keywords(self) -> dict[str, Any]:
        """Return what was given, as keywords of :func:`surfspec.read`."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name)) is not None}


@dataclass(frozen=True)
class Sample:
    """The files of one sample, by technique; each may be left out.

    Attributes
    ----------
    xps
        One file with many regions, or a pattern with ``{region}``.
    leis
        One file, of many blocks too, or a pattern with ``{spot}`` and ``{dose}``.
    xrd
        One file, or a mapping of label (``before``, ``after``) to file.
    """

    xps: str | Files = ""
    leis: str | Files = ""
    xrd: str | Mapping[str, str] = ""


@dataclass(frozen=True)
class ChargeReference:
    """The line whose energy is set by convention; see :func:`surfspec.xps.charge_correct`.

    Attributes
    ----------
    line, energy
        The line and its reference energy in eV.
    component
        Component of the fit that is the reference, where the line has several states ("C-C").
    energy_unc
        Standard uncertainty of the energy in eV; by default that of the table of lines where it is known.
    source
        Where the energy comes from, for the record.
    """

    line: str = "Zr 3d5/2"
    energy: float = field(default=182.40, metadata={"above": 0, "unit": "eV"})
    component: str = ""
    energy_unc: float | None = field(default=None, metadata={"low": 0, "unit": "eV"})
    source: str = ""


@dataclass(frozen=True)
class MaterialOfLayer:
    """A material that does not come with the package: formula, density (g/cm3), band gap (eV), valence electrons."""

    formula: str
    density: float = field(metadata={"above": 0, "unit": "g/cm3"})
    band_gap: float = field(default=0.0, metadata={"low": 0, "unit": "eV"})
    valence_electrons: float | None = field(default=None, metadata={"above": 0})


@dataclass(frozen=True)
class XpsThickness:
    """A film on a substrate whose thickness is wanted; see :func:`surfspec.xps.thickness`.

    Attributes
    ----------
    film, substrate, contamination
        Names of shipped materials, or formula, density and band gap; without a contamination none is taken off.
    model
        ``uniform``, or ``patchy``: the coverage is fitted too.
    lines
        Regions to use; by default those of the elements of film and substrate but oxygen and carbon.
    states
        Mapping of species to the layer they belong to (``film``, ``substrate``, ``contamination``).
    emission_angle
        Degrees from the surface normal.
    attenuation
        ``TPP-2M`` (mean free paths) or ``S3`` (attenuation lengths).
    uncertainties
        Mapping of inputs to their relative standard uncertainties.
    """

    film: str | MaterialOfLayer
    substrate: str | MaterialOfLayer
    contamination: str | MaterialOfLayer = ""
    model: Literal["uniform", "patchy"] = "uniform"
    lines: tuple[str, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    emission_angle: float = field(default=0.0, metadata={"low": 0, "below": 90, "unit": "deg"})
    attenuation: Literal["TPP-2M", "S3"] = "TPP-2M"
    uncertainties: Mapping[str, float] = field(default_factory=dict, metadata={"low": 0})


@dataclass(frozen=True)
class XpsPart:
    """What to do with the XPS files.

    Attributes
    ----------
    regions
        Names of shipped recipes ("Zr 3d"), or paths of recipe files relative to the study file.
    charge_reference
        Line and energy (eV) to which the scale of each sample is moved; left out, the scale stays as measured.
    shift_search
        Widest shift (eV) that is searched when the reference region is fitted on the measured scale.
    normalise_to
        Line by whose area all areas of a sample are divided.
    sensitivity
        Set of sensitivity factors for the atomic percentages; ``library`` in the file.
    thickness
        A film whose thickness is wanted.
    elements
        All elements of the samples besides those that the fits show; an empty list says that there are no others. Left
        out, nothing is known beforehand.
    read
        What the files do not say.
    """

    regions: tuple[str, ...]
    charge_reference: ChargeReference | None = None
    shift_search: float = field(default=8.0, metadata={"low": 0, "high": 50, "unit": "eV"})
    normalise_to: str = ""
    sensitivity: str = field(default="scofield", metadata={"key": "library"})
    thickness: XpsThickness | None = None
    elements: tuple[str, ...] | None = None
    read: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class LeisNormalise:
    """Elements whose area is left out of the sum by which the areas are divided."""

    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeisCoverage:
    """The film and the substrate of a coverage, and the files measured on each alone.

    Attributes
    ----------
    film, substrate
        Chemical formulas.
    references
        Files of the pure film (key ``film``) and of the bare substrate (key ``substrate``).
    """

    film: str
    substrate: str
    references: Mapping[str, str | Files]

    def __post_init__(self) -> None:
        missing = [name for name in ("film", "substrate") if name not in self.references]
        extra = [name for name in self.references if name not in ("film", "substrate")]
        if missing or extra:
            raise InputError(
                f"the references are {', '.join(self.references) or 'empty'}",
                where="references",
                remedy="Name the files of the pure 'film' and of the bare 'substrate', nothing else",
            )


@dataclass(frozen=True)
class LeisThickness:
    """A film whose thickness the in-depth edge tells; see :func:`surfspec.leis.thickness`.

    Attributes
    ----------
    element
        Whose edge; by default the heaviest that the film does not hold.
    density
        Of the film, g/cm3; by default that of the table of materials.
    stopping, stopping_unc
        Shift of the edge for a nm of film and its standard uncertainty, eV/nm; by default computed. Both or none.
    reionisation_loss, reionisation_loss_unc
        Loss by re-ionisation and its standard uncertainty, eV.
    """

    element: str = ""
    density: float | None = field(default=None, metadata={"above": 0, "unit": "g/cm3"})
    stopping: float | None = field(default=None, metadata={"above": 0})
    stopping_unc: float | None = field(default=None, metadata={"low": 0})
    reionisation_loss: float = field(default=20.0, metadata={"low": 0, "unit": "eV"})
    reionisation_loss_unc: float = field(default=5.0, metadata={"low": 0, "unit": "eV"})

    def __post_init__(self) -> None:
        if (self.stopping is None) != (self.stopping_unc is None):
            raise InputError(
                "stopping and stopping_unc belong together",
                where="stopping",
                remedy="Give both, in eV/nm, or neither and let it be computed",
            )


@dataclass(frozen=True)
class JointPart:
    """The joint estimate of a film from LEIS and XPS; see :func:`surfspec.joint.film`.

    Attributes
    ----------
    layers
        Most monolayers that are told apart.
    monolayer, monolayer_unc
        Thickness of a monolayer (nm) and its relative standard uncertainty.
    dose_scale_unc
        Relative standard uncertainty of all doses together.
    use
        Which tables: some of ``leis``, ``edge``, ``xps``; by default all that there are.
    """

    layers: int = field(default=8, metadata={"low": 2, "high": 40})
    monolayer: float | None = field(default=None, metadata={"above": 0, "below": 5, "unit": "nm"})
    monolayer_unc: float = field(default=0.05, metadata={"above": 0, "below": 1})
    dose_scale_unc: float = field(default=0.15, metadata={"low": 0, "below": 1})
    use: tuple[Literal["leis", "edge", "xps"], ...] = ("leis", "edge", "xps")


@dataclass(frozen=True)
class LeisPart:
    """Ion, energy (eV), scattering angle (deg), elements looked for, and the conclusions wanted.

    ``adequacy`` refits every spectrum with each of several other backgrounds: what depends on them is named, and enters
    the uncertainties of the normalised areas.
    """

    ion: str
    energy: float = field(metadata={"above": 0, "unit": "eV"})
    angle: float = field(metadata={"unit": "deg"})
    elements: tuple[str, ...]
    normalise: LeisNormalise = field(default_factory=LeisNormalise)
    coverage: LeisCoverage | None = None
    thickness: LeisThickness | None = None
    adequacy: bool = False
    read: ReadOptions = field(default_factory=ReadOptions)

    def __post_init__(self) -> None:
        if self.thickness is not None and self.coverage is None:
            raise InputError(
                "the thickness needs the film and the bare substrate of a coverage",
                where="thickness",
                remedy="Add 'coverage:' with film, substrate and references",
            )


@dataclass(frozen=True)
class XrdPart:
    """What to look for in the diffraction patterns.

    Attributes
    ----------
    wavelength
        Name of a radiation ("CuKa1") or a number in angstrom; needed where the file does not say, never assumed.
    elements
        Phases made of these elements are candidates; the container or support material counts too.
    phases
        Candidates by name; left out, every phase card made of `elements`.
    read
        What the files do not say.
    """

    wavelength: str | float = ""
    elements: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    read: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class Study:
    """A study: its name, its samples, and what to do with each technique."""

    study: str
    samples: Mapping[str, Sample]
    xps: XpsPart | None = None
    leis: LeisPart | None = None
    xrd: XrdPart | None = None
    joint: JointPart | None = None
    description: str = ""

    def __post_init__(self) -> None:
        for name in self.samples:
            if not _NAME.fullmatch(name) or name.startswith("leis_reference_"):
                raise InputError(
                    f"'{name}' cannot name a sample",
                    where="samples",
                    remedy="Use letters, digits, spaces and any of _ - + . , = ( ); 'leis_reference_' is taken",
                )


Technique = Literal["xps", "leis", "xrd"]
_NAME = re.compile(r"[\w(][\w .()+,=-]*")
TECHNIQUES: Final[tuple[Technique, ...]] = ("xps", "leis", "xrd")


def techniques_of(study: Study) -> tuple[Technique, ...]:
    """Return the techniques that a study uses: those that have both files and a part of their own.

    Raises
    ------
    InputError
        When files of a technique are named and the part that says what to do with them is missing, or the other way
        round; when there are no samples.
    """
    if not study.samples:
        raise InputError("the study names no samples", where="samples", remedy="Add at least one sample with its files")
    used: list[Technique] = []
    for technique in TECHNIQUES:
        owners = [name for name, sample in study.samples.items() if getattr(sample, technique)]
        part = getattr(study, technique)
        if owners and part is None:
            raise InputError(
                f"sample '{owners[0]}' has {technique} files and the study has no '{technique}:' part",
                where=f"samples.{owners[0]}.{technique}",
                remedy=f"Add a '{technique}:' part that says what to do with them, or remove the files",
            )
        if part is not None and not owners:
            raise InputError(
                f"the study has a '{technique}:' part and no sample has {technique} files",
                where=technique,
                remedy=f"Name the files of a sample, 'samples: {{NAME: {{{technique}: FILE}}}}', or remove the part",
            )
        if owners:
            used.append(technique)
    if not used:
        raise InputError(
            "the samples name no files", where="samples", remedy="Give each sample its xps, leis or xrd files"
        )
    return tuple(used)
