#!/usr/bin/env python3
"""Fits the polynomials of the elementary functions and prints Coefficients.h.

    python3 fit.py > Coefficients.h        (needs mpmath; half a minute)

Each polynomial is the minimax approximation of `f` on [a, b] in the absolute error, found by Remez exchange,
then rounded to the element type. The printed error is that of the unrounded polynomial.
"""
import struct
import sys

from mpmath import (mp, mpf, asin, atan, atanh, besseli, cbrt, cos, erf, erfc, erfinv, euler, exp, expm1,
                    findroot, floor, log, log1p, loggamma, lu_solve, matrix, pi, psi, sin, sqrt)

mp.dps = 60


def remez(f, a, b, degree, weight=None, rounds=30):
    """Coefficients (lowest first) and the largest weighted error of the minimax polynomial of `f`."""
    a, b = mpf(a), mpf(b)
    n = degree + 2
    middle, half = (a + b) / 2, (b - a) / 2
    count = 24 * n
    grid = [-cos(pi * i / count) for i in range(count + 1)]  # in the variable u = (x - middle) / half
    values = [f(middle + half * u) for u in grid]
    weights = [weight(middle + half * u) if weight else mpf(1) for u in grid]
    picks = [round(i * count / (n - 1)) for i in range(n)]
    for _ in range(rounds):
        rows, right = matrix(n, n), matrix(n, 1)
        for row, pick in enumerate(picks):
            power = mpf(1)
            for column in range(degree + 1):
                rows[row, column] = power
                power *= grid[pick]
            rows[row, n - 1] = (-1) ** row / weights[pick]
            right[row] = values[pick]
        solution = lu_solve(rows, right)
        scaled = [solution[i] for i in range(degree + 1)]
        errors = []
        for u, value, w in zip(grid, values, weights):
            p = mpf(0)
            for c in reversed(scaled):
                p = p * u + c
            errors.append((value - p) * w)
        # One extremum per run of equal sign.
        runs = []
        for i, e in enumerate(errors):
            if not runs or (errors[runs[-1]] < 0) != (e < 0):
                runs.append(i)
            elif abs(e) > abs(errors[runs[-1]]):
                runs[-1] = i
        while len(runs) > n:
            runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
        worst = max(abs(e) for e in errors)
        if len(runs) < n or worst < abs(solution[n - 1]) * mpf("1.001"):
            break
        picks = runs
    # Back from u to x: expand sum c_k ((x - middle) / half)^k.
    result = [mpf(0)] * (degree + 1)
    power = [mpf(1)] + [mpf(0)] * degree
    for c in scaled:
        for i in range(degree + 1):
            result[i] += c * power[i]
        shifted = [mpf(0)] * (degree + 1)
        for i in range(degree + 1):
            shifted[i] -= power[i] * middle / half
            if i:
                shifted[i] += power[i - 1] / half
        power = shifted
    return result, worst


