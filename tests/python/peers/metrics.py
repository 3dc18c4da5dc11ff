"""Metrics as scikit-learn computes them, on its own small data sets."""

import warnings

import numpy as np
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB

from .case import case, column
from .tabular import flights

EXACT = 1e-12
# Given float32, scikit-learn computes in float32.
FLOAT32 = 2e-6
LABEL = {"label": "y"}


def cases():
    random = np.random.default_rng(11)
    yield from binary(random)
    yield from multi_class(random)
    yield from regression(random)
    yield from ranking(random)
    yield from slices(random)
    yield intervals(random)
    yield from of_flights()
    yield from many_columns(random)


def binary(random):
    x, y = load_breast_cancer(return_X_y=True)
    p = GaussianNB().fit(x[:, :2], y).predict_proba(x[:, :2])[:, 1]
    weights = random.integers(1, 9, len(y)) / 4
    for name, prediction, weight in [
        ("plain", p, None),
        ("tied", p.round(2), None),
        ("weighted", p, weights),
        ("tied and weighted", p.round(1), weights),
    ]:
        columns = {"y": column("int64", y), "prediction": column("float64", prediction)}
        params = dict(LABEL)
        if weight is not None:
            columns["w"] = column("float64", weight)
            params["weight"] = "w"
        yield case(f"binary, {name}", columns, params, EXACT, of_two(y, prediction, weight))
    p32 = p.astype(np.float32)
    columns = {"y": column("boolean", y == 1), "prediction": column("float32", p32)}
    yield case("binary, float32", columns, LABEL, FLOAT32, of_two(y, p32, None))
    yield from curves(y, p)


def of_two(y, p, w):
    hard = p > 0.5
    with_weight = {"sample_weight": w}
    return {
        "rows": len(y),
        "accuracy": sk.accuracy_score(y, hard, **with_weight),
        "balanced_accuracy": sk.balanced_accuracy_score(y, hard, **with_weight),
        "auc": sk.roc_auc_score(y, p, **with_weight),
        "average_precision": sk.average_precision_score(y, p, **with_weight),
        "log_loss": sk.log_loss(y, p, **with_weight),
        "brier": sk.brier_score_loss(y, p, **with_weight),
        "precision": sk.precision_score(y, hard, **with_weight),
        "recall": sk.recall_score(y, hard, **with_weight),
        "specificity": sk.recall_score(y, hard, pos_label=0, **with_weight),
        "f1": sk.f1_score(y, hard, **with_weight),
        "mcc": sk.matthews_corrcoef(y, hard, **with_weight),
        "ks": np.max(np.abs(np.diff(sk.roc_curve(y, p, drop_intermediate=False, **with_weight)[:2], axis=0))),
        "positive_share": np.average(y, weights=w),
        "predicted_positive_share": np.average(hard, weights=w),
    }


def curves(y, p):
    columns = {"y": column("int64", y), "prediction": column("float64", p)}
    for strategy, bins in [("uniform", 7), ("quantile", 6)]:
        true, predicted = calibration_curve(y, p, n_bins=bins, strategy=strategy)
        report = {f"/calibration/{at}/positive_share": value for at, value in enumerate(true)}
        report |= {f"/calibration/{at}/mean_prediction": value for at, value in enumerate(predicted)}
        params = LABEL | {"calibration": {"bins": bins, "strategy": strategy}}
        yield case(f"calibration, {strategy}", columns, params, EXACT, report=report)
    report = {}
    for at, threshold in enumerate([0.1, 0.25, 0.9]):
        hard = p > threshold
        (tn, fp), (fn, tp) = sk.confusion_matrix(y, hard)
        of = {"true_positive": tp, "false_positive": fp, "true_negative": tn, "false_negative": fn}
        of |= {"precision": sk.precision_score(y, hard), "recall": sk.recall_score(y, hard), "f1": sk.f1_score(y, hard)}
        report |= {f"/thresholds/{at}/{name}": value for name, value in of.items()}
    params = LABEL | {"thresholds": [0.1, 0.25, 0.9]}
    yield case("threshold table", columns, params, EXACT, report=report)


def multi_class(random):
    for name, load, features in [("wine", load_wine, 4), ("digits", load_digits, 20)]:
        x, y = load(return_X_y=True)
        names = [f"class {label}" for label in range(y.max() + 1)]
        p = GaussianNB(var_smoothing=1e-2).fit(x[:, :features], y).predict_proba(x[:, :features])
        weights = random.integers(0, 9, len(y)) / 4
        for weight in [None, weights]:
            params = LABEL | {"at": [2, 3]} | ({} if weight is None else {"weight": "w"})
            w = {} if weight is None else {"w": column("float64", weight)}
            columns = {
                "y": column("utf8", [names[label] for label in y]),
                "prediction": column(f"float64-list({len(names)})", p, elements=names),
            } | w
            hard = p.argmax(axis=1)
            expected = of_classes(y, hard, weight) | of_probabilities(y, p, weight)
            title = f"{name}{'' if weight is None else ', weighted'}"
            yield case(f"{title}, probabilities", columns, params, EXACT, expected)
            columns = {"y": column("int64", y), "prediction": column("int32", hard)} | w
            params = params | {"task": "multi-class"}
            yield case(f"{title}, classes", columns, params, EXACT, of_classes(y, hard, weight))


