"""Cases as the Rust side reads them."""

import math

import numpy as np


def column(data_type, values, role=None, elements=None):
    """A column. `None` is null; `data_type` is a name of the contract."""
    made = {"type": data_type, "values": [plain(value) for value in values]}
    return made | ({"role": role} if role else {}) | ({"elements": list(elements)} if elements is not None else {})


def plain(value):
    """A value that JSON can hold; the floats that it cannot are texts."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(element) for element in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def case(name, columns, params, tolerance, metrics=None, report=None, rows=None, mapped=None):
    """Expects of the stage, learning from the table of these columns: `metrics` by name; values of its
    report by JSON pointer; and where it maps the table `rows`, or the same one, columns by name. A value is
    equal within `tolerance`, relative to the larger of itself and 1; a pair (value, tolerance) has its own,
    absolute.
    """
    expected = {"metrics": metrics or {}, "report": report or {}, "mapped": mapped or {}}
    expected = {of: {key: plain(value) for key, value in values.items()} for of, values in expected.items()}
    return {
        "name": name, "columns": columns, "params": params, "tolerance": tolerance, "rows": rows, **expected,
    }
