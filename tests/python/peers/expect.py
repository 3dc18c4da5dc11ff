"""Counts and statistics as pandas computes them, on a table with everything that breaks checks."""

import numpy as np
import pandas as pd

from .case import case, column

ROWS = 600


def cases():
    random = np.random.default_rng(5)
    x = random.normal(10, 4, ROWS).round(2)
    x[random.random(ROWS) < 0.05] = np.nan
    whole = random.integers(-50, 50, ROWS).astype(object)
    whole[random.random(ROWS) < 0.1] = None
    text = random.choice(["alpha", "Beta", "gamma 7", "", "δέλτα"], ROWS).astype(object)
    text[random.random(ROWS) < 0.07] = None
    columns = {
        "x": column("float64", x), "whole": column("int64", whole), "text": column("utf8", text),
    }
    table = pd.DataFrame({"x": x, "whole": pd.array(whole, dtype="Int64"), "text": text})
    yield from counts(columns, table)
    yield from statistics(columns, table)


def counts(columns, table):
    """Of each expectation, how many rows do not meet it."""
    x, whole, text = table.x, table.whole.dropna(), table.text.dropna()
    previous, both = table.x.dropna().shift(), table[["x", "whole"]].dropna()
    expected = [
        ({"unique": ["whole", "text"]}, table.dropna(subset=["whole", "text"]).duplicated(["whole", "text"]).sum()),
        ({"columns": {"x": {"max_nan_share": 0}}}, x.isna().sum()),
        ({"columns": {"whole": {"max_null_share": 0}}}, table.whole.isna().sum()),
        ({"columns": {"x": {"min": 5, "max_nan_share": 1}}}, (x < 5).sum(), 1),
        ({"columns": {"x": {"below": 12.5, "max_nan_share": 1}}}, (x >= 12.5).sum(), 1),
        ({"columns": {"whole": {"allowed": list(range(-10, 11))}}}, (~whole.isin(range(-10, 11))).sum()),
        ({"columns": {"whole": {"forbidden": [0, 1]}}}, whole.isin([0, 1]).sum()),
        ({"columns": {"text": {"matches": r"^\w+$"}}}, (~text.str.contains(r"^\w+$")).sum()),
        ({"columns": {"text": {"not_matches": "[A-Z]"}}}, text.str.contains("[A-Z]").sum()),
        ({"columns": {"text": {"max_length": 4}}}, (text.str.len() > 4).sum()),
        ({"columns": {"whole": {"unique": True}}}, whole.duplicated().sum()),
        ({"columns": {"x": {"order": "increasing"}}}, (table.x.dropna() < previous).sum()),
        ({"compare": [{"column": "x", "op": ">=", "with": "whole"}]},
         (~(table.x >= table.whole.astype(float)))[table.whole.notna()].sum()),
        ({"row_sums": [{"columns": ["x", "whole"], "max": 30}]},
         (both.x + both.whole.astype(float) > 30).sum() + (table.x.isna() & table.whole.notna()).sum()),
    ]
    for params, count, *at in expected:
        report = {f"/expectations/{at[0] if at else 0}/count": int(count)}
        yield case(str(params), columns, params, 0, report=report)


def statistics(columns, table):
    """Bounds at the value itself and beside it: met and not met."""
    whole = table.whole.dropna().astype(float)
    values = {
        "mean": whole.mean(), "std": whole.std(), "median": whole.median(), "sum": whole.sum(),
        "distinct": whole.nunique(), "distinct_share": whole.nunique() / len(whole),
    }
    for name, value in values.items():
        for low, high, met in [(value - 1e-9, value + 1e-9, True), (value + 1e-9, value + 1, False)]:
            params = {"severity": "warn", "columns": {"whole": {name: {"min": float(low), "max": float(high)}}}}
            yield case(f"{name} of {low}", columns, params, 0, report={"/expectations/0/met": met})
    for q in [0, 0.1, 0.25, 0.9, 0.999, 1]:
        value = float(table.x.quantile(q))
        quantiles = [{"q": q, "min": value - 1e-9, "max": value + 1e-9}]
        params = {"columns": {"x": {"quantiles": quantiles}}}
        yield case(f"quantile {q}", columns, params, 0, report={"/expectations/0/met": True})