def of_classes(y, hard, w):
    expected = {
        "accuracy": sk.accuracy_score(y, hard, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, hard, sample_weight=w),
        "kappa": sk.cohen_kappa_score(y, hard, sample_weight=w),
        "mcc": sk.matthews_corrcoef(y, hard, sample_weight=w),
    }
    for average in ["macro", "weighted"]:
        scores = sk.precision_recall_fscore_support(y, hard, average=average, sample_weight=w, zero_division=0)
        names = ["precision", "recall", "f1"]
        expected |= {f"{name}_{average}": score for name, score in zip(names, scores)}
    return expected


def of_probabilities(y, p, w):
    return {
        "log_loss": sk.log_loss(y, p, sample_weight=w),
        "brier": sk.brier_score_loss(y, p, sample_weight=w, scale_by_half=False),
        "auc_macro": sk.roc_auc_score(y, p, multi_class="ovr", average="macro", sample_weight=w),
        "auc_weighted": sk.roc_auc_score(y, p, multi_class="ovr", average="weighted", sample_weight=w),
        "top_2_accuracy": sk.top_k_accuracy_score(y, p, k=2, sample_weight=w),
        "top_3_accuracy": sk.top_k_accuracy_score(y, p, k=min(3, p.shape[1]), sample_weight=w)
        if p.shape[1] > 3 else 1.0,
    }


def regression(random):
    x, y = load_diabetes(return_X_y=True)
    p = np.maximum(LinearRegression().fit(x, y).predict(x), 5)
    for weight in [None, random.integers(0, 5, len(y)) / 2]:
        expected = {
            "rmse": sk.root_mean_squared_error(y, p, sample_weight=weight),
            "mse": sk.mean_squared_error(y, p, sample_weight=weight),
            "mae": sk.mean_absolute_error(y, p, sample_weight=weight),
            "median_absolute_error": sk.median_absolute_error(y, p, sample_weight=weight),
            "mape": sk.mean_absolute_percentage_error(y, p, sample_weight=weight),
            "bias": np.average(p - y, weights=weight),
            "r2": sk.r2_score(y, p, sample_weight=weight),
            "explained_variance": sk.explained_variance_score(y, p, sample_weight=weight),
            "rmsle": sk.root_mean_squared_log_error(y, p, sample_weight=weight),
            "poisson_deviance": sk.mean_poisson_deviance(y, p, sample_weight=weight),
            "gamma_deviance": sk.mean_gamma_deviance(y, p, sample_weight=weight),
            "tweedie_deviance": sk.mean_tweedie_deviance(y, p, power=1.5, sample_weight=weight),
        }
        columns = {"y": column("float64", y), "prediction": column("float64", p)}
        params = dict(LABEL)
        if weight is None:
            expected["max_error"] = sk.max_error(y, p)
        else:
            columns["w"] = column("float64", weight)
            params["weight"] = "w"
        yield case(f"regression{'' if weight is None else ', weighted'}", columns, params, EXACT, expected)


def ranking(random):
    groups = np.repeat(np.arange(40), random.integers(2, 30, 40))
    for ties in [False, True]:
        y = random.integers(0, 4, len(groups))
        p = y / 3 + random.normal(size=len(groups))
        p = p.round() if ties else p
        shuffled = random.permutation(len(groups))
        columns = {
            "y": column("int32", y[shuffled]),
            "prediction": column("float64", p[shuffled]),
            "query": column("int64", groups[shuffled]),
        }
        for gain, worth in [("linear", y), ("exponential", 2.0**y - 1)]:
            def mean(of):
                return np.mean([of(groups == group) for group in range(40)])

            expected = {
                "ndcg": mean(lambda rows: sk.ndcg_score([worth[rows]], [p[rows]])),
                "ndcg_5": mean(lambda rows: sk.ndcg_score([worth[rows]], [p[rows]], k=5)),
                "map": mean(lambda rows: average_precision(y[rows] > 0, p[rows])),
            }
            if not ties:
                expected["precision_5"] = mean(lambda rows: (y[rows][np.argsort(-p[rows])[:5]] > 0).sum() / 5)
                expected["mrr"] = mean(lambda rows: reciprocal_rank(y[rows][np.argsort(-p[rows])] > 0))
            params = LABEL | {"task": "ranking", "group": "query", "gain": gain}
            yield case(f"ranking, {gain}{', tied' if ties else ''}", columns, params, EXACT, expected)


