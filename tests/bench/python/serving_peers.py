"""The flights package as Python serves it: ONNX Runtime, and scikit-learn with XGBoost.

    serving_peers.py prepare FOLDER
    serving_peers.py rounds FOLDER
    serving_peers.py serve FOLDER onnx|sklearn PORT

FOLDER holds `train.arrow`, the training rows with the plane's columns, `planes.csv`, `model.json`, the
package's own model, and `rows.json`, requests with the answers of the package. `prepare` learns the
preprocessing and writes the peers' files. `rounds` reads `NAME COUNT` from its standard input, line by line, and
answers with the nanoseconds of so many calls; every answer is compared with the package's. Both peers look the
plane up in a dictionary and the weekday in Python, which is not timed in process.
"""

import csv
import json
import os
import pickle
import sys
import time
from datetime import datetime, timedelta, timezone

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

# What a row has, in the order of the model's features.
NUMBERS = [
    "dep_delay", "distance", "sched_dep_time", "sched_arr_time", "weekday",
    "temp", "humid", "wind_speed", "precip", "visib", "plane_year", "plane_seats",
]
IMPUTED = ["temp", "humid", "wind_speed", "precip", "visib"]
TEXTS = ["dest", "carrier", "origin"]
# The example's clock is five hours behind UTC.
ZONE = timezone(timedelta(hours=-5))
# How far a float32 may be from the package's: conversion to ONNX rounds otherwise.
TOLERANCE = 1e-5


def read_planes(folder):
    with open(f"{folder}/planes.csv", newline="") as file:
        rows = csv.DictReader(file)
        return {row["tailnum"]: (number(row["year"]), number(row["seats"])) for row in rows}


def number(text):
    return float(text) if text not in ("", "NA", None) else float("nan")


class Rows:
    """Requests as JSON has them, to what the models take."""

    def __init__(self, folder):
        self.planes = read_planes(folder)

    def values(self, record):
        nan = float("nan")
        plane = self.planes.get(record["tailnum"], (nan, nan))
        given = dict(record, plane_year=plane[0], plane_seats=plane[1])
        hour = datetime.fromisoformat(record["time_hour"].replace("Z", "+00:00"))
        given["weekday"] = hour.astimezone(ZONE).weekday()
        numbers = [nan if given[name] is None else given[name] for name in NUMBERS]
        return numbers, [given[name] for name in TEXTS]


class Onnx:
    """Transform and model as one graph, on one thread."""

    def __init__(self, folder, file="both.onnx"):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            f"{folder}/{file}", options, providers=["CPUExecutionProvider"]
        )

    def inputs(self, values):
        numbers, texts = values
        return {
            "numbers": np.array([numbers], dtype=np.float32),
            "texts": np.array([texts], dtype=object),
        }

    def predict(self, inputs):
        return self.session.run(["probabilities"], inputs)[0][0, 1]


class Sklearn:
    """The fitted transformer on a data frame, then XGBoost's own quickest prediction."""

    def __init__(self, folder):
        import pandas
        import xgboost

        self.pandas = pandas
        with open(f"{folder}/transform.pickle", "rb") as file:
            self.transform = pickle.load(file)
        self.model = xgboost.Booster(model_file=f"{folder}/model.json")
        self.model.set_param({"nthread": 1})

    def inputs(self, values):
        numbers, texts = values
        frame = self.pandas.DataFrame([numbers + texts], columns=NUMBERS + TEXTS)
        return frame.astype({name: object for name in TEXTS})

    def predict(self, inputs):
        features = self.transform.transform(inputs).astype(np.float32)
        return self.model.inplace_predict(features)[0]


def transformer():
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": np.nan}
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    place = {name: index for index, name in enumerate(NUMBERS + TEXTS)}
    places = lambda names: [place[name] for name in names]
    return ColumnTransformer([
        ("as they are", "passthrough", places(NUMBERS[:5])),
        ("weather", SimpleImputer(strategy="median"), places(IMPUTED)),
        ("plane", "passthrough", places(NUMBERS[-2:])),
        ("dest", OrdinalEncoder(**unknown), places(["dest"])),
        ("one-hot", one_hot, places(["carrier", "origin"])),
    ])


