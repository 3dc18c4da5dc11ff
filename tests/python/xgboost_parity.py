"""Compares the gbdt stage with XGBoost itself.

    xgboost_parity.py trees TRAIN_CSV        train both on the same tables, compare every array
    xgboost_parity.py quality TRAIN_CSV      train both on scikit-learn's data sets, compare how good they are
    xgboost_parity.py rankings TRAIN_CSV     train both to rank by pairs that are drawn, compare the NDCG
    xgboost_parity.py margins MODEL ROWS     load a stage's model, compare its margins or predictions
    xgboost_parity.py sagemaker ARCHIVE ROWS the same with a `model.tar.gz`, loaded as SageMaker's XGBoost image does
    xgboost_parity.py answers TRAIN_CSV      as `trees`, but only how each reads the other's models
    xgboost_parity.py fixtures FOLDER        write the golden files of plugins/gbdt/tests/fixtures
    xgboost_parity.py version FILE           write that of this version in plugins/gbdt/tests/versions

TRAIN_CSV is the built example of plugins/gbdt (`cargo build --release --example train_csv`). MODEL is a
model file; ROWS is a CSV file with the model's features, and with the stage's answers in a column
`margin` or `prediction`, as many digits as bring the float32 back. An empty cell is a missing value.

`trees` also loads XGBoost's models, JSON and binary, in TRAIN_CSV and TRAIN_CSV's in XGBoost:
margins and predictions must be equal to the bit, contributions to 1e-4 of the largest margin.

Needs numpy and xgboost >= 3.2 (the wheel `xgboost-cpu` does); `answers` and `version` run with 1.7 and
later as well, `quality` and `rankings` need scikit-learn and pandas. Exits 1 if anything differs.
"""

import csv
import json
import pickle
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import xgboost as xgb

LOGISTIC, SQUARED = "binary:logistic", "reg:squarederror"
NODE_ARRAYS = [
    "left_children", "right_children", "parents", "split_indices", "split_conditions", "default_left",
    "base_weights", "sum_hessian", "split_type", "categories", "categories_nodes", "categories_segments",
    "categories_sizes", "loss_changes",
]
# Before 3.4 the gain of a split was rounded in other places: it is stored with other bits, and of two splits
# whose gains are the same but for rounding the other one may be made. Then the trees before it must be equal, and the
# gains at the first node that differs as close as rounding leaves them: so many float32 units in the last place of
# what the gain is the difference of. All that comes after follows from that choice.
ROUNDS_GAINS_OTHERWISE = tuple(map(int, xgb.__version__.split(".")[:2])) < (3, 4)
ULPS_OF_A_GAIN = 4
# In how many cases that may happen; the others must be equal throughout.
MOST_CHOICES = 4 if ROUNDS_GAINS_OTHERWISE else 0
# Two definitions were others before 3.4 as well: whatever has less than `min_child_weight` got the value 0, also the
# root of a tree, and each category where categories are put in order; and where `max_delta_step` limits a leaf, its
# gain counted `alpha` in another way. Cases in which that shows are varied so that it does not; as they stand here,
# 3.4.1's own trees are in plugins/gbdt/tests/fixtures (`regularized_weighted`, `categories`).
BEFORE_3_4 = {
    "classes_empty": {"min_child_weight": 0}, "categories_missing": {"min_child_weight": 0},
    "categories_classes": {"min_child_weight": 0}, "delta": {"alpha": 0},
}


POISSON, GAMMA, TWEEDIE = "count:poisson", "reg:gamma", "reg:tweedie"
SOFTPROB, NDCG = "multi:softprob", "rank:ndcg"


