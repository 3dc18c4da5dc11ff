"""Every step of `tabular` beside scikit-learn's, pandas' or numpy's, on six tables of different kinds.

Each step learns from the first part of a table and is applied to all of it, so that values occur which
were never learned. The tolerances are those that docs/tabular.md states.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import preprocessing as sk
from sklearn.feature_extraction import FeatureHasher
from sklearn.impute import SimpleImputer

from .case import case, column

BIT = 0
# Relative to the larger of a value and 1.
ROUNDING, SUMS, STANDARD, NORMAL, POWER = 1e-15, 1e-13, 1e-12, 1e-13, 1e-5
CYCLIC = 1e-14
# Of a vector of categories: wider ones only take longer to write down.
MOST_ELEMENTS = 100
DOCUMENTATION = Path(__file__).parents[3] / "docs/tabular.md"
FLIGHTS = Path(__file__).parents[3] / "examples/flights/data/flights.parquet"
TYPES = {"b": "boolean", "i": "int64", "f": "float64", "M": "timestamp", "O": "utf8", "s": "utf8"}


class Table:
    """A table by kind of column. What is learned comes from the first `learned` rows."""

    def __init__(self, name, frame, numbers, texts=(), times=(), label=None, learned=None):
        self.name, self.frame = name, frame.reset_index(drop=True)
        self.numbers, self.texts, self.times, self.label = list(numbers), list(texts), list(times), label
        self.learned = learned or len(frame) * 2 // 3

    def case(self, what, steps, tolerance, expected, columns):
        columns = list(dict.fromkeys(columns))
        whole = {name: contract_column(self.frame[name], name == self.label) for name in columns}
        training = {name: contract_column(self.training[name], name == self.label) for name in columns}
        expected = {name: plain(values) for name, values in expected.items()}
        return case(f"{self.name}, {what}", training, {"steps": steps}, tolerance, rows=whole, mapped=expected)

    @property
    def training(self):
        return self.frame.iloc[: self.learned]

    def with_columns(self, **columns):
        """The same table with other columns as well."""
        frame = self.frame.assign(**columns)
        return Table(self.name, frame, self.numbers, self.texts, self.times, self.label, self.learned)


def contract_column(values, is_label):
    data_type = TYPES[values.dtype.kind]
    if data_type == "timestamp":
        micros = values.astype("datetime64[us]").astype("int64")
        listed = [None if missing else int(x) for x, missing in zip(micros, values.isna())]
    elif data_type == "float64":
        listed = [None if np.isnan(x) else float(x) for x in values]
    else:
        listed = [None if x is None or x is pd.NA or x != x else x for x in values.tolist()]
    return column(data_type, listed, "label" if is_label else None)


def plain(values):
    """A column as the Rust side compares it: null for a missing number or text."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return [list(row) for row in values.astype(float)]
    return [None if x is None or x is pd.NA or x is pd.NaT or x != x else x for x in np.asarray(values, dtype=object).tolist()]


def cases():
    """Fails if a step of the documentation is not compared on each of the tables."""
    warnings.simplefilter("ignore")
    compared, all_tables = set(), list(tables())
    for table in all_tables:
        for of in [numbers, categories, times, texts, combined, shape, casts]:
            for made in of(table):
                compared |= {(table.name, step["op"]) for step in made["params"]["steps"]}
                yield made
    everywhere = {(table.name, op) for table in all_tables for op in documented()}
    if everywhere != compared:
        raise AssertionError(f"compared on some tables only: {sorted(everywhere ^ compared)}")


def documented():
    """The ops in the table of docs/tabular.md."""
    lines = DOCUMENTATION.read_text().splitlines()
    names = [line.split("|")[1] for line in lines if line.startswith("| [`")]
    return {op.strip(" []()`") for name in names for op in name.split("](")[0].split(",")}


def times_of_day(random, rows):
    """Moments of twenty years, in whole seconds."""
    return pd.Timestamp("1999-12-31 22:00") + pd.to_timedelta(random.integers(-(10**8), 5 * 10**8, rows), unit="s")


def tables():
    random = np.random.default_rng(5)
    yield flights()
    yield many_nulls(random)
    yield high_cardinality(random)
    yield constants(random)
    yield wide(random)
    yield text(random)


