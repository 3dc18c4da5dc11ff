"""Feast and pandas, doing what the feature store does: COMMAND FOLDER [ARGUMENT...].

    prepare FOLDER DATA             data of the flights', and a repository of Feast with values online
    history FOLDER STORE            a training set by Feast's offline store `duckdb` or `dask`
    merge FOLDER                    the same by pandas
    differ FOLDER ONE OTHER         how many values of two training sets differ
    windows FOLDER FLIGHTS MADE     how many windows of a sample of flights differ from their definition

Each prints one JSON object. What is timed starts behind the imports.
"""

import json
import os
import resource
import sys
import time
from datetime import timedelta
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

os.environ["FEAST_USAGE"] = "False"

import pandas as pd

ENTITIES, FEATURES = 1000, 50
WEATHER = ["temp", "humid", "wind_speed", "precip", "visib"]
# Each view with its keys, its features and its ttl.
VIEWS = {
    "weather": (["origin"], WEATHER, timedelta(hours=3)),
    "planes": (["tailnum"], ["year", "seats"], timedelta(0)),
    "carrier_day": (["carrier"], ["carrier_delay"], timedelta(days=2)),
    "route_day": (["origin", "dest"], ["route_delay"], timedelta(days=2)),
}
KEYS = ["origin", "tailnum", "carrier", "dest"]
TIME = "event_timestamp"


def minutes(column):
    return pd.to_timedelta(column.fillna(0), unit="min")


