"""Preprocesses the flights with scikit-learn as the example's stage `features` does: FOLDER.

Learns from FOLDER/train.arrow and applies it to the same rows. Prints the seconds of both; the features go to
FOLDER/features as plain float32. Texts are Python objects: of what pandas offers, scikit-learn's encoders
are fastest with these.
"""

import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pyarrow
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

AS_THEY_ARE = ["dep_delay", "distance", "sched_dep_time", "sched_arr_time"]
WEATHER = ["temp", "humid", "wind_speed", "precip", "visib"]
PLANE = ["plane_year", "plane_seats"]


def weekday(columns):
    return columns.apply(lambda column: column.dt.weekday)


def preprocessor():
    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": np.nan}
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return ColumnTransformer([
        ("as they are", "passthrough", AS_THEY_ARE),
        ("weekday", FunctionTransformer(weekday), ["time_hour"]),
        ("weather", SimpleImputer(strategy="median"), WEATHER),
        ("plane", "passthrough", PLANE),
        ("dest", OrdinalEncoder(**unknown), ["dest"]),
        ("one-hot", one_hot, ["carrier", "origin"]),
    ])


def read(path):
    with pyarrow.memory_map(path) as source:
        frame = pyarrow.ipc.open_file(source).read_all().to_pandas()
    # The example's clock is five hours behind UTC.
    frame["time_hour"] = frame["time_hour"].dt.tz_convert("Etc/GMT+5")
    for name in ["dest", "carrier", "origin"]:
        frame[name] = frame[name].astype(object)
    return frame


def timed(call):
    start = time.perf_counter()
    answer = call()
    return answer, time.perf_counter() - start


folder = sys.argv[1]
train = read(f"{folder}/train.arrow")
fitted, fit = timed(lambda: preprocessor().fit(train))
features, transform = timed(lambda: fitted.transform(train).astype(np.float32))
features.tofile(f"{folder}/features")
print(json.dumps({"fit": fit, "transform": transform, "version": sklearn.__version__}))