def flights():
    frame = pd.read_parquet(FLIGHTS).iloc[::96]
    frame = frame.assign(late=frame["arr_delay"] > 15, time_hour=frame["time_hour"].dt.tz_localize(None))
    numbers = ["dep_delay", "distance", "sched_dep_time", "air_time"]
    return Table("flights", frame, numbers, ["carrier", "origin", "tailnum"], ["time_hour"], "late")


def many_nulls(random):
    rows = 600
    frame = pd.DataFrame({
        "x": random.normal(3, 10, rows), "y": random.lognormal(0, 2, rows), "z": random.integers(-5, 5, rows) / 2,
        "text": random.choice(["a", "b", "c", ""], rows), "other": random.choice(["1 x", "22y"], rows),
        "late": random.random(rows) < 0.3,
        "at": pd.Timestamp("1999-12-31 22:00") + pd.to_timedelta(random.integers(0, 10**8, rows), unit="s"),
    })
    for name in ["x", "y", "z", "text", "other", "at"]:
        frame.loc[random.random(rows) < 0.7, name] = None
    for name in ["text", "other"]:
        frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return Table("many nulls", frame, ["x", "y", "z"], ["text", "other"], ["at"], "late")


def high_cardinality(random):
    rows = 3000
    frame = pd.DataFrame({
        "id": [f"user-{n:05}" for n in random.integers(0, 2000, rows)],
        "other": [f"{n:x}" for n in random.integers(0, 10**9, rows)],
        "integer": random.integers(-(10**12), 10**12, rows), "x": random.random(rows) * 1e6,
        "at": times_of_day(random, rows),
    })
    frame["y"] = frame["x"] / 1e6 + random.normal(size=rows)
    return Table("high cardinality", frame, ["integer", "x"], ["id", "other"], ["at"], "y")


def constants(random):
    rows = 60
    frame = pd.DataFrame({
        "zero": np.zeros(rows), "tenth": np.full(rows, 0.1), "seven": np.full(rows, 7), "far": 1e9 + np.arange(rows) % 2,
        "three": np.arange(rows) % 3, "same": ["only"] * rows, "too": ["Only 1"] * rows, "late": [True] * rows,
        "at": [pd.Timestamp("2013-01-01")] * rows,
    })
    return Table("constants", frame, ["zero", "tenth", "seven", "far", "three"], ["same", "too"], ["at"], "late")


def wide(random):
    rows, width = 90, 300
    frame = pd.DataFrame(random.normal(size=(rows, width)) ** 3, columns=[f"x{n}" for n in range(width)])
    frame = frame.mask(random.random((rows, width)) < 0.05)
    others = {
        "text": random.choice(["a1", "B", "c 2"], rows), "other": random.choice(["x", "y"], rows),
        "at": times_of_day(random, rows), "late": random.random(rows) < 0.5,
    }
    return Table("300 columns", frame.assign(**others), frame.columns, ["text", "other"], ["at"], "late")


def text(random):
    words = "Straße ÅNGSTRÖM  naïve 北京 file.TXT v2.10 x-1 Mr. Σίσυφος 12345 ümlaut".split(" ")
    lines = [" ".join(random.choice(words, random.integers(0, 6))) for _ in range(400)]
    lines = [f" {line}\t" if n % 5 == 0 else line for n, line in enumerate(lines)]
    frame = pd.DataFrame({
        "line": lines, "word": random.choice(words, 400), "late": random.random(400) < 0.5,
        "length": [len(line) for line in lines], "share": [line.count("e") / (1 + len(line)) for line in lines],
        "at": times_of_day(random, 400),
    })
    frame["line"] = frame["line"].astype(object)
    frame.loc[::9, "line"] = None
    frame["line"] = frame["line"].where(frame["line"].notna(), None)
    return Table("text", frame, ["length", "share"], ["line", "word"], ["at"], "late")