def prepare(folder, data):
    """Every (keys, time) is there once: which of equal ones counts, Feast and pandas leave open."""
    rows = range(ENTITIES)
    stats = {"user_id": list(rows), TIME: [pd.Timestamp("2026-01-01", tz="UTC")] * ENTITIES}
    for feature in range(FEATURES):
        stats[f"f{feature}"] = [(row * FEATURES + feature) / 7.0 for row in rows]
    pd.DataFrame(stats).to_parquet(folder / "stats.parquet")

    flights = pd.read_parquet(data / "flights.parquet")
    departure = flights.time_hour + minutes(flights.minute + flights.dep_delay.fillna(0))
    spine = flights[KEYS].assign(**{TIME: departure.astype("datetime64[us, UTC]"), "row": range(len(flights))})
    # A plane that is not known is one that nobody has heard of: Feast takes no null keys.
    spine["tailnum"] = spine.tailnum.fillna("unknown")
    spine.to_parquet(folder / "spine.parquet")
    spine.iloc[:: len(spine) // 1000].head(1000).to_parquet(folder / "sample.parquet")
    pd.concat([spine] * 4).to_parquet(folder / "spine-4.parquet")
    # Whole minutes again: pandas makes float64 of a column with nulls.
    departed = flights[flights.dep_delay.notna()].astype({"dep_delay": "int64"})
    departed.to_parquet(folder / "departed.parquet")

    def write(name, rows):
        keys, features, _ = VIEWS[name]
        rows = rows[[*keys, TIME, *features]].astype({TIME: "datetime64[us, UTC]"})
        rows = rows.drop_duplicates([*keys, TIME], keep="last")
        rows.to_parquet(folder / f"{name}.parquet", index=False)

    weather = pd.read_parquet(data / "weather.parquet")
    write("weather", weather.rename(columns={"time_hour": TIME}))
    planes = pd.read_csv(data / "planes.csv")
    write("planes", planes.assign(**{TIME: pd.Timestamp("2000-01-01", tz="UTC")}))
    # How late a day's flights were is known when it is over.
    day = flights.time_hour.dt.floor("D") + pd.Timedelta(days=1)
    days = flights.assign(**{TIME: day, "carrier_delay": flights.arr_delay, "route_delay": flights.arr_delay})
    for name in ("carrier_day", "route_day"):
        keys, features, _ = VIEWS[name]
        write(name, days.groupby([*keys, TIME], as_index=False)[features].mean())
    repository(folder)


def repository(folder):
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource
    from feast.on_demand_feature_view import on_demand_feature_view
    from feast.types import Float64, Int64, String
    from feast.value_type import ValueType

    configuration = f"""project: bench
registry: {folder}/registry.db
provider: local
offline_store: {{type: STORE}}
online_store: {{type: sqlite, path: {folder}/online.db}}
entity_key_serialization_version: 3
"""
    for store in ("duckdb", "dask"):
        (folder / store).mkdir()
        (folder / store / "feature_store.yaml").write_text(configuration.replace("STORE", store))

    def source(name):
        return FileSource(name=f"{name}_file", path=str(folder / f"{name}.parquet"), timestamp_field=TIME)

    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    names = [f"f{feature}" for feature in range(FEATURES)]
    schema = [Field(name=name, dtype=Float64) for name in names]
    stats = FeatureView(
        name="stats", entities=[user], schema=[Field(name="user_id", dtype=Int64), *schema],
        source=source("stats"), ttl=timedelta(0),
    )  # fmt: skip

    @on_demand_feature_view(sources=[stats], schema=[Field(name="ratio", dtype=Float64)], mode="python")
    def combined(inputs):
        return {"ratio": [a / (b + 1.0) for a, b in zip(inputs["f0"], inputs["f1"])]}

    entities = {key: Entity(name=key, join_keys=[key], value_type=ValueType.STRING) for key in KEYS}
    views = []
    for name, (keys, features, ttl) in VIEWS.items():
        schema = [Field(name=key, dtype=String) for key in keys]
        for feature in features:
            schema.append(Field(name=feature, dtype=Int64 if name == "planes" else Float64))
        of = [entities[key] for key in keys]
        views.append(FeatureView(name=name, entities=of, schema=schema, source=source(name), ttl=ttl))
    store = FeatureStore(repo_path=str(folder / "dask"))
    store.apply([user, stats, combined, *entities.values(), *views])
    store.write_to_online_store("stats", pd.read_parquet(folder / "stats.parquet"))


def references():
    return [f"{view}:{name}" for view, (_, features, _) in VIEWS.items() for name in features]


def history(folder, store):
    import pyarrow.parquet
    from feast import FeatureStore

    spine = "sample" if store == "dask" else "spine"
    features = FeatureStore(repo_path=str(folder / store))
    started = time.perf_counter()
    spine = pd.read_parquet(folder / f"{spine}.parquet")
    made = features.get_historical_features(entity_df=spine, features=references()).to_arrow()
    pyarrow.parquet.write_table(made, folder / f"{store}.parquet")
    return {"rows": made.num_rows, "seconds": time.perf_counter() - started}


def merge(folder):
    started = time.perf_counter()
    made = pd.read_parquet(folder / "spine.parquet").sort_values(TIME)
    for name, (keys, _, ttl) in VIEWS.items():
        rows = pd.read_parquet(folder / f"{name}.parquet").sort_values(TIME)
        made = pd.merge_asof(made, rows, on=TIME, by=keys, tolerance=ttl or None)
    made.to_parquet(folder / "merge.parquet")
    return {"rows": len(made), "seconds": time.perf_counter() - started}


def differ(folder, one, other):
    """The values that are otherwise in the rows that both have, and how many rows only one has."""
    wanted = ["row", *(name for _, features, _ in VIEWS.values() for name in features)]
    one, other = (pd.read_parquet(folder / f"{name}.parquet", columns=wanted) for name in (one, other))
    both = one.merge(other, on="row", suffixes=("", "_other"))
    values = 0
    for name in wanted[1:]:
        a, b = both[name], both[f"{name}_other"]
        values += int(((a != b) & ~(a.isna() & b.isna())).sum())
    return {"values": values, "rows": len(set(one.row) ^ set(other.row)) + abs(len(one) - len(other))}


def windows(folder, flights, made):
    """The definition of every window, spelled out, for a sample of flights."""
    flights, made = pd.read_parquet(flights), pd.read_parquet(folder / f"{made}.parquet")
    departed = flights.dep_delay.notna()
    arrived = flights[flights.air_time.notna() & flights.arr_delay.notna()]
    arrived = arrived.assign(
        at=arrived.time_hour + minutes(arrived.minute + arrived.dep_delay + arrived.air_time),
        lost=(arrived.arr_delay - arrived.dep_delay).astype("int64"),
    )
    assert len(made) == departed.sum()
    differing = compared = 0
    for row in made.iloc[:: len(made) // 100].itertuples():
        at = row.time_hour + pd.Timedelta(minutes=row.minute + row.dep_delay)
        for view, keys in (("carrier", ["carrier"]), ("route", ["origin", "dest"]), ("airport", ["origin"])):
            of = arrived
            for key in keys:
                of = of[of[key] == getattr(row, key)]
            for hours in (3, 24):
                lost = of.lost[(of["at"] <= at) & (of["at"] > at - pd.Timedelta(hours=hours))]
                mean = float(Fraction(int(lost.sum()), len(lost))) if len(lost) else None
                found = getattr(row, f"{view}_lost_{hours}h")
                differing += getattr(row, f"{view}_flights_{hours}h") != len(lost)
                differing += (None if pd.isna(found) else found) != mean
                compared += 2
    return {"differing": differing, "compared": compared}


def main():
    command, folder, *arguments = sys.argv[1:]
    folder = Path(folder)
    match command:
        case "prepare":
            prepare(folder, Path(arguments[0]))
            done = {"feast": version("feast"), "pandas": version("pandas")}
        case "history":
            done = history(folder, *arguments)
        case "merge":
            done = merge(folder)
        case "differ":
            done = differ(folder, *arguments)
        case "windows":
            done = windows(folder, *arguments)
    # Linux counts in KiB.
    done["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(done))


main()
