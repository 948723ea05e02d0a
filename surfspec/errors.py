"""The one family of errors: each says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class SurfspecError(Exception):
    """Base of every error that surfspec raises on purpose.

    Parameters
    ----------
    message
        What is wrong, in the user's words, with the offending value.
    remedy
        What to do about it. Required: an error without a way out is half an error.
    where
        The place: a file, ``file:line``, ``file:line:column`` or a parameter name.
    """

    def __init__(self, message: str, *, remedy: str, where: str | Path = "") -> None:
        self.message = message.rstrip(".")
        self.remedy = remedy.rstrip(".")
        self.where = str(where)
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message}. {self.remedy}{'' if self.remedy.endswith(('?', '!')) else '.'}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.remedy, self.where)


def _rebuild(cls: type[SurfspecError], message: str, remedy: str, where: str) -> SurfspecError:
    return cls(message, remedy=remedy, where=where)


class InputError(SurfspecError):
    """An argument or a data set that cannot be used as it is."""


class FormatError(SurfspecError):
    """A file that cannot be read: missing, empty, truncated, of an unknown or ambiguous format."""


class SchemaError(SurfspecError):
    """A Dataset that is not what its kind says it is."""


class GeometryError(SurfspecError):
    """A scattering or diffraction geometry that is impossible."""


class BackgroundError(SurfspecError):
    """A background that is undefined for these data (no Shirley solution, say)."""


class NotDeterminedError(SurfspecError):
    """A quantity that the data do not determine; asking for it by name is refused."""


class MissingDependencyError(SurfspecError):
    """An optional package that this call needs is not installed."""


class RecipeError(SurfspecError):
    """A recipe or study file with faults; all of them are reported at once.

    Parameters
    ----------
    problems
        One line for each fault, each with its own ``file:line:column`` and remedy.
    """

    def __init__(self, problems: Sequence[str], *, remedy: str, where: str | Path = "") -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''}"
        super().__init__(f"{head}: " + " | ".join(self.problems), remedy=remedy, where=where)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_recipe, (self.problems, self.remedy, self.where)


def _rebuild_recipe(problems: tuple[str, ...], remedy: str, where: str) -> RecipeError:
    return RecipeError(problems, remedy=remedy, where=where)