def numbers(table):
    names = table.numbers
    training, whole = table.training[names].astype(float), table.frame[names].astype(float)

    def fitted(what, op, transformer, tolerance, **options):
        """Column by column, and as one vector."""
        result = transformer.fit(training.to_numpy()).transform(whole.to_numpy())
        step = {"op": op, "columns": names} | options
        yield table.case(what, [step], tolerance, dict(zip(names, result.T)), names)
        vector = {"op": "assemble", "columns": names, "into": "v", "type": "float64"}
        yield table.case(f"{what} of a vector", [vector, step | {"columns": "v"}], tolerance, {"v": result}, names)

    for with_, strategy in [("mean", "mean"), ("median", "median"), ("most-frequent", "most_frequent")]:
        imputer = SimpleImputer(strategy=strategy)
        yield from fitted(f"impute {with_}", "impute", imputer, SUMS if with_ == "mean" else BIT, **{"with": with_})
    constant = SimpleImputer(strategy="constant", fill_value=-1.5)
    yield from fitted("impute constant", "impute", constant, BIT, **{"with": "constant", "value": -1.5})
    indicator = {f"{name}_missing": whole[name].isna() for name in names}
    step = {"op": "impute", "columns": "*", "with": "constant", "value": 0, "indicator": True}
    yield table.case("impute with indicators", [step], BIT, indicator, names)
    yield from fitted("standard-scale", "standard-scale", sk.StandardScaler(), STANDARD)
    yield from fitted("standard-scale without mean", "standard-scale", sk.StandardScaler(with_mean=False), STANDARD, with_mean=False)
    yield from fitted("min-max-scale", "min-max-scale", sk.MinMaxScaler(), BIT)
    ranged = sk.MinMaxScaler((-2, 3), clip=True)
    yield from fitted("min-max-scale in a range", "min-max-scale", ranged, BIT, feature_range=[-2, 3], clip=True)
    yield from fitted("max-abs-scale", "max-abs-scale", sk.MaxAbsScaler(), BIT)
    yield from fitted("robust-scale", "robust-scale", sk.RobustScaler(), SUMS)
    robust = sk.RobustScaler(quantile_range=(10, 80), unit_variance=True, with_centering=False)
    options = {"quantile_range": [10, 80], "unit_variance": True, "with_centering": False}
    yield from fitted("robust-scale otherwise", "robust-scale", robust, SUMS, **options)
    for count in [7, 40]:
        ranks = sk.QuantileTransformer(n_quantiles=count, subsample=None)
        yield from fitted(f"quantile-scale by {count}", "quantile-scale", ranks, SUMS, quantiles=count)
    normal = sk.QuantileTransformer(n_quantiles=50, output_distribution="normal", subsample=None)
    yield from fitted("quantile-scale, normal", "quantile-scale", normal, NORMAL, quantiles=50, distribution="normal")
    yield from powers(table)
    clipped = {name: whole[name].clip(-1, 20) for name in names}
    yield table.case("clip", [{"op": "clip", "columns": names, "min": -1, "max": 20}], BIT, clipped, names)
    logs = {name: np.log1p(whole[name].where(whole[name] >= -1)) for name in names}
    yield table.case("log1p", [{"op": "log1p", "columns": names}], ROUNDING, logs, names)
    yield from bins(table)


def powers(table):
    """Two values have no shape that an exponent could change, and a constant has none that it could find."""
    names = [name for name in table.numbers[:12] if table.training[name].nunique() > 2]
    for method in ["yeo-johnson", "box-cox"]:
        fitting = [name for name in names if method == "yeo-johnson" or (table.frame[name].dropna() > 0).all()]
        for standardize in [True, False] if fitting else []:
            power = sk.PowerTransformer(method, standardize=standardize)
            power.fit(table.training[fitting].astype(float).to_numpy())
            result = power.transform(table.frame[fitting].astype(float).to_numpy())
            step = {"op": "power", "columns": fitting, "method": method, "standardize": standardize}
            yield table.case(f"power {method} {standardize}", [step], POWER, dict(zip(fitting, result.T)), fitting)


def bins(table):
    names = table.numbers
    for strategy in ["uniform", "quantile"]:
        expected = {}
        for name in names:
            training = table.training[[name]].dropna().astype(float).to_numpy()
            discretizer = sk.KBinsDiscretizer(5, encode="ordinal", strategy=strategy, quantile_method="linear", subsample=None)
            discretizer.fit(training)
            values = table.frame[name].astype(float)
            binned = discretizer.transform(values.fillna(0).to_numpy()[:, None])[:, 0]
            expected[name] = pd.Series(binned).where(values.notna())
        step = {"op": "bucketize", "columns": names, "strategy": strategy, "bins": 5}
        yield table.case(f"bucketize, {strategy}", [step], BIT, expected, names)
    edges = [-1, 0, 0.5, 100]
    expected = {}
    for name in names:
        values = table.frame[name].astype(float)
        expected[name] = pd.Series(np.digitize(values, edges).astype(float)).where(values.notna())
    yield table.case("bucketize by edges", [{"op": "bucketize", "columns": names, "edges": edges}], BIT, expected, names)


