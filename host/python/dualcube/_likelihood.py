"""Lambdas of power transforms by maximum likelihood."""

import math

import numpy as np

from . import _context, _scale, _statistics


def likelihood_power(column, function, device="auto", threads=None):
    """lambda with which a column of valid values is nearest to normal: the largest likelihood, as in
    scipy.stats.boxcox and yeojohnson."""
    if function == "box_cox":
        weight = float(np.log(column, dtype=np.float64).sum())
    else:
        weight = float((np.sign(column) * np.log1p(np.abs(column), dtype=np.float64)).sum())
    if len(column) == 0 or column.min() == column.max():
        return 1.0
    dense = np.ascontiguousarray(column)[:, None]
    powered = np.empty_like(dense)
    queue, n = _context.queue(device, threads), len(dense)

    def loss(power):
        _scale.run("scale_power", dense, powered, (float(power),), queue, function=function)
        var = float(_statistics.moments(powered, device, threads)[2, 0])
        if not var > np.finfo(dense.dtype).tiny:
            return math.inf
        return n / 2 * math.log(var) - (power - 1) * weight

    return minimum(loss)


def minimum(f, low=-2.0, high=2.0):
    """Where f is least: a bracket grown from low and high, then Brent's method."""
    a, x, b = _bracket(f, low, high)
    golden, tolerance = 0.3819660112501051, 1.48e-8
    w = v = x
    fx = fw = fv = f(x)
    step = last = 0.0
    for _ in range(500):
        middle, small = 0.5 * (a + b), tolerance * abs(x) + 1e-11
        if abs(x - middle) <= 2 * small - 0.5 * (b - a):
            break
        parabola = None
        if abs(last) > small:  # through x, w, v
            r, q = (x - w) * (fx - fv), (x - v) * (fx - fw)
            p, q = (x - v) * q - (x - w) * r, 2 * (q - r)
            p, q = (-p, q) if q > 0 else (p, -q)
            if abs(p) < abs(0.5 * q * last) and q * (a - x) < p < q * (b - x):
                parabola = p / q
        if parabola is None:
            last = (a if x >= middle else b) - x
            step = golden * last
        else:
            last, step = step, parabola
            if x + step - a < 2 * small or b - x - step < 2 * small:
                step = small if x < middle else -small
        u = x + (step if abs(step) >= small else math.copysign(small, step))
        fu = f(u)
        if fu <= fx:
            a, b = (x, b) if u >= x else (a, x)
            v, w, x, fv, fw, fx = w, x, u, fw, fx, fu
        else:
            a, b = (u, b) if u < x else (a, u)
            if fu <= fw or w == x:
                v, w, fv, fw = w, u, fw, fu
            elif fu <= fv or v in (x, w):
                v, fv = u, fu
    return x


def _bracket(f, a, b):
    """(low, between, high) with f(between) the least of the three."""
    fa, fb = f(a), f(b)
    if fb > fa:
        a, b, fa, fb = b, a, fb, fa
    c = b + 1.618034 * (b - a)
    fc = f(c)
    for _ in range(100):
        if fc >= fb:
            break
        a, b, fa, fb = b, c, fb, fc
        c = b + 1.618034 * (b - a)
        fc = f(c)
    return min(a, c), b, max(a, c)
