"""Compares the gbdt stage with XGBoost itself.

    xgboost_parity.py trees TRAIN_CSV        train both on the same tables, compare every array
    xgboost_parity.py margins MODEL ROWS     load a stage's model, compare its margins or predictions
    xgboost_parity.py fixtures FOLDER        write the golden files of plugins/gbdt/tests/fixtures

TRAIN_CSV is the built example of plugins/gbdt (`cargo build --release --example train_csv`). MODEL is a
model file; ROWS is a CSV file with the model's features, and with the stage's answers in a column
`margin` or `prediction`, as many digits as bring the float32 back. An empty cell is a missing value.

Needs numpy and xgboost >= 3.2 (the wheel `xgboost-cpu` does). Exits 1 if anything differs.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import xgboost as xgb

LOGISTIC, SQUARED = "binary:logistic", "reg:squarederror"
NODE_ARRAYS = [
    "left_children", "right_children", "parents", "split_indices", "split_conditions", "default_left",
    "base_weights", "sum_hessian", "loss_changes",
]
# Before 3.4 the gain of a split was rounded in other places. It is then stored with other bits, and of
# two splits that are all but equal the other one may be made: in these cases it is.
ROUNDS_GAINS_OTHERWISE = tuple(map(int, xgb.__version__.split(".")[:2])) < (3, 4)
CHOOSES_OTHERWISE = {"missing", "delta"} if ROUNDS_GAINS_OTHERWISE else set()


class Table:
    """Features, labels and perhaps weights. `levels` distinct values a feature; None for continuous."""

    def __init__(self, rows, features, levels, missing=0.0, weighted=False, regression=False, seed=7):
        random = np.random.default_rng(seed)
        shape = (rows, features)
        self.x = random.normal(size=shape) if levels is None else random.integers(0, levels, shape) * 3.5 / levels
        self.x = self.x.astype(np.float32)
        signal = self.x[:, 0] + np.sin(2 * self.x[:, 1]) + self.x[:, 2] * self.x[:, -1] / 3
        signal += random.normal(size=rows)
        self.y = (signal if regression else signal > np.median(signal)).astype(np.float32)
        self.x[random.random(shape) < missing] = np.nan
        self.weights = random.integers(0, 4, rows).astype(np.float32) * np.float32(0.7) if weighted else None
        self.names = [f"f{i}" for i in range(features)]

    def matrix(self):
        return xgb.DMatrix(self.x, self.y, weight=self.weights, feature_names=self.names)

    def write(self, path):
        columns = {"label": self.y}
        if self.weights is not None:
            columns["weight"] = self.weights
        columns |= dict(zip(self.names, self.x.T))
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            for row in zip(*columns.values()):
                writer.writerow("" if np.isnan(value) else np.format_float_positional(value, trim="0") for value in row)


# Name, table, XGBoost's parameters, rounds, validation table. Wherever the trees must be the same, no
# feature has more distinct values than `max_bin`.
CASES = [
    ("dense", Table(3000, 6, 200), {"objective": LOGISTIC}, 20, None),
    ("regression", Table(3000, 6, 200, regression=True), {"objective": SQUARED, "eta": 0.1}, 30, None),
    ("missing", Table(3000, 6, 200, 0.15), {"objective": LOGISTIC, "max_depth": 8, "gamma": 0.3}, 40, None),
    ("missing_regression", Table(3000, 6, 200, 0.15, regression=True), {"objective": SQUARED, "max_depth": 9}, 20, None),
    ("weights", Table(3000, 6, 200, 0.1, weighted=True), {"objective": LOGISTIC}, 20, None),
    ("alpha", Table(3000, 6, 200, 0.1), {"objective": LOGISTIC, "alpha": 1.5, "lambda": 0.1}, 20, None),
    ("delta", Table(3000, 6, 200, 0.1), {"objective": LOGISTIC, "max_delta_step": 0.4, "alpha": 0.3}, 20, None),
    ("unregularized", Table(3000, 6, 200, 0.1), {"objective": LOGISTIC, "lambda": 0, "min_child_weight": 0}, 20, None),
    ("positives", Table(3000, 6, 200, 0.1, weighted=True), {"objective": LOGISTIC, "scale_pos_weight": 3.7}, 20, None),
    ("base_score", Table(3000, 6, 200, 0.1), {"objective": LOGISTIC, "base_score": 0.3, "min_child_weight": 7}, 20, None),
    ("deep", Table(3000, 6, 200, 0.1), {"objective": LOGISTIC, "max_depth": 14, "min_child_weight": 0.1}, 10, None),
    ("no_splits", Table(3000, 6, 200, 0.1), {"objective": LOGISTIC, "gamma": 1e9}, 2, None),
    ("few_rows", Table(5, 6, 200), {"objective": LOGISTIC}, 3, None),
    ("one_hot", Table(4000, 30, 2), {"objective": LOGISTIC}, 30, None),
    ("more_bins", Table(20000, 5, 400, 0.05), {"objective": LOGISTIC, "max_bin": 512}, 20, None),
    ("many_rows", Table(60000, 8, 250, 0.05), {"objective": LOGISTIC}, 60, None),
    (
        "stop_auc", Table(3000, 6, 200, 0.1),
        {"objective": LOGISTIC, "eval_metric": "auc", "early_stopping_rounds": 3}, 60, Table(900, 6, 200, 0.1, seed=8),
    ),
    (
        "stop_logloss", Table(3000, 6, 200, 0.1, weighted=True),
        {"objective": LOGISTIC, "early_stopping_rounds": 3}, 60, Table(900, 6, 200, 0.1, weighted=True, seed=8),
    ),
    (
        "stop_rmse", Table(3000, 6, 200, 0.1, regression=True),
        {"objective": SQUARED, "early_stopping_rounds": 2}, 60, Table(900, 6, 200, 0.1, regression=True, seed=8),
    ),
]

# With more distinct values than bins, cuts are approximate in XGBoost: only the quality is compared.
APPROXIMATE = [
    ("continuous", Table(20000, 6, None, 0.05), {"objective": LOGISTIC}, 50, Table(20000, 6, None, 0.05, seed=8)),
    (
        "continuous_weights", Table(20000, 6, None, 0.05, weighted=True), {"objective": LOGISTIC, "max_bin": 32}, 50,
        Table(20000, 6, None, 0.05, seed=8),
    ),
    (
        "continuous_regression", Table(20000, 6, None, regression=True), {"objective": SQUARED}, 50,
        Table(20000, 6, None, regression=True, seed=8),
    ),
]

FIXTURES = [
    ("logistic_missing", Table(160, 4, 40, 0.15), {"objective": LOGISTIC, "max_depth": 4}, 5, None),
    ("squared_dense", Table(160, 4, 40, regression=True), {"objective": SQUARED, "max_depth": 3}, 4, None),
    (
        "regularized_weighted", Table(200, 4, 50, 0.1, weighted=True),
        {
            "objective": LOGISTIC, "eta": 0.5, "alpha": 0.4, "lambda": 0.2, "gamma": 0.05, "max_delta_step": 0.9,
            "min_child_weight": 0.5, "scale_pos_weight": 2.5, "max_depth": 5,
        }, 5, None,
    ),
]


def train_theirs(table, params, rounds, validation):
    params = dict(params, tree_method="hist", nthread=1)
    patience = params.pop("early_stopping_rounds", None)
    return xgb.train(
        params, table.matrix(), rounds,
        evals=[(validation.matrix(), "validation")] if validation and patience else [],
        callbacks=[xgb.callback.EarlyStopping(patience, save_best=True)] if patience else [],
        verbose_eval=False,
    )


def train_ours(binary, folder, table, params, rounds, validation):
    """The model's path, and margins and predictions of the training rows."""
    (folder / "params.json").write_text(json.dumps(params | {"num_boost_round": rounds}))
    table.write(folder / "rows.csv")
    args = [binary, "train", folder / "params.json", folder / "rows.csv", folder / "model.json"]
    if validation and "early_stopping_rounds" in params:
        validation.write(folder / "validation.csv")
        args.append(folder / "validation.csv")
    subprocess.run(args, check=True, stderr=subprocess.DEVNULL)
    args = [binary, "predict", folder / "model.json", folder / "rows.csv"]
    answers = subprocess.run(args, check=True, capture_output=True, text=True).stdout.split()
    return folder / "model.json", np.array(answers, np.float32).reshape(-1, 2)


