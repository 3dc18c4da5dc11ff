"""Descriptions of columns as pandas and NumPy give them."""

import numpy as np
import pandas as pd

from .case import case, column

EXACT = 1e-12
# Quantiles count values by their leading bits.
BUCKET = 2.0**-11


def cases():
    random = np.random.default_rng(17)
    yield numbers("many nulls", "float64", holes(random.normal(50, 9, 900), random, 0.6))
    yield numbers("heavy tails", "float64", random.standard_cauchy(900))
    yield numbers("negative zeros and ties", "float64", random.integers(-2, 3, 900) * 0.5 * -1.0)
    yield numbers("more values than are kept", "float64", random.normal(-3, 1, 900), {"exact_distinct": 800})
    yield numbers("constant", "float64", np.full(50, 3.25))
    yield numbers("whole numbers", "int64", holes(random.integers(-10**9, 10**9, 900), random, 0.1))
    yield numbers("small whole numbers", "int32", random.integers(0, 12, 900))
    yield texts("texts", holes(random.choice(["", "a", "bb", "δέλτα", "日本"], 500), random, 0.2))
    yield texts("high cardinality", [f"id{number}" for number in random.integers(0, 5000, 3000)])
    yield common(random)


def holes(values, random, share):
    values = values.astype(object)
    values[random.random(len(values)) < share] = None
    return values


def counts(series):
    """Of all columns. Of equally common values the lowest comes first."""
    top = series.dropna().value_counts()
    top = sorted(top.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    report = {
        "/columns/0/nulls": series.isna().sum(),
        "/columns/0/values": series.count(),
        "/columns/0/distinct/count": series.nunique(),
        "/columns/0/distinct/exact": True,
    }
    for at, (value, count) in enumerate(top):
        report |= {f"/columns/0/top/{at}/value": value, f"/columns/0/top/{at}/count": count}
    return report


def numbers(name, data_type, values, params=None):
    series = pd.Series(values)
    series = pd.to_numeric(series) if series.notna().any() else series
    known = series.dropna().to_numpy(dtype=float)
    report = counts(series) | {
        f"/columns/0/{key}": value
        for key, value in {
            "min": series.min(), "max": series.max(), "mean": series.mean(), "std": series.std(),
            "sum": series.sum(), "zeros": (series == 0).sum(), "negatives": (series < 0).sum(),
        }.items()
    }
    ordered, spread = np.histogram(known, bins=20)
    report |= {f"/columns/0/histogram/counts/{at}": count for at, count in enumerate(ordered)}
    report |= {f"/columns/0/histogram/edges/{at}": edge for at, edge in enumerate(spread)}
    for at, q in enumerate([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]):
        if not params:
            report[f"/columns/0/quantiles/{at}/value"] = np.quantile(known, q)
            continue
        low, high = np.quantile(known, q, method="lower"), np.quantile(known, q, method="higher")
        off = (high - low) / 2 + BUCKET * max(abs(low), abs(high))
        report[f"/columns/0/quantiles/{at}/value"] = ((low + high) / 2, off)
    if params:
        # An estimate, and no value is common.
        sketched = ["/columns/0/distinct", "/columns/0/top"]
        report = {pointer: value for pointer, value in report.items() if not pointer.startswith(tuple(sketched))}
    return case(name, {"x": column(data_type, values)}, params or {}, EXACT, report=report)


def texts(name, values):
    series = pd.Series(values, dtype=object)
    lengths = series.dropna().str.len()
    report = counts(series) | {
        "/columns/0/lengths/min": lengths.min(),
        "/columns/0/lengths/max": lengths.max(),
        "/columns/0/lengths/mean": lengths.mean(),
    }
    return case(name, {"x": column("utf8", values)}, {}, EXACT, report=report)


def common(random):
    """More different values than are kept: their number is estimated, the common ones still counted."""
    values = [f"id{number}" for number in range(4000)] + ["often"] * 700 + ["seldom"] * 30
    values = random.permutation(values)
    report = {
        "/columns/0/distinct/count": (4002, 4002 * 0.05),
        "/columns/0/distinct/exact": False,
        "/columns/0/top/0/value": "often",
        "/columns/0/top/0/count": 700,
        "/columns/0/top/1/value": "seldom",
        "/columns/0/top/1/count": 30,
    }
    return case("common values among many", {"x": column("utf8", values)}, {"exact_distinct": 100}, EXACT, report=report)
