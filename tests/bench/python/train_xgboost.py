"""Trains XGBoost on a matrix of plain float32 and predicts with it: FOLDER WIDTH ROUNDS PARAMS.

Prints the seconds of making the bins and training, and of predicting from the plain matrix at best; the
predictions go to FOLDER/predictions.
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
test = read("test.features").reshape(-1, width)
start = time.perf_counter()
train = xgboost.QuantileDMatrix(features, labels, nthread=params["nthread"])
model = xgboost.train(params, train, rounds)
seconds = time.perf_counter() - start
model.set_param({"nthread": params["nthread"]})
predicting = []
for _ in range(5):
    start = time.perf_counter()
    predictions = model.inplace_predict(test)
    predicting.append(time.perf_counter() - start)
predictions.astype("<f4").tofile(f"{folder}/predictions")
answer = {"seconds": seconds, "predicting": min(predicting), "version": xgboost.__version__}
print(json.dumps(answer))
