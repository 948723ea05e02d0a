"""The public solver against the certified nonlinear regressions of NIST, from both starts, with its defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surfspec.fitting.model import Parameter

FILE = Path(__file__).parent / "data" / "nist_strd_nonlinear.txt"
Function = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Certified:
    """One data set with its certified answer; `y` in extended precision as printed."""

    name: str
    level: str
    rss: float
    rsd: float
    dof: int
    starts: tuple[np.ndarray, np.ndarray]
    values: np.ndarray
    sds: np.ndarray
    y: np.ndarray
    x: np.ndarray


def read() -> dict[str, Certified]:
    out = {}
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for block in "\n".join(lines).split("= ")[1:]:
        head, _, data = block.partition(":\n")
        first, *rows = head.strip().splitlines()
        name, level, rss, rsd, dof = (word.strip() for word in first.split("|"))
        table = np.array([[float(word) for word in row.split("|")[1:]] for row in rows])
        numbers = np.array([[np.longdouble(word) for word in row.split()] for row in data.strip().splitlines()])
        y = np.log(numbers[:, 0]) if name == "Nelson" else numbers[:, 0]
        out[name] = Certified(
            name, level, float(rss), float(rsd), int(dof), (table[:, 0], table[:, 1]), table[:, 2], table[:, 3],
            y, numbers[:, 1:].T,
        )  # fmt: skip
    return out


SETS = read()


def cosines(b: np.ndarray, x: np.ndarray) -> np.ndarray:
    t = 2 * np.longdouble("3.141592653589793238462643383279") * x[0]
    out = b[0] + b[1] * np.cos(t / 12) + b[2] * np.sin(t / 12)
    for i in (3, 6):
        out = out + b[i + 1] * np.cos(t / b[i]) + b[i + 2] * np.sin(t / b[i])
    return out


def gaussians(b: np.ndarray, x: np.ndarray) -> np.ndarray:
    peaks = [b[i] * np.exp(-(((x[0] - b[i + 1]) / b[i + 2]) ** 2)) for i in (2, 5)]
    return b[0] * np.exp(-b[1] * x[0]) + peaks[0] + peaks[1]


def rational(b: np.ndarray, x: np.ndarray, top: int) -> np.ndarray:
    above = sum(b[i] * x[0] ** i for i in range(top))
    return above / (1 + sum(b[i] * x[0] ** (i - top + 1) for i in range(top, len(b))))


def exponentials(b: np.ndarray, x: np.ndarray) -> np.ndarray:
    return sum(b[i] * np.exp(-b[i + 1] * x[0]) for i in (0, 2, 4))


MODELS: dict[str, Function] = {
    "Bennett5": lambda b, x: b[0] * (b[1] + x[0]) ** (-1 / b[2]),
    "BoxBOD": lambda b, x: b[0] * (1 - np.exp(-b[1] * x[0])),
    "Chwirut": lambda b, x: np.exp(-b[0] * x[0]) / (b[1] + b[2] * x[0]),
    "DanWood": lambda b, x: b[0] * x[0] ** b[1],
    "ENSO": cosines,
    "Eckerle4": lambda b, x: b[0] / b[1] * np.exp(-0.5 * ((x[0] - b[2]) / b[1]) ** 2),
    "Gauss": gaussians,
    "Hahn1": lambda b, x: rational(b, x, 4),
    "Kirby2": lambda b, x: rational(b, x, 3),
    "Lanczos": exponentials,
    "MGH09": lambda b, x: b[0] * (x[0] ** 2 + x[0] * b[1]) / (x[0] ** 2 + x[0] * b[2] + b[3]),
    "MGH10": lambda b, x: b[0] * np.exp(b[1] / (x[0] + b[2])),
    "MGH17": lambda b, x: b[0] + b[1] * np.exp(-x[0] * b[3]) + b[2] * np.exp(-x[0] * b[4]),
    "Misra1a": lambda b, x: b[0] * (1 - np.exp(-b[1] * x[0])),
    "Misra1b": lambda b, x: b[0] * (1 - (1 + b[1] * x[0] / 2) ** -2),
    "Misra1c": lambda b, x: b[0] * (1 - (1 + 2 * b[1] * x[0]) ** -0.5),
    "Misra1d": lambda b, x: b[0] * b[1] * x[0] / (1 + b[1] * x[0]),
    "Nelson": lambda b, x: b[0] - b[1] * x[0] * np.exp(-b[2] * x[1]),
    "Rat42": lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x[0])),
    "Rat43": lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x[0])) ** (1 / b[3]),
    "Roszman1": lambda b, x: b[0] - b[1] * x[0] - np.arctan(b[2] / (x[0] - b[3])) / np.pi,
    "Thurber": lambda b, x: rational(b, x, 4),
}


def function_of(name: str) -> Function:
    return MODELS[name] if name in MODELS else MODELS[name.rstrip("0123456789")]


class Regression:
    """A data set as a problem: free parameters without limits, derivatives by a complex step (exact)."""

    def __init__(self, data: Certified, start: np.ndarray) -> None:
        self.x = data.x
        self.function = function_of(data.name)
        self.parameters = tuple(Parameter(f"b{i + 1}", float(v)) for i, v in enumerate(start))

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(self.function(values.astype(np.longdouble), self.x), dtype=np.float64)

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        step = 1e-200
        columns = []
        with np.errstate(all="ignore"):
            for i in range(values.size):
                moved = values.astype(np.clongdouble)
                moved[i] += 1j * step
                columns.append(np.asarray(np.imag(self.function(moved, self.x)) / step, dtype=np.float64))
        return np.stack(columns, axis=1)


def digits(got: np.ndarray, want: np.ndarray) -> float:
    """Fewest correct significant digits (log relative error), at most the eleven that are certified."""
    with np.errstate(divide="ignore"):
        return float(np.min(np.clip(-np.log10(np.abs(got / want - 1)), 0, 11)))