def prepare(folder):
    import pyarrow
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import convert_sklearn, update_registered_converter
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from sklearn.pipeline import Pipeline
    from xgboost import XGBClassifier

    with pyarrow.memory_map(f"{folder}/train.arrow") as source:
        frame = pyarrow.ipc.open_file(source).read_all().to_pandas()
    frame["weekday"] = frame["time_hour"].dt.tz_convert("Etc/GMT+5").dt.weekday
    frame = frame[NUMBERS + TEXTS].astype({name: object for name in TEXTS})
    fitted = transformer().fit(frame)
    with open(f"{folder}/transform.pickle", "wb") as file:
        pickle.dump(fitted, file)
    model = XGBClassifier()
    model.load_model(f"{folder}/model.json")
    # The converter asks for names that a model of plain columns does not have.
    model.get_booster().feature_names = None
    update_registered_converter(
        XGBClassifier,
        "XGBoostXGBClassifier",
        calculate_linear_classifier_output_shapes,
        convert_xgboost,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    width = fitted.transform(frame.head(1)).shape[1]
    both = Pipeline([("transform", fitted), ("model", model)])
    tensors = [
        ("numbers", FloatTensorType([None, len(NUMBERS)])),
        ("texts", StringTensorType([None, len(TEXTS)])),
    ]
    plain = [("features", FloatTensorType([None, width]))]
    opsets = {"": 18, "ai.onnx.ml": 3}
    for name, converted, inputs in [("both", both, tensors), ("model", model, plain)]:
        graph = convert_sklearn(
            converted, name, inputs, target_opset=opsets, options={id(model): {"zipmap": False}}
        )
        with open(f"{folder}/{name}.onnx", "wb") as file:
            file.write(graph.SerializeToString())


def rounds(folder):
    with open(f"{folder}/rows.json") as file:
        asked = json.load(file)
    rows = Rows(folder)
    values = [rows.values(record) for record in asked["records"]]
    expected = asked["expected"]
    onnx, sklearn, model = Onnx(folder), Sklearn(folder), Onnx(folder, "model.onnx")
    calls = {
        "onnx": (onnx.predict, [onnx.inputs(row) for row in values]),
        "sklearn": (sklearn.predict, [sklearn.inputs(row) for row in values]),
    }
    # The model alone is given the features that scikit-learn makes.
    features = [sklearn.transform.transform(row).astype(np.float32) for row in calls["sklearn"][1]]
    calls["onnx-model"] = (model.predict, [{"features": row} for row in features])
    print(json.dumps(versions()), flush=True)
    turn = 0
    for line in sys.stdin:
        name, count = line.split()
        predict, inputs = calls[name]
        took = []
        for _ in range(int(count)):
            row = turn % len(inputs)
            turn += 1
            start = time.perf_counter_ns()
            answer = predict(inputs[row])
            took.append(time.perf_counter_ns() - start)
            apart = abs(float(answer) - expected[row])
            assert apart <= TOLERANCE, f"{name}, row {row}: {answer}, not {expected[row]}"
        print(json.dumps(took), flush=True)


def versions():
    from importlib.metadata import version

    names = ["onnxruntime", "skl2onnx", "scikit-learn", "xgboost-cpu", "fastapi", "uvicorn"]
    return {name: version(name) for name in names}


def serve(folder, peer, port):
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel, ConfigDict, create_model

    rows = Rows(folder)
    model = {"onnx": Onnx, "sklearn": Sklearn}[peer](folder)
    app = FastAPI()

    # Names and types are checked, as ours are; the instant is parsed where the weekday is taken from it.
    def kind(name):
        return str if name in [*TEXTS, "tailnum", "time_hour"] else float

    with open(f"{folder}/rows.json") as file:
        columns = json.load(file)["records"][0]
    fields = {name: (kind(name) | None, ...) for name in columns}
    Record = create_model("Record", __config__=ConfigDict(extra="forbid"), **fields)

    class Body(BaseModel):
        model_config = ConfigDict(extra="forbid")
        records: list[Record]

    @app.post("/v1/predict")
    async def predict(body: Body):
        values = [rows.values(record.__dict__) for record in body.records]
        answers = [float(model.predict(model.inputs(row))) for row in values]
        return {"records": [{"prediction": answer} for answer in answers]}

    uvicorn.run(
        app, host="127.0.0.1", port=int(port), loop="uvloop", http="httptools",
        log_level="warning", access_log=False,
    )


if __name__ == "__main__":
    {"prepare": prepare, "rounds": rounds, "serve": serve}[sys.argv[1]](*sys.argv[2:])
