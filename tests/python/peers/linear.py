"""Models as scikit-learn fits them at its tightest tolerance, and what they predict."""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .case import case, column

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


def logistic(random):
    for name, load in [("cancer", load_breast_cancer), ("wine", load_wine), ("iris", load_iris)]:
        x, y = load(return_X_y=True)
        x = StandardScaler().fit_transform(x)
        weights = random.integers(0, 5, len(y)) / 2
        for weight in [None, weights]:
            for alpha, intercept in [(1.0, True), (0.05, True), (3.0, False)]:
                model = LogisticRegression(
                    C=1 / alpha, fit_intercept=intercept, tol=1e-12, max_iter=10**5, solver="newton-cg"
                ).fit(x, y, weight)
                p = model.predict_proba(x)
                kind, mapped = ("logistic", p[:, 1]) if y.max() == 1 else ("multinomial", p)
                columns = table(x, column("int64", y), weight)
                params = {
                    "model": kind, "alpha": alpha, "intercept": intercept, "label": "y",
                    "features": [f"x{at}" for at in range(x.shape[1])],
                }
                title = f"{kind}, {name}, {alpha}{'' if weight is None else ', weighted'}"
                yield case(title, columns, params, ITERATED, mapped={"prediction": mapped})