def to_f32(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def series(f, near, at_zero):
    """`f` away from 0, the limit where the quotient would be 0 / 0."""
    return lambda x: at_zero if abs(x) < mpf(near) else f(x)


def erfcx_ratio(a):
    return (1 + 2 * a) * exp(a * a) * erfc(a)


def from_t(k):
    return lambda t: erfcx_ratio(k * (1 + t) / (1 - t))


def erfc_from_1(v):
    return erfc(1 + v)


def erf_inv_of_w(w):
    if w == 0:
        return sqrt(pi) / 2
    x = sqrt(-expm1(-w))
    if w <= 3:
        return erfinv(x) / x
    return findroot(lambda y: log(erfc(y)) - log1p(-x), sqrt(w) * mpf("0.9"), tol=mpf(10) ** -80) / x


def erf_inv_of_root(middle):
    return lambda v: erf_inv_of_w((v + mpf(middle))**2)


def erf_inv_slope(v):
    w = max(v + 3, mpf("1e-25"))
    return (erf_inv_of_w(w) - sqrt(pi) / 2) / w


def odd(f, first, near="1e-12"):
    """(f(r) - r) / r^3 as a function of z = r^2, whose value at 0 is `first`."""
    return series(lambda z: (f(sqrt(z)) - sqrt(z)) / sqrt(z)**3, near, first)


def atanh_tail(z):
    s = sqrt(z)
    return (2 * atanh(s) - 2 * s - mpf(2) / 3 * s**3) / s**5


def log_gamma_ratio(v):
    t = v + mpf("1.75")
    if abs(t - 1) < mpf("1e-12"):
        return +euler
    if abs(t - 2) < mpf("1e-12"):
        return 1 - euler
    return loggamma(t) / ((t - 1) * (t - 2))


def stirling_rest(u):
    a = 1 / sqrt(u)
    return (loggamma(a) - (a - mpf(1) / 2) * (log(a) - 1) - (log(2 * pi) - 1) / 2) * a


digamma_root = findroot(lambda x: psi(0, x), mpf("1.46"))


def digamma_ratio(v):
    t = v + mpf("1.75")
    if abs(t - digamma_root) < mpf("1e-12"):
        return psi(1, digamma_root)
    return psi(0, t) / (t - digamma_root)


def digamma_rest(u):
    a = 1 / sqrt(u)
    return (log(a) - 1 / (2 * a) - psi(0, a)) * a**2


def bessel_near(v):
    t = v * 4 + 4
    return mpf(1) / 2 if t == 0 else exp(-t) * besseli(1, t) * (1 + 1 / t)


def bessel_far(v):
    u = (v + 1) / 16
    if u < mpf("1e-16"):
        return (1 - 3 * u / 8) / sqrt(2 * pi)
    return exp(-1 / u) * besseli(1, 1 / u) / sqrt(u)


def one_over(f):
    return lambda v: 1 / abs(f(v))


third = mpf(1) / 3
log_z = mpf("0.02945")  # ((sqrt(2) - 1) / (sqrt(2) + 1))^2
half_ln2 = log(mpf(2)) / 2 * mpf("1.001")
quarter_pi_2 = (pi / 4) ** 2 * mpf("1.001")
tiny = "1e-12"


def erf_tail(a, k):
    return (mpf(a) - k) / (mpf(a) + k)


FITS = [
    # name, what it is, function, from, to, degree in f32, degree in f64, weight of the error if not 1
    ("exp", "(exp(r) - 1 - r) / r^2", series(lambda r: (expm1(r) - r) / r**2, tiny, mpf("0.5")),
     -half_ln2, half_ln2, 4, 9),
    ("expm1", "(exp(r) - 1 - r) / r^2", series(lambda r: (expm1(r) - r) / r**2, tiny, mpf("0.5")),
     -half_ln2, half_ln2, 5, 10),
    ("log", "(log(1 + f) - f) / f^2", series(lambda f: (log1p(f) - f) / f**2, tiny, mpf("-0.5")),
     -third, third, 8, None),
    ("log_ratio", "(2 atanh(s) - 2 s) / s^3 in z = s^2", lambda z: 2 * odd(atanh, third)(z),
     0, log_z, None, 6),
    ("log_tail", "(2 atanh(s) - 2 s - 2/3 s^3) / s^5 in z = s^2", series(atanh_tail, "1e-10", mpf(2) / 5),
     0, log_z, 3, 8),
    ("sin", "(sin(r) - r) / r^3 in z = r^2", odd(sin, -mpf(1) / 6), 0, quarter_pi_2, 2, 5),
    ("cos", "(cos(r) - 1 + r^2 / 2) / r^4 in z = r^2",
     series(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, "1e-10", mpf(1) / 24), 0, quarter_pi_2, 2, 5),
    ("atan", "(atan(t) - t) / t^3 in z = t^2", odd(atan, -third), 0, mpf("0.1718"), 4, 11),
    ("asin", "(asin(x) - x) / x^3 in z = x^2", odd(asin, mpf(1) / 6), 0, mpf("0.25"), 5, 12),
    ("cbrt", "r^(-1/3)", lambda r: 1 / cbrt(r), mpf("0.88"), mpf("1.12"), 2, 4),
    ("erf", "erf(x) / x - 1 in z = x^2", series(lambda z: erf(sqrt(z)) / sqrt(z) - 1, tiny, 2 / sqrt(pi) - 1),
     0, 1, 6, 12),
    ("erf_far_f32", "log(erfc(x)) in x - 1", lambda v: log(erfc(1 + v)), 0, mpf("2.95"), 6, None,
     erfc_from_1),
    ("erf_far_f64", "log(erfc(x)) in x - 1", lambda v: log(erfc(1 + v)), 0, mpf("4.95"), None, 17,
     erfc_from_1),
    ("erfcx_f32", "(1 + 2 a) exp(a^2) erfc(a) in t = (a - 2) / (a + 2)", from_t(mpf(2)),
     erf_tail("0.499", 2), erf_tail("10.3", 2), 9, None),
    ("erfcx_f64", "(1 + 2 a) exp(a^2) erfc(a) in t = (a - 3) / (a + 3)", from_t(mpf(3)),
     erf_tail("0.499", 3), erf_tail("27.4", 3), None, 21),
    ("erf_inv_near", "(erf_inv(x) / x - sqrt(pi)/2) / w in w - 3, w = -log(1 - x^2)", erf_inv_slope,
     -3, 3, 9, 23),
    ("erf_inv_far_f32", "erf_inv(x) / x in sqrt(w) - 3.2", erf_inv_of_root("3.2"),
     sqrt(mpf(6)) - mpf("3.2"), mpf("0.9"), 7, None),
    ("erf_inv_middle_f64", "erf_inv(x) / x in sqrt(w) - 3.1", erf_inv_of_root("3.1"),
     sqrt(mpf(6)) - mpf("3.1"), mpf("0.6"), None, 19),
    ("erf_inv_far_f64", "erf_inv(x) / x in sqrt(w) - 4.9", erf_inv_of_root("4.9"),
     mpf("-1.2"), mpf("1.17"), None, 19),
    ("exp_wide", "(exp(r) - 1 - r - r^2 / 2 - r^3 / 6) / r^4",
     series(lambda r: (expm1(r) - r - r**2 / 2 - r**3 / 6) / r**4, "1e-10", mpf(1) / 24),
     -half_ln2, half_ln2, None, 9),
    ("sin_wide", "(sin(r) - r + r^3 / 6) / r^5 in z = r^2",
     series(lambda z: (sin(sqrt(z)) - sqrt(z) + sqrt(z)**3 / 6) / sqrt(z)**5, "1e-10", mpf(1) / 120),
     0, quarter_pi_2, None, 6),
    ("cos_wide", "(cos(r) - 1 + r^2 / 2 - r^4 / 24) / r^6 in z = r^2",
     series(lambda z: (cos(sqrt(z)) - 1 + z / 2 - z**2 / 24) / z**3, "1e-9", -mpf(1) / 720),
     0, quarter_pi_2, None, 6),
    ("log_gamma", "lgamma(t) / ((t - 1) (t - 2)) in t - 1.75", log_gamma_ratio,
     mpf("-0.75"), mpf("0.75"), 10, 24, one_over(log_gamma_ratio)),
    ("stirling", "(lgamma(a) - (a - 1/2) (log a - 1) - (log(2 pi) - 1) / 2) a in 1 / a^2",
     series(stirling_rest, "1e-14", mpf(1) / 12), 0, mpf("0.16001"), 4, 12),
    ("digamma", "digamma(t) / (t - root) in t - 1.75", digamma_ratio,
     mpf("-0.75"), mpf("0.75"), 11, 25, one_over(digamma_ratio)),
    ("digamma_far", "(log a - 1 / (2 a) - digamma(a)) a^2 in 1 / a^2",
     series(digamma_rest, "1e-14", mpf(1) / 12), 0, mpf("0.16001"), 4, 13),
    ("bessel_near", "exp(-t) I1(t) (1 + 1 / t) in (t - 4) / 4", bessel_near, -1, 1, 16, 28, one_over(bessel_near)),
    ("bessel_far", "exp(-t) I1(t) sqrt(t) in 16 / t - 1", bessel_far, -1, 1, 6, 26, one_over(bessel_far)),
]


def print_array(name, coefficients, digits):
    print(f"inline constexpr double {name}[] = {{")
    line = "   "
    for c in coefficients:
        piece = f" {c:.{digits}g},"
        if len(line) + len(piece) > 110:
            print(line)
            line = "   "
        line += piece
    print(line)
    print("};\n")


def main():
    only = sys.argv[1:]
    print("""// Coefficients.h: minimax polynomials of the elementary functions, lowest power first.
//
// Printed by fit.py; do not edit. `f32` arrays hold values that are exact in single precision.
#pragma once

// clang-format off

#include <cstdint>

namespace wherry::compile::math::coefficients {
""")
    for name, what, f, a, b, in_f32, in_f64, *weight in FITS:
        if only and name not in only:
            continue
        base = name.removesuffix("_f32").removesuffix("_f64")
        for suffix, degree in (("f32", in_f32), ("f64", in_f64)):
            if degree is None:
                continue
            coefficients, error = remez(f, a, b, degree, *weight)
            print(f"// {what} on [{float(a):.6g}, {float(b):.6g}], error {float(error):.2g}")
            if suffix == "f32":
                print_array(f"{base}_f32", [to_f32(c) for c in coefficients], 9)
            else:
                print_array(f"{base}_f64", [float(c) for c in coefficients], 17)
            sys.stdout.flush()
    if not only:
        mp.prec = 1400
        words = int(floor(2 / pi * mpf(2) ** (19 * 64 - 32)))
        print("// 2/pi after 32 zero bits, most significant word first.")
        print("inline constexpr std::uint64_t two_over_pi[] = {")
        for i in range(0, 19, 4):
            row = [f"0x{words >> (64 * (18 - j)) & (2**64 - 1):016x}," for j in range(i, min(i + 4, 19))]
            print("    " + " ".join(row))
        print("};\n")
    print("}  // namespace wherry::compile::math::coefficients")


if __name__ == "__main__":
    main()