def same_bits(a, b):
    return np.array_equal(np.asarray(a, np.float32).view(np.uint32), np.asarray(b, np.float32).view(np.uint32))


def differences(ours, theirs):
    """What differs between two model files, but for what `base_score` is wrapped in and `version`."""
    ours, theirs = (json.loads(text)["learner"] for text in (ours, theirs))
    found = []
    base_scores = [float(model["learner_model_param"]["base_score"].strip("[]")) for model in (ours, theirs)]
    if not same_bits(*[[base_score] for base_score in base_scores]):
        found.append(f"base_score {base_scores}")
    for key in ["attributes", "feature_names"]:
        if ours[key] != theirs[key]:
            found.append(f"{key} {ours[key]} {theirs[key]}")
    scales = [[model["objective"]["reg_loss_param"]["scale_pos_weight"]] for model in (ours, theirs)]
    if ours["objective"]["name"] != theirs["objective"]["name"] or not same_bits(*scales):
        found.append(f"objective {ours['objective']} {theirs['objective']}")
    ours, theirs = (model["gradient_booster"]["model"]["trees"] for model in (ours, theirs))
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} trees instead of {len(theirs)}")
    arrays = NODE_ARRAYS[:-1] if ROUNDS_GAINS_OTHERWISE else NODE_ARRAYS
    for array in arrays:
        trees = [tree for tree, (a, b) in enumerate(zip(ours, theirs)) if not same_bits(a[array], b[array])]
        if trees:
            found.append(f"{array} of {len(trees)} trees, the first {trees[0]}")
    return found