def categories(table):
    names = table.texts + [name for name in table.numbers if table.frame[name].dtype.kind == "i"]
    names = [name for name in names if name in table.texts or table.name != "flights"]
    for name in names:
        training, whole = table.training[name], table.frame[name]
        present = training.dropna()
        learned = whole.where(whole.isin(present.unique()))
        few = present.nunique() <= MOST_ELEMENTS

        def one(what, step, tolerance, expected):
            return table.case(f"{what} of {name}", [step | {"columns": name}], tolerance, {name: expected}, [name])

        if few:
            encoder = sk.OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(present.to_frame().to_numpy())
            dense = encoder.transform(whole.to_frame().to_numpy())
            yield one("one-hot", {"op": "one-hot", "unknown": "ignore"}, BIT, dense)
        # Rare categories share an element, which scikit-learn has only if there are any.
        counts = present.value_counts()
        count = min(max(2, int(len(present) * 0.02) + 1), int(counts.max()))
        if (counts >= count).sum() < min(present.nunique(), MOST_ELEMENTS):
            pooled = sk.OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=count, sparse_output=False)
            dense = pooled.fit(present.to_frame().to_numpy()).transform(whole.fillna(0).to_frame().to_numpy())
            dense[whole.isna()] = 0
            yield one("one-hot, pooled", {"op": "one-hot", "unknown": "other", "min_count": count}, BIT, dense)
        ordinal = sk.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(present.to_frame().to_numpy())
        codes = ordinal.transform(whole.where(whole.notna(), "?").to_frame().to_numpy())[:, 0]
        codes = pd.Series(codes).where(whole.notna())
        yield one("ordinal", {"op": "ordinal", "unknown": -1}, BIT, codes)
        shares = present.value_counts(normalize=True)
        frequency = whole.map(shares).astype(float).where(learned.notna(), 0.0).where(whole.notna())
        yield one("frequency", {"op": "frequency"}, BIT, frequency)
        counted = whole.map(present.value_counts()).astype(float)
        yield one("frequency, counted", {"op": "frequency", "normalize": False, "unknown": "null"}, BIT, counted)
        tokens = [{} if pd.isna(value) else {name: str(value)} for value in whole]
        hashed = FeatureHasher(16).transform(tokens).toarray()
        yield one("hash", {"op": "hash", "width": 16}, BIT, hashed)
        most = SimpleImputer(strategy="most_frequent", missing_values=None)
        if name in table.texts:
            filled = most.fit(as_object(training)).transform(as_object(whole))[:, 0]
            yield one("impute most-frequent", {"op": "impute", "with": "most-frequent"}, BIT, filled)
        yield from targets(table, name)
    if table.name == "flights":
        for name in ["carrier", "tailnum"]:
            yield from classes(table, name, "origin", ["EWR", "JFK", "LGA"])


def as_object(values):
    """One column for scikit-learn, None where a value is missing."""
    return values.astype(object).where(values.notna(), None).to_frame().to_numpy()


def targets(table, name):
    label = table.training[table.label]
    rows = label.notna()
    y = label[rows].astype(float).to_numpy()
    for smooth in ["auto", 0.5, 25.0]:
        kind = "binary" if table.frame[table.label].dtype.kind == "b" and len(set(y)) == 2 else "continuous"
        encoder = sk.TargetEncoder(smooth=smooth, target_type=kind).fit(as_object(table.training[name][rows]), y)
        expected = encoder.transform(as_object(table.frame[name]))[:, 0]
        step = {"op": "target", "columns": name, "smooth": smooth}
        yield table.case(f"target of {name}, {smooth}", [step], SUMS, {name: expected}, [name, table.label])


def classes(table, name, label, values):
    """Of a target of several classes, as scikit-learn's columns, category by category."""
    rows = table.training[label].notna()
    y = table.training[label][rows].astype(str).to_numpy()
    for smooth in ["auto", 7.5]:
        encoder = sk.TargetEncoder(smooth=smooth, target_type="multiclass")
        encoder.fit(as_object(table.training[name][rows]), y)
        expected = encoder.transform(as_object(table.frame[name]))
        step = {"op": "target", "columns": name, "target": label, "smooth": smooth, "classes": values}
        yield table.case(f"target of {name} by {label}, {smooth}", [step], SUMS, {name: expected}, [name, label])


