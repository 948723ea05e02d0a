"""A powder pattern in one pass, compiled: the counterpart of :mod:`surfspec.xrd.patterns.intensities` in plain numpy.

All compiled functions live in this one file, because numba keeps what it has compiled on disk as long as the file of
the function that is called stays the same. The exponential is written out so that the loop over points becomes vector
instructions; phases are built up by multiplication, so that sine and cosine are taken three times an atom.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from math import asin, ceil, cos, log, pi, sin, sqrt
from typing import Final

import numpy as np
from numba import njit

_LOG2_E: Final = 1.0 / log(2.0)
#: ln 2 in two parts, so that k ln 2 is exact in the first (Cody and Waite, Software Manual, 1980, chapter 6).
_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
#: Adding 1.5 2^52 rounds a number to an integer and leaves that in the last bits.
_MAGIC: Final = 6755399441055744.0
_LN16: Final = 4.0 * log(2.0)
_GAUSS: Final = 2.0 * sqrt(log(2.0) / pi)
_LORENTZ: Final = 2.0 / pi
_DEGREE: Final = 180.0 / pi
_LOWEST: Final = -700.0
#: Reordering of single operations is allowed in the loops; nothing assumes that numbers are finite.
_FAST: Final = {"nsz", "arcp", "contract", "reassoc"}


@njit(fastmath={"nsz", "contract"})
def _exponential(x):
    """Return exp(x) for x between -700 and 700, to 1e-15 of its value: 2^k times the Taylor series up to r^12."""
    shifted = x * _LOG2_E + _MAGIC  # the last bits of its mantissa are the integer k
    k = shifted - _MAGIC
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    p = 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    bits = (np.float64(shifted).view(np.int64) + np.int64(1023)) << np.int64(52)
    return p * np.int64(bits).view(np.float64)


@njit(fastmath=_FAST, error_model="numpy")
def _add_line(x, y, center, lorentz, gauss, inverse):
    """Add a pseudo-Voigt to y; `inverse` is 1/H, `lorentz` and `gauss` the heights of the two parts."""
    for i in range(x.size):
        u = (x[i] - center) * inverse
        squared = u * u
        y[i] += lorentz / (1.0 + 4.0 * squared) + gauss * _exponential(max(-_LN16 * squared, _LOWEST))


@njit(error_model="numpy", cache=True)
def draw_lines(grid, centers, areas, fwhm, eta, reach):
    """Sum pseudo-Voigt lines on a rising grid, as :func:`surfspec.xrd.patterns.profile.draw` does."""
    out = np.zeros(grid.size)
    _draw(grid, out, centers, areas, fwhm, eta, centers.size, reach)
    return out


@njit(error_model="numpy")
def _draw(grid, out, centers, areas, fwhm, eta, count, reach):
    n = grid.size
    step = grid[1] - grid[0]
    for i in range(1, n):
        step = min(step, grid[i] - grid[i - 1])
    widest = 0.0
    for j in range(count):
        widest = max(widest, fwhm[j])
    half = min(ceil(reach * widest / step) + 1, n)
    for j in range(count):
        base = np.searchsorted(grid, centers[j])
        low, high = max(base - half, 0), min(base + half + 1, n)
        if high > low:
            scale = areas[j] / fwhm[j]
            _add_line(
                grid[low:high], out[low:high], centers[j], scale * eta[j] * _LORENTZ, scale * (1.0 - eta[j]) * _GAUSS,
                1.0 / fwhm[j],
            )  # fmt: skip


@njit(fastmath=_FAST, error_model="numpy")
def _waves(turns, axis, top, cosine, sine):
    """Fill cos and sin of j times the phase of each atom along an axis, j from -top to top, by multiplication."""
    for m in range(turns.shape[0]):
        c, s = cos(turns[m, axis]), sin(turns[m, axis])
        x, y = 1.0, 0.0
        for j in range(top + 1):
            cosine[top + j, m], sine[top + j, m] = x, y
            cosine[top - j, m], sine[top - j, m] = x, -y
            x, y = x * c - y * s, y * c + x * s


@njit(fastmath=_FAST, error_model="numpy")
def _squares(hkl, q, turns, first, b_iso, a, b, c, imaginary, centred, out):
    """Mean of the squared structure factors of Friedel mates."""
    n, atoms, sites, terms = hkl.shape[0], turns.shape[0], first.size, b.size
    top = np.zeros(3, dtype=np.int64)
    for i in range(n):
        for k in range(3):
            top[k] = max(top[k], abs(hkl[i, k]))
    cx, sx = np.empty((2 * top[0] + 1, atoms)), np.empty((2 * top[0] + 1, atoms))
    cy, sy = np.empty((2 * top[1] + 1, atoms)), np.empty((2 * top[1] + 1, atoms))
    cz, sz = np.empty((2 * top[2] + 1, atoms)), np.empty((2 * top[2] + 1, atoms))
    _waves(turns, 0, top[0], cx, sx)
    _waves(turns, 1, top[1], cy, sy)
    _waves(turns, 2, top[2], cz, sz)
    powers = np.empty(terms)
    for i in range(n):
        s_squared = -0.25 * q[i]
        for t in range(terms):
            powers[t] = _exponential(max(s_squared * b[t], _LOWEST))
        x0, x1 = cx[top[0] + hkl[i, 0]], sx[top[0] + hkl[i, 0]]
        y0, y1 = cy[top[1] + hkl[i, 1]], sy[top[1] + hkl[i, 1]]
        z0, z1 = cz[top[2] + hkl[i, 2]], sz[top[2] + hkl[i, 2]]
        pc, ps, qc, qs = 0.0, 0.0, 0.0, 0.0
        for s in range(sites):
            end = first[s + 1] if s + 1 < sites else atoms
            real = c[s]
            for t in range(terms):
                real += powers[t] * a[t, s]
            gc, gs = 0.0, 0.0
            if centred:
                for m in range(first[s], end):
                    gc += (x0[m] * y0[m] - x1[m] * y1[m]) * z0[m] - (x0[m] * y1[m] + x1[m] * y0[m]) * z1[m]
            else:
                for m in range(first[s], end):
                    u, v = x0[m] * y0[m] - x1[m] * y1[m], x0[m] * y1[m] + x1[m] * y0[m]
                    gc += u * z0[m] - v * z1[m]
                    gs += u * z1[m] + v * z0[m]
            damping = _exponential(max(s_squared * b_iso[s], _LOWEST))
            gc *= damping
            gs *= damping
            pc += real * gc
            ps += real * gs
            qc += imaginary[s] * gc
            qs += imaginary[s] * gs
        out[i] = pc * pc + ps * ps + qc * qc + qs * qs


@njit(error_model="numpy")
def _absent(h, k, l, own, rotations, translations):  # noqa: E741
    """Say whether an operation maps the index on itself with a phase other than 0."""
    for r in range(rotations.shape[1]):
        if h * rotations[0, r] + k * rotations[1, r] + l * rotations[2, r] == own:
            turn = h * translations[r, 0] + k * translations[r, 1] + l * translations[r, 2]
            if turn % 24 != 0:
                return True
    return False


@njit(error_model="numpy")
def _off_lattice(h, k, l, centring):  # noqa: E741
    for j in range(centring.shape[0]):
        if (h * centring[j, 0] + k * centring[j, 1] + l * centring[j, 2]) % 24 != 0:
            return True
    return False


@njit(error_model="numpy")
def _reflections(lengths, terms, d_min, symmetry, limit):
    """One index of each form (the largest by its number), 1/d^2 and multiplicity; a negative count where they are more.

    The number of an index is (h B + k) B + l; its images under the Laue rotations have theirs by one product each.
    """
    laue, rotations, translations, centring = symmetry
    hkl, q, multiples = np.empty((limit, 3), dtype=np.int64), np.empty(limit), np.empty(limit)
    count, base = 0, 4096.0
    q_max = 1.0 / (d_min * d_min)
    top = sqrt(q_max) * (1.0 + 1e-12)
    hs, ks = int(lengths[0] * top), int(lengths[1] * top)
    for h in range(hs + 1):
        for k in range(-ks if h > 0 else 0, ks + 1):
            # l lies between the roots of 1/d^2 = q_max
            slope = 0.5 * (terms[4] * h + terms[5] * k)
            rest = terms[0] * h * h + terms[1] * k * k + terms[3] * h * k
            inside = slope * slope - terms[2] * (rest - q_max)
            if inside < 0.0:
                continue
            root = sqrt(inside) / terms[2]
            low, high = ceil(-slope / terms[2] - root - 1e-9), int(np.floor(-slope / terms[2] + root + 1e-9))
            if h == 0 and k == 0:
                low = 1
            for l in range(low, high + 1):  # noqa: E741
                if _off_lattice(h, k, l, centring):
                    continue
                here = rest + 2.0 * slope * l + terms[2] * l * l
                if here > q_max:
                    continue
                own = (h * base + k) * base + l
                same = 0
                for r in range(laue.shape[1]):
                    image = abs(h * laue[0, r] + k * laue[1, r] + l * laue[2, r])
                    if image > own:
                        same = 0
                        break
                    same += image == own
                if same == 0 or _absent(h, k, l, own, rotations, translations):
                    continue
                if count == limit:
                    return hkl, q, multiples, -1
                hkl[count, 0], hkl[count, 1], hkl[count, 2] = h, k, l
                q[count], multiples[count] = here, 2.0 * laue.shape[1] / same
                count += 1
    return hkl[:count], q[:count], multiples[:count], count


@njit(error_model="numpy")
def _width(u, v, w, p, x, y, eta, tangent, secant):
    """FWHM and Lorentzian share; a share that is no number asks for the polynomials of Thompson, Cox and Hastings."""
    squared = u * tangent * tangent + v * tangent + w + p * secant * secant
    if eta == eta:  # noqa: PLR0124 - not NaN
        return sqrt(squared) if squared > 0.0 else np.nan, eta
    if squared < 0.0:
        return np.nan, 0.0
    g, l = sqrt(squared), x * secant + y * tangent  # noqa: E741
    fifth = l + 0.07842 * g
    fifth = fifth * l * l * l * l + g * g * (4.47163 * l * l * l + g * (2.42843 * l * l + g * (2.69269 * l + g)))
    h = fifth**0.2
    q = l / h
    return h, min(q * (1.36603 + q * (-0.47719 + q * 0.11116)), 1.0)


@njit(error_model="numpy", cache=True)
def pattern(
    grid, lengths, terms, d_min, symmetry, turns, first, b_iso, a, b, c, imaginary, centred, factor, light, widths,
    optics, shifts, ends, negligible, reach,
):  # fmt: skip
    """Sum all lines of a phase on a grid; NaN where a width has no real value.

    `lengths` are those of the cell, `terms` the factors of 1/d^2, `symmetry` the tables of the group; `factor`
    multiplies all areas; `light` are wavelengths and weights; `widths` is u, v, w, p, x, y, eta, and the Lorentzian
    width per secant and angstrom that size adds; `optics` the share of the monochromator and whether the slit is
    variable; `shifts` zero, displacement, transparency; `ends` the first and last angle a line may have.
    """
    out = np.zeros(grid.size)
    waves, weights = light[0], light[1]
    # a sphere of this radius holds 4.19 V / d^3 indices, of which each form has at least two
    limit = 64 + int(2.5 * lengths[0] * lengths[1] * lengths[2] / (d_min * d_min * d_min))
    hkl, q, multiples, n = _reflections(lengths, terms, d_min, symmetry, min(limit, 1024))
    if n < 0:
        hkl, q, multiples, n = _reflections(lengths, terms, d_min, symmetry, limit)
    if n == 0:
        return out
    count, squares = 0, np.empty(n)
    _squares(hkl, q, turns, first, b_iso, a, b, c, imaginary, centred, squares)
    strongest = 0.0
    for i in range(n):
        squares[i] *= multiples[i]
        strongest = max(strongest, squares[i])
    size = n * waves.size
    centers, areas, fwhm, eta = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    for i in range(n):
        if squares[i] <= negligible * strongest:
            continue
        for j in range(waves.size):
            sine = 0.5 * waves[j] * sqrt(q[i])
            if sine >= 1.0:
                continue
            theta = asin(sine)
            cosine = sqrt((1.0 - sine) * (1.0 + sine))
            twice = 1.0 - 2.0 * sine * sine
            strength = factor * squares[i] * (1.0 + optics[0] * twice * twice) / (1.0 + optics[0])
            strength /= sine * cosine if optics[1] > 0.0 else sine * sine * cosine
            place = 2.0 * theta * _DEGREE
            if not ends[0] <= place <= ends[1]:
                continue
            width, share = _width(
                widths[0], widths[1], widths[2], widths[3], widths[4] + widths[7] * waves[j], widths[5], widths[6],
                sine / cosine, 1.0 / cosine,
            )  # fmt: skip
            if not width > 0.0:
                out[:] = np.nan
                return out
            centers[count] = place + shifts[0] + shifts[1] * cosine + shifts[2] * 2.0 * sine * cosine
            areas[count], fwhm[count], eta[count] = strength * weights[j], width, share
            count += 1
    _draw(grid, out, centers, areas, fwhm, eta, count, reach)
    return out