def answers_differ(model, matrix, margins=None, predictions=None):
    """How many rows real XGBoost answers with other bits than the stage did."""
    booster = xgb.Booster(model_file=str(model))
    different = 0
    for answers, output_margin in ((margins, True), (predictions, False)):
        if answers is not None:
            theirs = booster.predict(matrix, output_margin=output_margin)
            different += int((theirs.view(np.uint32) != np.asarray(answers, np.float32).view(np.uint32)).sum())
    return different


def quality(model, table):
    """AUC, or RMSE for regression."""
    answers = xgb.Booster(model_file=str(model)).predict(table.matrix())
    if set(np.unique(table.y)) - {0, 1}:
        return float(np.sqrt(np.mean((answers - table.y) ** 2)))
    _, ranks, counts = np.unique(answers, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[ranks]
    positives = table.y.sum()
    return float((ranks[table.y == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(ranks) - positives)))


def compare_trees(binary):
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, table, params, rounds, validation in CASES + APPROXIMATE:
            booster = train_theirs(table, params, rounds, validation)
            booster.save_model(folder / "theirs.json")
            model, answers = train_ours(binary, folder, table, params, rounds, validation)
            found = []
            different = answers_differ(model, table.matrix(), answers[:, 0], answers[:, 1])
            if different:
                found.append(f"{different} answers of our model in XGBoost")
            if (name, table, params, rounds, validation) in APPROXIMATE:
                ours, theirs = quality(model, validation), quality(folder / "theirs.json", validation)
                if abs(ours - theirs) > 0.003:
                    found.append(f"quality {ours:.5f} instead of {theirs:.5f}")
            elif name not in CHOOSES_OTHERWISE:
                found += differences(model.read_text(), (folder / "theirs.json").read_text())
            print(f"{name}: {'; '.join(found) or 'the same'}", flush=True)
            failed |= bool(found)
    return failed


def compare_margins(model, rows):
    with open(rows, newline="") as file:
        header, *lines = csv.reader(file)
    columns = dict(zip(header, zip(*lines)))
    number = lambda name: np.array([value or "nan" for value in columns[name]], np.float32)
    names = xgb.Booster(model_file=str(model)).feature_names or [
        name for name in header if name not in ("margin", "prediction", "label", "weight")
    ]
    matrix = xgb.DMatrix(np.stack([number(name) for name in names], axis=1), feature_names=names)
    answers = {f"{kind}s": number(kind) for kind in ("margin", "prediction") if kind in columns}
    if not answers:
        sys.exit(f"{rows} has neither a column `margin` nor `prediction`")
    different = answers_differ(model, matrix, **answers)
    print(f"xgboost {xgb.__version__}: {different} of {len(lines)} rows differ in {' or '.join(answers)}")
    return different > 0


def write_fixtures(folder):
    for name, table, params, rounds, _ in FIXTURES:
        booster = train_theirs(table, params, rounds, None)
        booster.save_model(folder / f"{name}.model.json")
        table.write(folder / f"{name}.csv")
        (folder / f"{name}.params.json").write_text(json.dumps(params | {"num_boost_round": rounds}) + "\n")
        margins = booster.predict(table.matrix(), output_margin=True)
        lines = [np.format_float_scientific(margin) for margin in margins]
        (folder / f"{name}.margins.txt").write_text("\n".join(lines) + "\n")
    return False


def main():
    match sys.argv[1:]:
        case ["trees", binary]:
            return compare_trees(Path(binary).resolve())
        case ["margins", model, rows]:
            return compare_margins(model, rows)
        case ["fixtures", folder]:
            return write_fixtures(Path(folder))
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
