"""The stock Feast client, reading online features from a server of ours.

    python feast_client.py URL FOLDER

FOLDER gets a repository whose online store is `type: remote` at URL. What the server has to hold, and where its
definitions are, is in tests/end_to_end/features/feast.rs. Prints `N checks` if all of them hold.

Until 0.63 the client sends one request a view, with one join key alone; from 0.64 on one for all.
"""

import math
import sys
from datetime import timedelta
from pathlib import Path

import feast
import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource
from feast.data_source import PushMode
from feast.types import Bool, Float32, Float64, Int64, String

url, folder = sys.argv[1], Path(sys.argv[2])
version = tuple(int(part) for part in feast.__version__.split(".")[:2])
checks = 0


def check(what, found, expected):
    global checks
    checks += 1
    assert found == expected, f"feast {feast.__version__}, {what}: {found!r}, not {expected!r}"


folder.mkdir(parents=True, exist_ok=True)
(folder / "feature_store.yaml").write_text(
    f"""project: trueline
registry: {folder}/registry.db
provider: local
offline_store: {{type: dask}}
online_store: {{type: remote, path: "{url}"}}
entity_key_serialization_version: 3
"""
)
columns = {
    "driver_id": [1],
    "conv_rate": [0.5],
    "acc_rate": [0.5],
    "trips": [1],
    "name": ["a"],
    "is_new": [True],
    "event_timestamp": [pd.Timestamp("2026-01-01", tz="UTC")],
}
pd.DataFrame(columns).to_parquet(folder / "stats.parquet")
batch = FileSource(
    name="stats_batch", path=str(folder / "stats.parquet"), timestamp_field="event_timestamp"
)
pushed = PushSource(name="stats", batch_source=batch)
driver = Entity(name="driver", join_keys=["driver_id"])
schema = [
    Field(name="conv_rate", dtype=Float32),
    Field(name="acc_rate", dtype=Float64),
    Field(name="trips", dtype=Int64),
    Field(name="name", dtype=String),
    Field(name="is_new", dtype=Bool),
]
stats = FeatureView(
    name="driver_stats", entities=[driver], schema=schema, source=pushed, ttl=timedelta(0)
)
expiring = FeatureView(
    name="expiring",
    entities=[driver],
    schema=[Field(name="recent_trips", dtype=Int64)],
    source=batch,
    ttl=timedelta(hours=1),
)
nowhere = FeatureView(
    name="nowhere",
    entities=[driver],
    schema=[Field(name="trips", dtype=Int64)],
    source=batch,
    ttl=timedelta(0),
)
service = FeatureService(name="drivers", features=[stats[["trips", "conv_rate"]], expiring])
store = FeatureStore(repo_path=str(folder))
store.apply([driver, batch, pushed, stats, expiring, nowhere, service])

rows = [{"driver_id": key} for key in (1002, 9999, 1001)]
refs = [
    "driver_stats:trips",
    "driver_stats:conv_rate",
    "driver_stats:acc_rate",
    "driver_stats:name",
    "driver_stats:is_new",
    "expiring:recent_trips",
]

# Values, by name and in the order of the entities. A null, an unknown entity and an expired value are None;
# so is NaN, as which Feast's own stores cannot keep it either.
response = store.get_online_features(features=refs, entity_rows=rows)
expected = {
    "driver_id": [1002, 9999, 1001],
    "trips": [None, None, 7],
    "conv_rate": [None, None, 0.10000000149011612],
    "acc_rate": [1e-300, None, -0.1],
    "name": ["b", None, "ä"],
    "is_new": [False, None, True],
    "recent_trips": [None, None, None],
}
check("values", response.to_dict(), expected)
frame = response.to_df()
check("rows of the frame", len(frame), 3)
check("a value of the frame", frame["acc_rate"][2], -0.1)

# Statuses, as they were sent.
sent = dict(zip(response.proto.metadata.feature_names.val, response.proto.results))
PRESENT, NULL_VALUE, NOT_FOUND, OUTSIDE_MAX_AGE = 1, 2, 3, 4
statuses = {name: list(sent[name].statuses) for name in ("trips", "acc_rate", "recent_trips")}
if version >= (0, 64):
    check("statuses", statuses["trips"], [NULL_VALUE, NOT_FOUND, PRESENT])
    check("statuses", statuses["acc_rate"], [PRESENT, NOT_FOUND, PRESENT])
    check("statuses", statuses["recent_trips"], [OUTSIDE_MAX_AGE, NOT_FOUND, OUTSIDE_MAX_AGE])
    check("order", list(response.proto.metadata.feature_names.val), list(expected))
else:
    # This client makes its own of what it was sent: whatever has no value is there, and null.
    check("statuses", set(sum(statuses.values(), [])) <= {PRESENT, NULL_VALUE, NOT_FOUND}, True)

# Full names, and a service by its name.
full = store.get_online_features(features=refs[:2], entity_rows=rows, full_feature_names=True)
check("full names", full.to_dict()["driver_stats__trips"], [None, None, 7])
answered = store.get_online_features(features=store.get_feature_service("drivers"), entity_rows=rows)
check("a service", answered.to_dict()["conv_rate"], expected["conv_rate"])

# Errors say what is missing.
try:
    store.get_online_features(features=["nowhere:trips"], entity_rows=rows).to_dict()
    raise AssertionError("a view that the server does not know was answered")
except AssertionError:
    raise
except Exception as error:
    check("the error's view", "nowhere" in str(error), True)

# What the client pushes and writes is read at once, also beside what was there.
at = pd.Timestamp.now(tz="UTC").floor("ms")


def frame_of(driver_id, trips, event):
    return pd.DataFrame(
        {
            "driver_id": [driver_id],
            "conv_rate": [0.25],
            "acc_rate": [math.inf if trips == 8 else 0.5],
            "trips": [trips],
            "name": ["c"],
            "is_new": [False],
            "event_timestamp": [event],
            "created": [event],
        }
    )


def trips_of(driver_id):
    found = store.get_online_features(
        features=["driver_stats:trips"], entity_rows=[{"driver_id": driver_id}]
    )
    return found.to_dict()["trips"]


store.push("stats", frame_of(5, 5, at), to=PushMode.ONLINE)
check("a pushed row", trips_of(5), [5])
store.write_to_online_store("driver_stats", frame_of(6, 6, at))
check("a written row", trips_of(6), [6])
store.write_to_online_store("driver_stats", frame_of(6, 1, at - pd.Timedelta(hours=1)))
check("an older row does not replace a newer one", trips_of(6), [6])

print(f"feast {feast.__version__}: {checks} checks")