def times(table):
    parts = {
        "year": lambda at: at.dt.year, "quarter": lambda at: at.dt.quarter, "month": lambda at: at.dt.month,
        "day": lambda at: at.dt.day, "weekday": lambda at: at.dt.weekday, "day-of-year": lambda at: at.dt.dayofyear,
        "hour": lambda at: at.dt.hour, "minute": lambda at: at.dt.minute, "second": lambda at: at.dt.second,
    }
    periods = {"month": 12, "weekday": 7, "hour": 24, "minute": 60}
    for name in table.times:
        local = table.frame[name] - pd.Timedelta(hours=5)
        expected = {f"{name}_{part.replace('-', '_')}": of(local) for part, of in parts.items()}
        step = {"op": "date-parts", "columns": name, "parts": list(parts), "offset": "-05:00"}
        yield table.case("date-parts", [step], BIT, expected, [name])
        expected = {}
        for part, period in periods.items():
            angle = 2 * np.pi * parts[part](local) / period
            expected |= {f"{name}_{part}_sin": np.sin(angle), f"{name}_{part}_cos": np.cos(angle)}
        step = {"op": "cyclic", "columns": name, "parts": list(periods), "offset": "-05:00"}
        yield table.case("cyclic", [step], CYCLIC, expected, [name])
        since = pd.Timestamp("2013-06-01T12:00:00")
        for unit in ["seconds", "minutes", "hours", "days"]:
            expected = (table.frame[name] - since) / pd.Timedelta(1, unit)
            step = {"op": "time-difference", "from": "2013-06-01T12:00:00Z", "to": name, "unit": unit, "into": "since"}
            yield table.case(f"time-difference in {unit}", [step], ROUNDING, {"since": expected}, [name])


def texts(table):
    for name in table.texts:
        values = table.frame[name].astype(object)
        of = lambda function: [None if pd.isna(value) else function(value) for value in values]
        yield table.case(f"lower of {name}", [{"op": "lower", "columns": name}], BIT, {name: of(str.lower)}, [name])
        yield table.case(f"trim of {name}", [{"op": "trim", "columns": name}], BIT, {name: of(str.strip)}, [name])
        yield table.case(f"text-length of {name}", [{"op": "text-length", "columns": name}], BIT, {f"{name}_length": of(len)}, [name])
        for pattern in [r"\d+", r"(\w)(\w)\b", r"^\s*(?P<first>\S+)", r"(?i)[a-f]{2,}|ß"]:
            group = f"({pattern})" if "(" not in pattern.replace("(?i)", "") else pattern
            if pattern.startswith("(?i)"):
                group = "(?i)(" + pattern.removeprefix("(?i)") + ")"
            expected = values.astype("string").str.extract(group)[group_column(group)]
            step = {"op": "regex-extract", "columns": name, "pattern": pattern, "into": "found"}
            yield table.case(f"regex-extract {pattern} of {name}", [step], BIT, {"found": expected}, [name])


def group_column(pattern):
    return "first" if "?P<first>" in pattern else 0


def combined(table):
    if len(table.numbers) >= 2:
        a, b = table.numbers[:2]
        x, y = table.frame[a].astype(float), table.frame[b].astype(float)
        expressions = {
            "sum": (f"{a} + {b} * 2 - 1", x + y * 2 - 1),
            "ratio": (f"{a} / ({b} + 0.5)", x / (y + 0.5)),
            "larger": (f"max({a}, {b})", x.where((x >= y) | x.isna(), y).where(y.notna())),
            "root": (f"sqrt(abs({a}))", np.sqrt(x.abs())),
            "filled": (f"coalesce({a}, {b}, 0)", x.fillna(y).fillna(0)),
        }
        for name, (value, expected) in expressions.items():
            yield table.case(f"compute {value}", [{"op": "compute", "into": name, "value": value}], ROUNDING, {name: expected}, [a, b])
        known = x.notna() & y.notna()
        greater = (x > y).astype(object).where(known, None)
        yield table.case("compute >", [{"op": "compute", "into": "c", "value": f"{a} > {b}"}], BIT, {"c": greater}, [a, b])
        names = table.numbers[:4]
        numeric = table.frame[names].astype(float)
        for options in [{"degree": 2}, {"degree": 3, "include_bias": True}, {"degree": 2, "interaction_only": True}]:
            polynomial = sk.PolynomialFeatures(**({"include_bias": False} | options))
            polynomial.fit(numeric.fillna(0))
            expected = np.hstack([products(numeric, powers) for powers in polynomial.powers_])
            step = {"op": "polynomial", "columns": names, "into": "p", "type": "float64"} | options
            yield table.case(f"polynomial {options}", [step], ROUNDING, {"p": expected}, names)
        step = {"op": "assemble", "columns": table.numbers, "into": "v", "type": "float64"}
        yield table.case("assemble", [step], BIT, {"v": table.frame[table.numbers].astype(float).to_numpy()}, table.numbers)
    if len(table.texts) >= 2:
        a, b = table.texts[:2]
        expected = table.frame[a].astype("string") + "_" + table.frame[b].astype("string")
        yield table.case("cross", [{"op": "cross", "columns": [a, b], "into": "c"}], BIT, {"c": expected}, [a, b])