class Table:
    """Features, labels, perhaps weights and groups, and which features are categories."""

    def __init__(self, x, y, weights=None, groups=None, categorical=()):
        self.x, self.y = x.astype(np.float32), y.astype(np.float32)
        self.weights, self.groups = weights, groups
        self.names = [f"f{i}" for i in range(x.shape[1])]
        self.categorical = [self.names[feature] for feature in categorical]

    @classmethod
    def made(cls, rows, features, levels, objective=LOGISTIC, missing=0.0, weighted=False, categories=(), common=0.0, seed=7):
        """`levels` distinct values a feature; None for continuous; `categories` are counts of the first features;
        `common` is the share of rows that have the same value of a feature."""
        random = np.random.default_rng(seed)
        shape = (rows, features)
        x = random.normal(size=shape) if levels is None else random.integers(0, levels, shape) * 3.5 / levels
        x = x.astype(np.float32)
        if common:
            x[random.random(shape) < common] = 0
        signal = x[:, 0] + np.sin(2 * x[:, 1]) + x[:, 2] * x[:, -1] / 3
        for feature, count in enumerate(categories):
            x[:, feature] = random.integers(0, count, rows)
            effects = np.random.default_rng(feature).normal(size=count)
            signal += 1.5 * effects[x[:, feature].astype(int)]
        signal += random.normal(size=rows)
        y = cls.label(objective, signal, random)
        x[random.random(shape) < missing] = np.nan
        weights = random.integers(0, 4, rows).astype(np.float32) * np.float32(0.7) if weighted else None
        groups = None
        if objective == NDCG:
            groups = np.sort(random.integers(0, max(2, rows // 25), rows))
            _, groups = np.unique(groups, return_inverse=True)
            if weighted:
                weights = (1 + np.arange(groups.max() + 1) % 3).astype(np.float32)[groups] * np.float32(0.7)
        return cls(x, y, weights, groups, range(len(categories)))

    @staticmethod
    def label(objective, signal, random):
        if objective == LOGISTIC:
            return signal > np.median(signal)
        if objective == SQUARED:
            return signal
        if objective == SOFTPROB:
            return np.digitize(signal, np.quantile(signal, [0.3, 0.55, 0.9]))
        if objective == NDCG:
            return np.digitize(signal, np.quantile(signal, [0.5, 0.7, 0.9]))
        mean = np.exp((signal - signal.mean()) / 3)
        if objective == POISSON:
            return random.poisson(2 * mean)
        amounts = random.gamma(2, mean) + 0.01
        return amounts if objective == GAMMA else np.where(random.random(len(signal)) < 0.4, 0, amounts)

    def matrix(self):
        types = ["c" if name in self.categorical else "q" for name in self.names] if self.categorical else None
        # Versions before 3.0 ask for it.
        enable = {"enable_categorical": True} if types else {}
        matrix = xgb.DMatrix(self.x, self.y, feature_names=self.names, feature_types=types, nthread=1, **enable)
        if self.groups is not None:
            matrix.set_info(qid=self.groups)
        if self.weights is not None:
            # XGBoost takes one weight a group.
            first = slice(None) if self.groups is None else np.unique(self.groups, return_index=True)[1]
            matrix.set_info(weight=self.weights[first])
        return matrix

    def write(self, path):
        columns = {"label": self.y}
        if self.weights is not None:
            columns["weight"] = self.weights
        if self.groups is not None:
            columns["group"] = self.groups.astype(np.float32)
        columns |= dict(zip(self.names, self.x.T))
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            for row in zip(*columns.values()):
                writer.writerow("" if np.isnan(value) else np.format_float_positional(value, trim="0") for value in row)


def case(name, params, rounds, *shape, validated=False, **made):
    """Name, table, XGBoost's parameters, rounds, validation table."""
    objective = params["objective"]
    table = Table.made(*shape, objective=objective, **made)
    validation = Table.made(900, *shape[1:], objective=objective, **{**made, "seed": 8}) if validated else None
    if objective == SOFTPROB:
        params = {"num_class": 4} | params
    return name, table, params, rounds, validation


SMALL = (3000, 6, 200)
# Wherever the trees must be the same, no feature has more distinct values than `max_bin`.
CASES = [
    case("dense", {"objective": LOGISTIC}, 20, *SMALL),
    case("regression", {"objective": SQUARED, "eta": 0.1}, 30, *SMALL),
    case("missing", {"objective": LOGISTIC, "max_depth": 8, "gamma": 0.3}, 40, *SMALL, missing=0.15),
    case("missing_regression", {"objective": SQUARED, "max_depth": 9}, 20, *SMALL, missing=0.15),
    case("weights", {"objective": LOGISTIC}, 20, *SMALL, missing=0.1, weighted=True),
    case("alpha", {"objective": LOGISTIC, "alpha": 1.5, "lambda": 0.1}, 20, *SMALL, missing=0.1),
    case("delta", {"objective": LOGISTIC, "max_delta_step": 0.4, "alpha": 0.3}, 20, *SMALL, missing=0.1),
    case("unregularized", {"objective": LOGISTIC, "lambda": 0, "min_child_weight": 0}, 20, *SMALL, missing=0.1),
    case("positives", {"objective": LOGISTIC, "scale_pos_weight": 3.7}, 20, *SMALL, missing=0.1, weighted=True),
    case("base_score", {"objective": LOGISTIC, "base_score": 0.3, "min_child_weight": 7}, 20, *SMALL, missing=0.1),
    case("deep", {"objective": LOGISTIC, "max_depth": 14, "min_child_weight": 0.1}, 10, *SMALL, missing=0.1),
    case("no_splits", {"objective": LOGISTIC, "gamma": 1e9}, 2, *SMALL, missing=0.1),
    case("few_rows", {"objective": LOGISTIC}, 3, 5, 6, 200),
    case("one_hot", {"objective": LOGISTIC}, 30, 4000, 30, 2),
    case("common", {"objective": LOGISTIC, "eta": 0.1}, 60, 4000, 24, 200, common=0.85, missing=0.02),
    case("common_regression", {"objective": SQUARED}, 20, 4000, 24, 200, common=0.85),
    case("common_classes", {"objective": SOFTPROB}, 10, 4000, 24, 50, common=0.85, weighted=True),
    case("more_bins", {"objective": LOGISTIC, "max_bin": 512}, 20, 20000, 5, 400, missing=0.05),
    case("many_rows", {"objective": LOGISTIC}, 60, 60000, 8, 250, missing=0.05),
    case("counts", {"objective": POISSON}, 20, *SMALL, missing=0.1),
    case("counts_weights", {"objective": POISSON, "max_delta_step": 0.5}, 20, *SMALL, weighted=True),
    case("amounts", {"objective": GAMMA}, 20, *SMALL, missing=0.1),
    case("amounts_weights", {"objective": GAMMA}, 20, *SMALL, weighted=True),
    case("zeros", {"objective": TWEEDIE, "tweedie_variance_power": 1.3}, 20, *SMALL, missing=0.1),
    case("zeros_weights", {"objective": TWEEDIE}, 20, *SMALL, weighted=True),
    case("classes", {"objective": SOFTPROB}, 10, *SMALL, missing=0.1),
    case("classes_weights", {"objective": SOFTPROB, "max_depth": 3}, 10, *SMALL, weighted=True),
    case("classes_empty", {"objective": SOFTPROB, "num_class": 6}, 5, *SMALL),
    # Some values are only in rows of weight 0.
    case("classes_few_rows", {"objective": SOFTPROB, "max_depth": 3}, 10, 160, 4, 40, missing=0.1, weighted=True),
    case("classes_base_score", {"objective": SOFTPROB, "base_score": 0.5}, 10, *SMALL),
    case("ranking", {"objective": NDCG}, 20, *SMALL, missing=0.1),
    case("ranking_weights", {"objective": NDCG, "max_depth": 3}, 20, *SMALL, weighted=True),
    case(
        "ranking_options",
        {
            "objective": NDCG, "lambdarank_num_pair_per_sample": 4, "lambdarank_normalization": False,
            "ndcg_exp_gain": False, "lambdarank_score_normalization": False,
        }, 20, *SMALL,
    ),
    case("categories_one_hot", {"objective": LOGISTIC, "max_cat_to_onehot": 20}, 20, *SMALL, categories=[3, 12]),
    case("categories_sets", {"objective": SQUARED}, 20, *SMALL, categories=[3, 12, 40]),
    case("categories_missing", {"objective": LOGISTIC, "max_cat_threshold": 7}, 20, *SMALL, categories=[3, 12, 40], missing=0.1),
    case("categories_classes", {"objective": SOFTPROB}, 10, *SMALL, categories=[3, 12], missing=0.1),
    case("loss_guided", {"objective": SQUARED, "grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0}, 20, *SMALL, missing=0.1),
    case("loss_guided_deep", {"objective": LOGISTIC, "grow_policy": "lossguide"}, 20, *SMALL, missing=0.1),
    case("few_leaves", {"objective": LOGISTIC, "max_leaves": 11}, 20, *SMALL, missing=0.1),
    case("monotone", {"objective": SQUARED, "monotone_constraints": {"f0": 1, "f1": -1, "f3": 1}}, 20, *SMALL, missing=0.1),
    case("monotone_logistic", {"objective": LOGISTIC, "monotone_constraints": {"f0": -1}, "max_delta_step": 0.6}, 20, *SMALL),
    case("interactions", {"objective": SQUARED, "interaction_constraints": [["f0", "f1"], ["f1", "f2", "f3"]]}, 20, *SMALL, missing=0.1),
    case("stop_auc", {"objective": LOGISTIC, "eval_metric": "auc", "early_stopping_rounds": 3}, 60, *SMALL, missing=0.1, validated=True),
    case("stop_logloss", {"objective": LOGISTIC, "early_stopping_rounds": 3}, 60, *SMALL, missing=0.1, weighted=True, validated=True),
    case("stop_rmse", {"objective": SQUARED, "early_stopping_rounds": 2}, 60, *SMALL, missing=0.1, validated=True),
    case("stop_classes", {"objective": SOFTPROB, "early_stopping_rounds": 2}, 60, *SMALL, missing=0.1, validated=True),
    case("stop_ranking", {"objective": NDCG, "early_stopping_rounds": 2, "eval_metric": "ndcg@5"}, 60, *SMALL, validated=True),
    case("stop_counts", {"objective": POISSON, "early_stopping_rounds": 2}, 60, *SMALL, validated=True),
    case("stop_amounts", {"objective": GAMMA, "early_stopping_rounds": 2}, 60, *SMALL, validated=True),
    case("stop_zeros", {"objective": TWEEDIE, "early_stopping_rounds": 2}, 60, *SMALL, validated=True),
]

FIXTURES = [
    case("logistic_missing", {"objective": LOGISTIC, "max_depth": 4}, 5, 160, 4, 40, missing=0.15),
    case("squared_dense", {"objective": SQUARED, "max_depth": 3}, 4, 160, 4, 40),
    case(
        "regularized_weighted",
        {
            "objective": LOGISTIC, "eta": 0.5, "alpha": 0.4, "lambda": 0.2, "gamma": 0.05, "max_delta_step": 0.9,
            "min_child_weight": 0.5, "scale_pos_weight": 2.5, "max_depth": 5,
        }, 5, 200, 4, 50, missing=0.1, weighted=True,
    ),
    case("classes", {"objective": SOFTPROB, "max_depth": 3}, 3, 160, 4, 40, missing=0.1, weighted=True),
    case("counts", {"objective": POISSON, "max_depth": 3}, 4, 160, 4, 40, missing=0.1),
    case("amounts", {"objective": GAMMA, "max_depth": 3}, 4, 160, 4, 40, weighted=True),
    case("zeros", {"objective": TWEEDIE, "max_depth": 3, "tweedie_variance_power": 1.3}, 4, 160, 4, 40),
    case("ranking", {"objective": NDCG, "max_depth": 3}, 4, 160, 4, 40, missing=0.1, weighted=True),
    case("categories", {"objective": SQUARED, "max_depth": 4}, 4, 200, 4, 40, categories=[3, 9], missing=0.1),
    case("loss_guided", {"objective": LOGISTIC, "grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0}, 4, 160, 4, 40),
    case(
        "constrained",
        {
            "objective": SQUARED, "monotone_constraints": {"f0": 1, "f1": -1}, "max_leaves": 12,
            "interaction_constraints": [["f0", "f1"], ["f1", "f2", "f3"]],
        }, 4, 160, 4, 40, missing=0.1,
    ),
]


def train_theirs(table, params, rounds, validation):
    params = dict(params, tree_method="hist", nthread=1)
    patience = params.pop("early_stopping_rounds", None)
    return xgb.train(
        params, table.matrix(), num_boost_round=rounds,
        evals=[(validation.matrix(), "validation")] if validation and patience else [],
        callbacks=[xgb.callback.EarlyStopping(rounds=patience, save_best=True)] if patience else [],
        verbose_eval=False,
    )


def train_ours(binary, folder, table, params, rounds, validation):
    """The model's path."""
    given = params | {"num_boost_round": rounds}
    if table.categorical:
        given["categorical"] = table.categorical
    (folder / "params.json").write_text(json.dumps(given))
    table.write(folder / "rows.csv")
    args = [binary, "train", folder / "params.json", folder / "rows.csv", folder / "model.json"]
    if validation and "early_stopping_rounds" in params:
        validation.write(folder / "validation.csv")
        args.append(folder / "validation.csv")
    run(*args)
    return folder / "model.json"


def run(*args):
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}: {done.stderr}")
    return np.array([line.split() for line in done.stdout.splitlines()], np.float32)


def answers_differ_both_ways(binary, folder, booster, ours, table):
    """What differs in margins, predictions and contributions of XGBoost's model here, and of ours there."""
    found = []
    matrix = table.matrix()
    few = Table(table.x[:100], table.y[:100], categorical=[table.names.index(name) for name in table.categorical])
    few.write(folder / "few.csv")
    for form in ("json", "ubj"):
        theirs = folder / f"theirs.{form}"
        booster.save_model(theirs)
        converted = folder / f"converted.{form}"
        run(binary, "convert", ours, converted)
        for what, path, model in (
            (f"XGBoost's {form} here", theirs, booster),
            (f"our {form} in XGBoost", ours if form == "json" else converted, None),
        ):
            model = model or xgb.Booster(model_file=str(path))
            answers = run(binary, "predict", path, folder / "rows.csv")
            margins, predictions = np.split(answers, 2, axis=1)
            for kind, mine, output_margin in (("margins", margins, True), ("predictions", predictions, False)):
                other = model.predict(matrix, output_margin=output_margin).reshape(mine.shape)
                if not same_bits(mine, other):
                    found.append(f"{int((bits(mine) != bits(other)).sum())} {kind} of {what}")
    contributions = run(binary, "explain", ours, folder / "few.csv")
    model = xgb.Booster(model_file=str(folder / "converted.json"))
    other = model.predict(few.matrix(), pred_contribs=True).reshape(contributions.shape)
    error, largest = float(np.abs(other - contributions).max()), float(np.abs(margins).max())
    if not error <= 1e-4 * largest:
        found.append(f"contributions by {error:.1e}, where the largest margin is {largest:.1e}")
    return found


def bits(a):
    return np.ascontiguousarray(a, np.float32).view(np.uint32)


def same_bits(a, b):
    return np.array_equal(bits(a), bits(b))


def same_attributes(ours, theirs):
    """The best score is a mean of logarithms in several metrics, which no two libraries round alike."""
    best = [float(attributes.pop("best_score", "0")) for attributes in (ours, theirs)]
    return ours == theirs and abs(best[0] - best[1]) <= 1e-6 * abs(best[1])


def differences(ours, theirs):
    """What differs between two model files, but for what `base_score` is wrapped in and `version`."""
    ours, theirs = (json.loads(text)["learner"] for text in (ours, theirs))
    # Only versions before 2.0 know it.
    ours["objective"].pop("lambda_rank_param", None)
    found = []
    scores = [model["learner_model_param"]["base_score"].strip("[]").split(",") for model in (ours, theirs)]
    if len(scores[0]) == 1:
        # One number stands for all that are equal.
        scores[0] *= len(scores[1])
    if not same_bits(*scores):
        found.append(f"base_score {scores}")
    for key in ["attributes", "feature_names", "feature_types", "objective"]:
        if ours[key] != theirs[key] and not (key == "attributes" and same_attributes(ours[key], theirs[key])):
            found.append(f"{key} {ours[key]} {theirs[key]}")
    for key in ["iteration_indptr", "tree_info"]:
        if ours["gradient_booster"]["model"][key] != theirs["gradient_booster"]["model"][key]:
            found.append(key)
    ours, theirs = (model["gradient_booster"]["model"]["trees"] for model in (ours, theirs))
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} trees instead of {len(theirs)}")
    arrays = NODE_ARRAYS[:-1] if ROUNDS_GAINS_OTHERWISE else NODE_ARRAYS
    for array in arrays:
        trees = [tree for tree, (a, b) in enumerate(zip(ours, theirs)) if not same_bits(a[array], b[array])]
        if trees:
            found.append(f"{array} of {len(trees)} trees, the first {trees[0]}")
    return found


def first_choice(ours, theirs, params):
    """Where two models part: the tree, the node, its two gains, and how far these may be apart for rounding alone.

    None if there is no such node, or one that is not parted by gains.
    """
    ours, theirs = (json.loads(text)["learner"]["gradient_booster"]["model"]["trees"] for text in (ours, theirs))
    for tree, (a, b) in enumerate(zip(ours, theirs)):
        nodes = [(0, 0)]
        while nodes:
            i, j = nodes.pop(0)
            if split_of(a, i) != split_of(b, j):
                if a["left_children"][i] == b["left_children"][j] == -1:
                    return None
                # What a node gains is the difference of what its children are worth and what it is worth itself.
                eta, lambda_ = params.get("eta", 0.3), params.get("lambda", 1.0)
                worth = (a["base_weights"][i] / eta) ** 2 * (a["sum_hessian"][i] + lambda_)
                gains = a["loss_changes"][i], b["loss_changes"][j]
                return tree, i, gains, ULPS_OF_A_GAIN * 2.0**-23 * (worth + max(gains))
            if a["left_children"][i] != -1:
                nodes.append((a["left_children"][i], b["left_children"][j]))
                nodes.append((a["right_children"][i], b["right_children"][j]))
        if any(not same_bits(a[array], b[array]) for array in NODE_ARRAYS[:-1]):
            return None
    return None


def split_of(tree, node):
    """What is asked at a node; a leaf's value, if it is one."""
    condition = bits(np.array([tree["split_conditions"][node]]))[0]
    if tree["left_children"][node] == -1:
        return "leaf", condition
    categories = []
    if node in tree["categories_nodes"]:
        at = tree["categories_nodes"].index(node)
        start = tree["categories_segments"][at]
        categories = tree["categories"][start : start + tree["categories_sizes"][at]]
    return tree["split_indices"][node], condition, tree["default_left"][node], categories


def explained(found, ours, theirs, params):
    """What differs and is no choice between gains that rounding alone tells apart; and a word about that choice."""
    choice = first_choice(ours, theirs, params) if found and ROUNDS_GAINS_OTHERWISE else None
    if choice is None:
        return found, ""
    tree, node, gains, least = choice
    apart = f"gains {gains[0]!r} and {gains[1]!r} at node {node} of tree {tree}"
    if abs(gains[0] - gains[1]) > least:
        return [*found, f"{apart} are further apart than {least:.1e}"], ""
    return [], f"the same until {apart}"


def answers_differ(model, matrix, margins=None, predictions=None):
    """How many rows real XGBoost answers with other bits than the stage did."""
    booster = xgb.Booster(model_file=str(model))
    different = 0
    for answers, output_margin in ((margins, True), (predictions, False)):
        if answers is not None:
            theirs = booster.predict(matrix, output_margin=output_margin)
            different += int((theirs.view(np.uint32) != np.asarray(answers, np.float32).view(np.uint32)).sum())
    return different


def compare_trees(binary, only_answers=False):
    failed, chosen = False, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, table, params, rounds, validation in CASES:
            if ROUNDS_GAINS_OTHERWISE:
                params = params | BEFORE_3_4.get(name, {})
            booster = train_theirs(table, params, rounds, validation)
            model = train_ours(binary, folder, table, params, rounds, validation)
            found, said = answers_differ_both_ways(binary, folder, booster, model, table), ""
            if not only_answers:
                files = model.read_text(), (folder / "theirs.json").read_text()
                unexplained, said = explained(differences(*files), *files, params)
                found += unexplained
                chosen += bool(said)
            print(f"{name}: {'; '.join(found) or said or 'the same'}", flush=True)
            failed |= bool(found)
    print(f"xgboost {xgb.__version__}: {len(CASES)} cases, in {chosen} of them it chose otherwise between equal gains")
    # Otherwise a rule that says nothing any more would not be noticed.
    return failed or chosen > MOST_CHOICES


# Columns of scikit-learn's tables have more distinct values than bins: cuts are exact quantiles here and
# approximate there, and the trees are not the same. They are as good.
def quality_tables():
    from sklearn import datasets

    def table(loaded):
        return loaded.data, loaded.target

    regression = datasets.make_regression(8000, 12, noise=40, random_state=5)
    classes = datasets.make_classification(8000, 20, n_informative=8, flip_y=0.15, random_state=5)
    yield "flights", flights(), {"objective": LOGISTIC, "max_depth": 6}
    yield "iris", table(datasets.load_iris()), {"objective": SOFTPROB, "num_class": 3}
    yield "breast_cancer", table(datasets.load_breast_cancer()), {"objective": LOGISTIC}
    yield "diabetes", table(datasets.load_diabetes()), {"objective": SQUARED, "eta": 0.1}
    yield "wine", table(datasets.load_wine()), {"objective": SOFTPROB, "num_class": 3}
    yield "digits", table(datasets.load_digits()), {"objective": SOFTPROB, "num_class": 10}
    yield "regression", regression, {"objective": SQUARED}
    yield "classification", classes, {"objective": LOGISTIC}
    missing = classes[0].copy()
    missing[np.random.default_rng(5).random(missing.shape) < 0.1] = np.nan
    yield "classification_missing", (missing, classes[1]), {"objective": LOGISTIC, "max_bin": 64}


def flights():
    """Every sixteenth flight: whether it arrives more than 15 minutes late."""
    import pandas as pd

    frame = pd.read_parquet(Path(__file__).parents[2] / "examples/flights/data/flights.parquet").iloc[::16]
    frame = frame.dropna(subset=["arr_delay"])
    x = frame[["dep_delay", "distance", "sched_dep_time", "month", "day"]].astype(float)
    x = x.assign(carrier=frame["carrier"].astype("category").cat.codes, origin=frame["origin"].astype("category").cat.codes)
    return x.to_numpy(), (frame["arr_delay"] > 15).to_numpy(int)


def score(answers, y, objective):
    """AUC, that of each class against the others in the mean, or RMSE as a share of the labels' spread."""
    from sklearn import metrics

    if objective == SQUARED:
        return float(np.sqrt(np.mean((answers - y) ** 2)) / np.std(y))
    return float(metrics.roc_auc_score(y, answers, multi_class="ovr"))


def compare_quality(binary):
    """Means over five cuts into rows to learn from and rows to be measured on."""
    from sklearn import model_selection

    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, (x, y), params in quality_tables():
            objective, scores = params["objective"], []
            params = {"max_depth": 4} | params
            stratify = None if objective == SQUARED else y
            for seed in range(5):
                parts = model_selection.train_test_split(x, y, test_size=0.3, random_state=seed, stratify=stratify)
                train, test = Table(parts[0], parts[2]), Table(parts[1], parts[3])
                ours = train_ours(binary, folder, train, params, 50, None)
                models = [xgb.Booster(model_file=str(ours)), train_theirs(train, params, 50, None)]
                scores.append([score(model.predict(test.matrix()), test.y, objective) for model in models])
            ours, theirs = np.mean(scores, axis=0)
            what = "RMSE / spread" if objective == SQUARED else "AUC"
            apart = abs(ours - theirs)
            print(f"{name}: {what} {ours:.4f}, XGBoost {theirs:.4f}, {apart:.4f} apart", flush=True)
            failed |= bool(apart > 0.003)
    return failed


# Pairs are drawn by another generator here, so the trees are not the same.
RANKINGS = [
    ("ranking", {}, {}),
    ("ranking_three_pairs", {"lambdarank_num_pair_per_sample": 3, "lambdarank_normalization": False}, {}),
    ("ranking_missing", {}, {"missing": 0.1}),
    ("ranking_levels", {"ndcg_exp_gain": False}, {"levels": 20, "common": 0.3}),
]


def compare_rankings(binary):
    """Mean NDCG of groups that were not learned from, over three tables each."""
    from sklearn import metrics

    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, params, made in RANKINGS:
            params = {"objective": NDCG, "lambdarank_pair_method": "mean", "max_depth": 4, "eta": 0.1} | params
            scores = []
            for seed in range(3):
                table = lambda rows, seed: Table.made(rows, 8, **{"levels": None, "objective": NDCG, "seed": seed} | made)
                train, test = table(8000, seed), table(8000, seed + 100)
                ours = train_ours(binary, folder, train, params, 50, None)
                models = [xgb.Booster(model_file=str(ours)), train_theirs(train, params, 50, None)]
                answers = [model.predict(test.matrix()) for model in models]
                groups = [test.groups == group for group in np.unique(test.groups)]
                groups = [group for group in groups if group.sum() > 1 and test.y[group].any()]
                ndcg = lambda answer: np.mean([metrics.ndcg_score([test.y[g]], [answer[g]]) for g in groups])
                scores.append([ndcg(answer) for answer in answers])
            ours, theirs = np.mean(scores, axis=0)
            print(f"{name}: {ours:.4f}, XGBoost {theirs:.4f}", flush=True)
            failed |= bool(abs(ours - theirs) > 0.003)
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


def compare_archive(archive, rows):
    """Unpacks the archive as the platform does, and takes every file at its top for a model as the image does: as a
    pickle, and if it is none as what XGBoost itself saves. Folders and hidden files are passed over."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        found = [path for path in sorted(Path(folder).iterdir()) if path.is_file() and path.name[0] != "."]
        for path in found:
            try:
                pickle.loads(path.read_bytes())
                sys.exit(f"{path.name} is taken for a pickle")
            except Exception as error:
                assert not isinstance(error, SystemExit)
            # The image gives the path, and XGBoost looks at the content: there is no extension to go by.
            xgb.Booster().load_model(str(path))
        if [path.name for path in found] != ["xgboost-model"]:
            sys.exit(f"at the top of {archive} are {[path.name for path in found]}")
        return compare_margins(found[0], rows)


def write_fixtures(folder):
    for name, table, params, rounds, _ in FIXTURES:
        booster = train_theirs(table, params, rounds, None)
        booster.save_model(folder / f"{name}.model.json")
        table.write(folder / f"{name}.csv")
        given = params | {"num_boost_round": rounds}
        if table.categorical:
            given["categorical"] = table.categorical
        (folder / f"{name}.params.json").write_text(json.dumps(given) + "\n")
        margins = booster.predict(table.matrix(), output_margin=True).ravel()
        lines = [np.format_float_scientific(margin) for margin in margins]
        (folder / f"{name}.margins.txt").write_text("\n".join(lines) + "\n")
    return False


def write_version(path):
    """One model of every objective, in both forms, with what this version answers with it."""
    shape, models = (40, 3, 12), {}
    for objective in (SQUARED, LOGISTIC, SOFTPROB, POISSON, GAMMA, TWEEDIE, NDCG):
        params = {"objective": objective, "max_depth": 2, "max_cat_to_onehot": 3}
        _, table, params, _, _ = case(objective, params, 2, *shape, categories=[2, 5], missing=0.1)
        booster = train_theirs(table, params, 2, None)
        shown = [[None if np.isnan(value) else float(value) for value in row] for row in table.x]
        models[objective] = {
            "rows": shown,
            "json": bytes(booster.save_raw("json")).decode(),
            "ubj": bytes(booster.save_raw("ubj")).hex(),
            "margins": booster.predict(table.matrix(), output_margin=True).ravel().tolist(),
            "predictions": booster.predict(table.matrix()).ravel().tolist(),
        }
    path.write_text(json.dumps(models, separators=(",", ":")) + "\n")
    return False


def main():
    match sys.argv[1:]:
        case ["trees", binary]:
            return compare_trees(Path(binary).resolve())
        case ["answers", binary]:
            return compare_trees(Path(binary).resolve(), only_answers=True)
        case ["version", path]:
            return write_version(Path(path))
        case ["quality", binary]:
            return compare_quality(Path(binary).resolve())
        case ["rankings", binary]:
            return compare_rankings(Path(binary).resolve())
        case ["margins", model, rows]:
            return compare_margins(model, rows)
        case ["sagemaker", archive, rows]:
            return compare_archive(archive, rows)
        case ["fixtures", folder]:
            return write_fixtures(Path(folder))
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
