"""Trains XGBoost on a matrix of plain float32 and predicts with it: FOLDER WIDTH ROUNDS PARAMS.

Prints the seconds of making the bins and training; the predictions go to FOLDER/predictions.
"""

import json
import sys
import time

import numpy
import xgboost

folder, width, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
params = json.loads(sys.argv[4])


def read(name):
    return numpy.fromfile(f"{folder}/{name}", dtype="<f4")


features, labels = read("train.features").reshape(-1, width), read("train.labels")
test = xgboost.DMatrix(read("test.features").reshape(-1, width), nthread=params["nthread"])
start = time.perf_counter()
train = xgboost.QuantileDMatrix(features, labels, nthread=params["nthread"])
model = xgboost.train(params, train, rounds)
seconds = time.perf_counter() - start
model.predict(test).astype("<f4").tofile(f"{folder}/predictions")
print(json.dumps({"seconds": seconds, "version": xgboost.__version__}))