def products(numeric, powers):
    """In the order in which scikit-learn multiplies, which takes no missing values."""
    product = np.ones(len(numeric))
    for name, power in reversed(list(zip(numeric.columns, powers))):
        for _ in range(power):
            product = product * numeric[name].to_numpy()
    return product[:, None]


def shape(table):
    names = [*table.numbers[:3], *table.texts]
    frame = table.frame[names]
    for name in table.numbers[:3]:
        whole = frame[name].astype(float).clip(-1e9, 1e9)
        truncated = np.trunc(whole) + 0.0
        steps = [{"op": "clip", "columns": name, "min": -1e9, "max": 1e9}, {"op": "cast", "columns": name, "to": "int32"}]
        yield table.case(f"cast {name} to int32", steps, BIT, {name: truncated}, [name])
        narrow = frame[name].astype(np.float32).astype(float)
        yield table.case(f"cast {name} to float32", [{"op": "cast", "columns": name, "to": "float32"}], BIT, {name: narrow}, [name])
    if len(names) >= 2:
        first, last = names[0], names[-1]
        steps = [{"op": "rename", "columns": {first: "renamed"}}, {"op": "drop", "columns": last}]
        steps.append({"op": "select", "columns": "renamed"})
        yield table.case("rename, drop, select", steps, BIT, {"renamed": frame[first]}, names)


def casts(table):
    """Times as texts and numbers, and back."""
    for name in table.times:
        at = table.frame[name].astype("datetime64[us]")
        micros = at.astype("int64").where(at.notna())
        epoch = {"unit": "seconds"}
        texts = {"": "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%y %I:%M %p": "%d.%m.%y %I:%M %p", "%a %j %Y": "%a %j %Y"}

        def one(what, values, steps, tolerance, expected):
            changed = table.with_columns(**{name: values})
            return changed.case(f"cast {name} {what}", steps, tolerance, {name: expected}, [name])

        def cast(to, **options):
            return {"op": "cast", "columns": name, "to": to} | options

        def whole(values):
            return [None if value != value else int(value) for value in values]

        for format, shown in texts.items():
            written = at.dt.strftime(shown).astype(object).where(at.notna(), None)
            read = pd.to_datetime(written, format=shown.replace("Z", "")  if format else None, utc=True)
            read = read.dt.tz_localize(None).astype("datetime64[us]").astype("int64").where(at.notna())
            options = {"format": format} if format else {}
            yield one(f"from text {format}", written, [cast("timestamp", **options)], BIT, whole(read))
        yield one("to text", at, [cast("utf8")], BIT, at.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
        seconds = micros / 1e6
        yield one("from seconds", seconds, [cast("timestamp", **epoch)], BIT, whole(micros))
        yield one("to seconds", at, [cast("int64", **epoch)], BIT, whole(micros // 10**6))
        yield one("to hours", at, [cast("float64", unit="hours")], ROUNDING, micros / 3.6e9)
        days = whole((at - pd.Timedelta(hours=5)).dt.floor("D").astype("int64").where(at.notna()) // (86_400 * 10**6))
        yield one("to days", at, [cast("date", offset="-05:00")], BIT, days)
        back = [cast("date", offset="-05:00"), cast("utf8"), cast("date"), cast("int32")]
        yield one("to days and back", at, back, BIT, days)