def average_precision(relevant, p):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a group without a relevant row
        return sk.average_precision_score(relevant, p)


def reciprocal_rank(relevant):
    return 1 / (1 + np.argmax(relevant)) if relevant.any() else 0.0


def of_flights():
    """Models of the delay of flights, by what is known at departure."""
    frame = flights().frame.dropna(subset=["dep_delay", "distance", "arr_delay"])
    x, delay = frame[["dep_delay", "distance"]].to_numpy(float), frame["arr_delay"].to_numpy(float)
    y, weight = (delay > 15).astype(int), frame["distance"].to_numpy(float)
    p = GaussianNB().fit(x, y).predict_proba(x)[:, 1]
    columns = {"y": column("boolean", y == 1), "prediction": column("float64", p), "w": column("float64", weight)}
    yield case("flights, two classes", columns, LABEL | {"weight": "w"}, EXACT, of_two(y, p, weight))
    origins, codes = np.unique(frame["origin"].to_numpy(str), return_inverse=True)
    p = GaussianNB().fit(x, codes).predict_proba(x)
    columns = {
        "y": column("utf8", origins[codes].tolist()),
        "prediction": column(f"float64-list({len(origins)})", p, elements=origins.tolist()),
    }
    expected = of_classes(codes, p.argmax(axis=1), None) | of_probabilities(codes, p, None)
    yield case("flights, several classes", columns, LABEL | {"at": [2, 3]}, EXACT, expected)
    p = LinearRegression().fit(x, delay).predict(x)
    expected = {
        "rmse": sk.root_mean_squared_error(delay, p), "mae": sk.mean_absolute_error(delay, p),
        "median_absolute_error": sk.median_absolute_error(delay, p), "r2": sk.r2_score(delay, p),
        "bias": np.mean(p - delay), "max_error": sk.max_error(delay, p),
    }
    columns = {"y": column("float64", delay), "prediction": column("float64", p)}
    yield case("flights, regression", columns, LABEL, EXACT, expected)


def many_columns(random):
    """One of 300 columns is the prediction, another the label; or all of them are the classes."""
    x = random.random((200, 300))
    y = (x[:, 7] + random.random(200) > 1).astype(int)
    columns = {f"x{at}": column("float64", values) for at, values in enumerate(x.T)} | {"y": column("int64", y)}
    yield case("300 columns, two classes", columns, LABEL | {"prediction": "x7"}, EXACT, of_two(y, x[:, 7], None))
    classes = np.concatenate([np.arange(300), random.integers(0, 300, 300)])
    scores = random.random((600, 300)) + 3 * np.eye(300)[classes] * (random.random((600, 1)) < 0.6)
    p = scores / scores.sum(axis=1, keepdims=True)
    columns = {"y": column("int64", classes), "prediction": column("float64-list(300)", p)}
    expected = of_classes(classes, p.argmax(axis=1), None) | of_probabilities(classes, p, None)
    yield case("300 classes", columns, LABEL | {"at": [2, 3]}, EXACT, expected)


def slices(random):
    y = random.integers(0, 2, 400)
    p = np.clip(y * 0.2 + random.random(400) * 0.8, 0, 1)
    where = random.choice(["north", "south", "west"], 400)
    columns = {"y": column("int64", y), "prediction": column("float64", p), "where": column("utf8", where)}
    report = {}
    for at, value in enumerate(["north", "south", "west"]):
        rows = where == value
        of = of_two(y[rows], p[rows], None)
        report[f"/slices/{at}/rows"] = of.pop("rows")
        report |= {f"/slices/{at}/metrics/{name}": score for name, score in of.items()}
    areas = [sk.roc_auc_score(y[where == value], p[where == value]) for value in ["north", "south", "west"]]
    expected = {"auc_slice_min": min(areas), "auc_slice_max": max(areas)}
    yield case("slices", columns, LABEL | {"by": "where"}, EXACT, expected, report)


def intervals(random):
    """Other samples are drawn, so bounds agree within a tenth of the interval's width."""
    y = random.integers(0, 2, 500)
    p = np.clip(y * 0.1 + random.random(500) * 0.9, 0, 1)
    drawn = []
    while len(drawn) < 2000:
        rows = random.integers(0, 500, 500)
        drawn.append([sk.roc_auc_score(y[rows], p[rows]), sk.brier_score_loss(y[rows], p[rows])])
    expected = {}
    for name, values in zip(["auc", "brier"], np.transpose(drawn)):
        low, high = np.quantile(values, [0.05, 0.95])
        expected |= {f"{name}_low": (low, (high - low) / 10), f"{name}_high": (high, (high - low) / 10)}
    columns = {"y": column("int64", y), "prediction": column("float64", p)}
    params = LABEL | {"bootstrap": {"samples": 2000, "confidence": 0.9}, "seed": 3}
    return case("intervals", columns, params, EXACT, expected)
