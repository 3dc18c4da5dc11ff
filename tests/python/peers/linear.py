"""Models as scikit-learn fits them at its tightest tolerance, and what they predict."""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .case import case, column
from .tabular import flights

# Solved directly here and there; and by iteration, to the end.
DIRECT, ITERATED = 1e-9, 1e-6


def cases():
    random = np.random.default_rng(3)
    warnings.simplefilter("ignore")  # of parameters that are to change their names
    x, y = load_diabetes(return_X_y=True, scaled=False)
    # Of different units, and far from 0; of units too far apart scikit-learn gives up the smaller ones.
    x = x * np.logspace(-1, 1, 10) + np.arange(10) * 10
    tables = {"diabetes": (x, y), "many columns": wide(random), "one-hot": one_hot(random)}
    x, y = (values[:40] for values in wide(random))
    model = LinearRegression().fit(x, y)
    yield of_numbers("linear, fewer rows than columns", x, y, None, model, DIRECT, model="linear")
    for name, (x, y) in tables.items():
        weights = random.integers(0, 5, len(y)) / 2
        for weight in [None, weights]:
            for intercept in [True, False]:
                title = f"{name}{'' if weight is None else ', weighted'}{'' if intercept else ', no intercept'}"
                if intercept or name != "diabetes":
                    model = LinearRegression(fit_intercept=intercept).fit(x, y, weight)
                    # Of models that are not unique, scikit-learn centers first, and so picks the same one.
                    yield of_numbers(f"linear, {title}", x, y, weight, model, DIRECT, intercept, model="linear")
                model = Ridge(alpha=2.5, fit_intercept=intercept, solver="cholesky").fit(x, y, weight)
                yield of_numbers(f"ridge, {title}", x, y, weight, model, DIRECT, intercept, model="ridge", alpha=2.5)
        z = StandardScaler().fit_transform(x)
        for weight in [None, weights]:
            title = f"{name}{'' if weight is None else ', weighted'}"
            model = Lasso(alpha=0.8, tol=1e-14, max_iter=10**6).fit(z, y, weight)
            yield of_numbers(f"lasso, {title}", z, y, weight, model, ITERATED, model="lasso", alpha=0.8)
            model = ElasticNet(alpha=0.3, l1_ratio=0.7, tol=1e-14, max_iter=10**6).fit(z, y, weight)
            yield of_numbers(
                f"elastic net, {title}", z, y, weight, model, ITERATED, model="elastic-net", alpha=0.3, l1_ratio=0.7
            )
    yield from logistic(random)
    yield from many_features(random)
    yield from of_flights()


def wide(random):
    x = random.normal(size=(500, 60))
    return x, x @ random.normal(size=60) + random.normal(size=500)


def one_hot(random):
    """The columns of each category add up to 1, as the intercept does."""
    categories = random.integers(0, [3, 7], (400, 2))
    x = np.hstack([OneHotEncoder(sparse_output=False).fit_transform(categories), random.normal(size=(400, 2))])
    return x, x @ np.arange(x.shape[1]) + random.normal(size=400)


def table(x, y_column, weight):
    columns = {f"x{at}": column("float64", values) for at, values in enumerate(x.T)}
    columns["y"] = y_column
    if weight is not None:
        columns["w"] = column("float64", weight, role="weight")
    return columns


def of_numbers(name, x, y, weight, fitted, tolerance, intercept=True, **params):
    features = [f"x{at}" for at in range(x.shape[1])]
    params |= {"features": features, "label": "y", "intercept": intercept}
    columns = table(x, column("float64", y), weight)
    report = {f"/coefficients/0/{name}": value for name, value in zip(features, fitted.coef_)}
    report["/intercepts/0"] = fitted.intercept_
    # Coefficients are as uncertain as they are large.
    largest = max(1, np.abs(fitted.coef_).max(), abs(float(fitted.intercept_)))
    report = {pointer: (value, tolerance * largest) for pointer, value in report.items()}
    return case(name, columns, params, tolerance, report=report, mapped={"prediction": fitted.predict(x)})


def many_features(random):
    """Of 300 features, most mean nothing."""
    x = random.normal(size=(400, 300))
    y = x[:, :9] @ random.normal(size=9) + random.normal(size=400)
    yield of_numbers("ridge, 300 features", x, y, None, Ridge(2.5, solver="cholesky").fit(x, y), DIRECT, model="ridge", alpha=2.5)
    model = Lasso(alpha=0.1, tol=1e-14, max_iter=10**6).fit(x, y)
    yield of_numbers("lasso, 300 features", x, y, None, model, ITERATED, model="lasso", alpha=0.1)
    yield of_classes("300 features", x, (y > 0).astype(int), None, 5.0, 0.0)


def of_flights():
    """How late a flight arrives, and whether it does, from what is known at departure."""
    frame = flights().frame.iloc[::4].dropna(subset=["dep_delay", "distance", "air_time", "arr_delay"])
    numbers = frame[["dep_delay", "distance", "air_time", "sched_dep_time"]].to_numpy(float)
    texts = OneHotEncoder(sparse_output=False).fit_transform(frame[["carrier", "origin"]])
    x, y = np.hstack([StandardScaler().fit_transform(numbers), texts]), frame["arr_delay"].to_numpy(float)
    yield of_numbers("linear, flights", x, y, None, LinearRegression().fit(x, y), DIRECT, model="linear")
    model = ElasticNet(alpha=0.3, l1_ratio=0.7, tol=1e-14, max_iter=10**6).fit(x, y)
    yield of_numbers("elastic net, flights", x, y, None, model, ITERATED, model="elastic-net", alpha=0.3, l1_ratio=0.7)
    late = (y > 15).astype(int)
    yield of_classes("flights", x, late, None, 1.0, 0.0)
    yield of_classes("flights", x, late, None, 5.0, 1.0)
    carriers = frame["origin"].map({"EWR": 0, "JFK": 1, "LGA": 2}).to_numpy()
    yield of_classes("origins of flights", x[:, :20], carriers, None, 5.0, 0.0)


def of_classes(name, x, y, weight, alpha, l1_ratio, intercept=True):
    solver = {"solver": "saga", "max_iter": 10**6} if l1_ratio else {"solver": "newton-cg", "max_iter": 10**5}
    model = LogisticRegression(
        C=1 / alpha, fit_intercept=intercept, tol=1e-12, l1_ratio=l1_ratio, random_state=0, **solver
    ).fit(x, y, weight)
    p = model.predict_proba(x)
    kind, mapped = ("logistic", p[:, 1]) if y.max() == 1 else ("multinomial", p)
    params = {
        "model": kind, "alpha": alpha, "intercept": intercept, "label": "y", "l1_ratio": l1_ratio,
        "features": [f"x{at}" for at in range(x.shape[1])],
    }
    title = f"{kind}, {name}, {alpha}, {l1_ratio}{'' if weight is None else ', weighted'}"
    return case(title, table(x, column("int64", y), weight), params, ITERATED, mapped={"prediction": mapped})


def logistic(random):
    for name, load in [("cancer", load_breast_cancer), ("wine", load_wine), ("iris", load_iris)]:
        x, y = load(return_X_y=True)
        x = StandardScaler().fit_transform(x)
        weights = random.integers(0, 5, len(y)) / 2
        for weight in [None, weights]:
            for alpha, intercept in [(1.0, True), (0.05, True), (3.0, False)]:
                yield of_classes(name, x, y, weight, alpha, 0.0, intercept)
            for alpha, l1_ratio in [(3.0, 1.0), (5.0, 0.5)]:
                yield of_classes(name, x, y, weight, alpha, l1_ratio)
