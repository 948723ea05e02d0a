"""What CasaXPS keeps of an analysis in the comments of a VAMAS block: regions, components, calibrations."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

#: ``link`` of a number that follows no other.
UNLINKED: Final = -1


@dataclass(frozen=True)
class CasaNumber:
    """A fitted number of a component with its limits, or its tie to another component.

    Attributes
    ----------
    value, low, high
        As stored; a position is a kinetic energy in eV.
    link
        Place of the component that it follows in the list of the block's components, from 0; -1 where it is free.
    amount
        Of a linked area or width the factor, of a linked position the offset in kinetic energy [eV].
    """

    value: float
    low: float = 0.0
    high: float = 0.0
    link: int = UNLINKED
    amount: float = 1.0

    @property
    def linked(self) -> bool:
        """Whether it follows another component."""
        return self.link != UNLINKED


@dataclass(frozen=True)
class CasaRegion:
    """A quantification region with its background.

    Attributes
    ----------
    name, background
        As stored: ``"Fe 2p"``, ``"U 3 Tougaard"``.
    low, high
        Limits, kinetic energies in eV.
    rsf
        Relative sensitivity factor as used; ``uncorrected_rsf`` is the one of the library.
    average
        Averaging width of the end levels.
    start_offset, end_offset
        Offsets of the end levels in per cent.
    cross_section
        B, C, D and gap of a Tougaard background; C negative stands for (C + T^2) in the kernel.
    tag, mass
        Name it is quantified by, and atomic mass.
    line
        Line of the file, from 1; 0 where it was not read.
    """

    name: str
    background: str
    low: float
    high: float
    rsf: float = 1.0
    average: int = 2
    start_offset: float = 0.0
    end_offset: float = 0.0
    cross_section: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    tag: str = ""
    mass: float = 0.0
    uncorrected_rsf: float = math.nan
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class CasaComponent:
    """A component of a fit.

    Attributes
    ----------
    name, shape
        As stored: ``"Mo 3d MoO3"``, ``"LA(1.53,243)"``.
    area
        In counts per second times eV.
    fwhm
        In eV, as CasaXPS quotes it.
    position
        Kinetic energy in eV, of the centre of the shape (not of its maximum where it is asymmetric).
    index, tag
        Number of the chemical state, -1 where it has none, and the name it is quantified by.
    constraint
        Text between ``CONST (*`` and ``*)``: a test of the quality of a fit, kept as it is.
    """

    name: str
    shape: str
    area: CasaNumber
    fwhm: CasaNumber
    position: CasaNumber
    rsf: float = 1.0
    mass: float = 0.0
    index: int = -1
    tag: str = ""
    constraint: str = ""
    uncorrected_rsf: float = math.nan
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class CasaCalibration:
    """A shift of the energy scale: binding energies rise by ``assigned - measured``.

    Attributes
    ----------
    measured, assigned
        Energies in eV. A calibration on the maximum within a range does not say where it found it: ``measured`` is NaN
        and ``searched`` holds the range.
    kinetic
        Whether both are kinetic energies.
    flags
        Other words of the line: ``ADD``, ``Regions``, ``Comps``, ``BLOCKS``, ...
    """

    measured: float
    assigned: float
    kinetic: bool = False
    flags: tuple[str, ...] = ("ADD",)
    searched: tuple[float, float] | None = None
    line: int = field(default=0, compare=False)

    @property
    def shift(self) -> float:
        """What is added to binding energies [eV]; NaN where the line does not determine it."""
        return self.measured - self.assigned if self.kinetic else self.assigned - self.measured


@dataclass(frozen=True)
class CasaBlock:
    """The analysis of one block of a VAMAS file.

    Attributes
    ----------
    number
        Place of the block in the file, from 1.
    identifier, sample
        Its first two lines.
    photon_energy
        In eV; NaN where the block does not know it.
    calibrations, regions, components
        What was understood.
    others
        (line of the file, text) of all other lines of the CasaXPS section, as they are.
    problems
        Lines that begin like those above and cannot be read, each with its place and why.
    label
        Name of the data of this block in its file: ``surfspec.read(path, region=block.label)``. Empty where
        :func:`surfspec.read` does not read them: images, other techniques, damage.
    points, kinetic
        Number of points of these data, and the ends of their axis as kinetic energies in eV; 0 and NaN where not read.
    """

    number: int
    identifier: str
    sample: str
    photon_energy: float
    calibrations: tuple[CasaCalibration, ...] = ()
    regions: tuple[CasaRegion, ...] = ()
    components: tuple[CasaComponent, ...] = ()
    others: tuple[tuple[int, str], ...] = field(default=(), compare=False)
    problems: tuple[str, ...] = ()
    label: str = field(default="", compare=False)
    points: int = field(default=0, compare=False)
    kinetic: tuple[float, float] = field(default=(math.nan, math.nan), compare=False)

    @property
    def shift(self) -> float:
        """Sum of the calibrations: what is added to measured binding energies [eV]."""
        return sum(one.shift for one in self.calibrations)

    def binding_energy(self, kinetic: float, *, of: str = "components", calibrated: bool = True) -> float:
        """Turn a stored kinetic energy into a binding energy.

        Stored energies belong to the calibrated scale, but for calibrations with the flag ``Regions`` or ``Comps``,
        which moved the stored energies with the spectrum: these are left on the measured scale.

        Parameters
        ----------
        kinetic
            As stored [eV].
        of
            ``"regions"`` or ``"components"``.
        calibrated
            Whether the answer is on the calibrated scale, which CasaXPS shows; else on that of the data in the file.

        Returns
        -------
        float
            [eV]

        Examples
        --------
        >>> calibration = CasaCalibration(281.17, 284.8)
        >>> block = CasaBlock(1, "C 1s", "", 1486.6, calibrations=(calibration,))
        >>> round(block.binding_energy(1201.8), 2), round(block.binding_energy(1201.8, calibrated=False), 2)
        (284.8, 281.17)
        """
        word = {"regions": "regions", "components": "comps"}[of]
        moved = sum(one.shift for one in self.calibrations if word in {flag.lower() for flag in one.flags})
        return self.photon_energy - kinetic + moved - (0.0 if calibrated else self.shift)


@dataclass(frozen=True)
class CasaFile:
    """The analysis in a VAMAS file.

    Attributes
    ----------
    path, version
        Where it was read, and the version of CasaXPS that its header names.
    blocks
        One for each block of the file, those without an analysis too.
    """

    path: str
    version: str
    blocks: tuple[CasaBlock, ...]

    @property
    def fitted(self) -> tuple[CasaBlock, ...]:
        """The blocks that have a region or a component."""
        return tuple(one for one in self.blocks if one.regions or one.components)
