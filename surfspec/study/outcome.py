"""What one technique gives for one sample, and how a refusal becomes a note."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import xarray as xr

from surfspec.errors import BackgroundError, GeometryError, InputError, NotDeterminedError, SurfspecError

T = TypeVar("T")


@dataclass
class Outcome:
    """Datasets by their place below the sample ("xps/Zr 3d"), and what could not be determined: quantity and reason."""

    spectra: dict[str, xr.Dataset] = field(default_factory=dict)
    fits: dict[str, xr.Dataset] = field(default_factory=dict)
    matches: dict[str, xr.Dataset] = field(default_factory=dict)
    tables: dict[str, xr.Dataset] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def nested(self, group: str) -> dict[str, Any]:
        """Return one group with its places as nested mappings, as :func:`surfspec.bundle` takes them."""
        out: dict[str, Any] = {}
        for place, dataset in getattr(self, group).items():
            *parents, leaf = place.split("/")
            level = out
            for name in parents:
                level = level.setdefault(name, {})
            level[leaf] = dataset
        return out

    def attempt(self, quantity: str, make: Callable[[], T]) -> T | None:
        """Return what `make` returns, or note why these data do not determine it.

        Only a refusal on physical grounds is noted (:class:`NotDeterminedError`, :class:`BackgroundError`); bad input
        goes on to the caller.
        """
        return self._attempt(quantity, make, (NotDeterminedError, BackgroundError))

    def conclude(self, quantity: str, make: Callable[[], T]) -> T | None:
        """Return what `make` concludes from fits that stand already, or note why it cannot.

        Here a missing piece of information (a photon energy, say) is noted too: the fits are worth having without it.
        """
        return self._attempt(quantity, make, (NotDeterminedError, BackgroundError, InputError))

    def _attempt(self, quantity: str, make: Callable[[], T], accepted: tuple[type[SurfspecError], ...]) -> T | None:
        try:
            return make()
        except accepted as refusal:
            self.notes.append((quantity, f"{refusal.message}. {refusal.remedy}"))
            return None

    def note(self, quantity: str, reason: str) -> None:
        """Note that a quantity is not determined, with the reason."""
        self.notes.append((quantity, reason))


@contextmanager
def placed(part: str, *, inner: bool = True) -> Iterator[None]:
    """Name the part of the study file in which an error has its cause.

    Parameters
    ----------
    part
        Dotted place, ``leis`` say.
    inner
        Whether the error's own place ("angle") is a key of that part; else `part` replaces it.
    """
    try:
        yield
    except (InputError, GeometryError) as error:
        error.where = f"{part}.{error.where}" if inner and error.where else part
        error.args = (str(error),)
        raise
