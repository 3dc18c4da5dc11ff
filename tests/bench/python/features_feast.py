"""What the section `features` compares with: Feast's local provider, and pandas.

    prepare-online FOLDER           a Feast repository with a SQLite online store, filled, and the same rows as a file
    prepare-history FOLDER DATA     a spine of all flights and the four sources of its features
    feast FOLDER SPINE              a training set with Feast's DuckDB store
    pandas FOLDER SPINE             the same with `merge_asof`
"""

import sys
from datetime import timedelta
from pathlib import Path

import numpy
import pandas as pd

ENTITIES, FEATURES = 1000, 50
# What is known of what: the view, its key, its features and how old they may be.
VIEWS = {
    "weather": ("origin", ["temp", "humid", "wind_speed", "precip", "visib"], timedelta(hours=3)),
    "plane": ("tailnum", ["seats", "engines"], timedelta(0)),
    "airport": ("dest", ["lat", "lon", "alt"], timedelta(0)),
    "last_flight": ("tailnum", ["last_distance", "last_hour"], timedelta(days=7)),
}
LONG_AGO = pd.Timestamp("2012-01-01", tz="UTC")


def prepare_online(folder):
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource
    from feast.types import Float64

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "feature_store.yaml").write_text(
        "project: bench\nregistry: registry.db\nprovider: local\n"
        "online_store: {type: sqlite, path: online.db}\nentity_key_serialization_version: 3\n"
    )
    random = numpy.random.default_rng(1)
    rows = pd.DataFrame(random.normal(size=(ENTITIES, FEATURES)), columns=names())
    rows.insert(0, "user", numpy.arange(ENTITIES))
    rows["event_timestamp"] = pd.Timestamp("2026-01-01", tz="UTC")
    rows.to_parquet(folder / "rows.parquet", index=False)
    user = Entity(name="user", join_keys=["user"])
    view = FeatureView(
        name="wide",
        entities=[user],
        schema=[Field(name=name, dtype=Float64) for name in names()],
        source=FileSource(path=str(folder / "rows.parquet"), timestamp_field="event_timestamp"),
        ttl=timedelta(0),
    )
    store = FeatureStore(repo_path=str(folder))
    store.apply([user, view])
    store.write_to_online_store("wide", rows)


def names():
    return [f"f{index}" for index in range(FEATURES)]


def prepare_history(folder, data):
    folder.mkdir(parents=True, exist_ok=True)
    flights = pd.read_parquet(data / "flights.parquet")
    at = flights["time_hour"].astype("datetime64[us, UTC]") + pd.to_timedelta(flights["minute"], unit="min")
    spine = flights[["carrier", "flight", "tailnum", "origin", "dest", "arr_delay"]].copy()
    spine["tailnum"] = spine["tailnum"].fillna("unknown")
    spine["event_timestamp"] = at.astype("datetime64[us, UTC]")
    spine.to_parquet(folder / "spine.parquet", index=False)
    spine.iloc[::4].to_parquet(folder / "quarter.parquet", index=False)
    pd.concat([spine] * 4).to_parquet(folder / "fourfold.parquet", index=False)
    weather = pd.read_parquet(data / "weather.parquet").rename(columns={"time_hour": "event_timestamp"})
    write(folder, "weather", weather)
    write(folder, "plane", pd.read_csv(data / "planes.csv").assign(event_timestamp=LONG_AGO))
    airports = pd.read_csv(data / "airports.csv").rename(columns={"faa": "dest"})
    write(folder, "airport", airports.assign(event_timestamp=LONG_AGO))
    # A flight is known of an hour after it has left.
    last = spine[["tailnum", "event_timestamp"]].assign(
        last_distance=flights["distance"], last_hour=flights["hour"]
    )
    last["event_timestamp"] += pd.Timedelta(hours=1)
    write(folder, "last_flight", last)


def write(folder, view, rows):
    key, features, _ = VIEWS[view]
    rows = rows[[key, *features, "event_timestamp"]].dropna(subset=[key]).copy()
    rows[features] = rows[features].astype("float64")
    rows["event_timestamp"] = rows["event_timestamp"].astype("datetime64[us, UTC]")
    rows.to_parquet(folder / f"{view}.parquet", index=False)


def with_feast(folder, spine):
    from feast import Entity, FeatureStore, FeatureView, Field
    from feast.infra.offline_stores.duckdb import DuckDBOfflineStoreConfig  # noqa: F401
    from feast.infra.offline_stores.file_source import FileSource
    from feast.types import Float64

    repository = folder / "feast"
    repository.mkdir(exist_ok=True)
    (repository / "feature_store.yaml").write_text(
        "project: bench\nregistry: registry.db\nprovider: local\noffline_store: {type: duckdb}\n"
        "online_store: {type: sqlite, path: online.db}\nentity_key_serialization_version: 3\n"
    )
    keys = sorted({key for key, _, _ in VIEWS.values()})
    entities = {key: Entity(name=key, join_keys=[key]) for key in keys}
    views = [
        FeatureView(
            name=name,
            entities=[entities[key]],
            schema=[Field(name=feature, dtype=Float64) for feature in features],
            source=FileSource(
                name=name, path=str(folder / f"{name}.parquet"), timestamp_field="event_timestamp"
            ),
            ttl=ttl,
        )
        for name, (key, features, ttl) in VIEWS.items()
    ]
    store = FeatureStore(repo_path=str(repository))
    store.apply([*entities.values(), *views])
    asked = [f"{name}:{feature}" for name, (_, features, _) in VIEWS.items() for feature in features]
    made = store.get_historical_features(entity_df=pd.read_parquet(folder / spine), features=asked)
    made.to_df().to_parquet(folder / "feast.parquet", index=False)


def with_pandas(folder, spine):
    made = pd.read_parquet(folder / spine)
    made["place"] = numpy.arange(len(made))
    made = made.sort_values("event_timestamp", kind="stable")
    for name, (key, features, ttl) in VIEWS.items():
        rows = pd.read_parquet(folder / f"{name}.parquet").sort_values("event_timestamp", kind="stable")
        made = pd.merge_asof(
            made, rows, on="event_timestamp", by=key, tolerance=pd.Timedelta(ttl) if ttl else None
        )
    made.sort_values("place").drop(columns="place").to_parquet(folder / "pandas.parquet", index=False)


what, folder = sys.argv[1], Path(sys.argv[2]).resolve()
if what == "prepare-online":
    prepare_online(folder)
elif what == "prepare-history":
    prepare_history(folder, Path(sys.argv[3]))
elif what == "feast":
    with_feast(folder, sys.argv[3])
else:
    with_pandas(folder, sys.argv[3])
print("{}")
