"""What Optuna's sampler finds on the functions of host/study/tests/functions.

Writes host/study/tests/functions/optuna.json, which is of Optuna 5.0.0 (`pip install optuna`): medians over 31 seeds of
the best value of 30 and of 100 trials. Takes some three minutes.
"""

import json
import math
import statistics

import optuna


def hartmann6(x):
    weights = [1.0, 1.2, 3.0, 3.2]
    a = [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
    p = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
    return -sum(
        w * math.exp(-sum(ai * (xi - pi) ** 2 for ai, pi, xi in zip(row, place, x)))
        for w, row, place in zip(weights, a, p)
    )


def box(count, low, high):
    return lambda trial: [trial.suggest_float(f"x{i}", low, high) for i in range(count)]


def sphere(trial):
    return sum(x * x for x in box(4, -5, 5)(trial))


def branin(trial):
    a = trial.suggest_float("x0", -5, 10)
    b = trial.suggest_float("x1", 0, 15)
    curve = b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6
    return curve**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


def rosenbrock(trial):
    x = box(3, -2, 2)(trial)
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))


def ackley(trial):
    x = box(4, -5, 5)(trial)
    squares = sum(v * v for v in x) / len(x)
    waves = sum(math.cos(2 * math.pi * v) for v in x) / len(x)
    return -20 * math.exp(-0.2 * math.sqrt(squares)) - math.exp(waves) + 20 + math.e


def mixed(trial):
    kind = {"a": 1.0, "b": 0.4, "c": 0.0, "d": 0.7}[trial.suggest_categorical("kind", "abcd")]
    rate = (math.log10(trial.suggest_float("rate", 1e-4, 1, log=True)) + 2.3) ** 2
    depth = ((trial.suggest_int("depth", 1, 16) - 11) / 5) ** 2
    share = (trial.suggest_float("share", 0, 1) - 0.8) ** 2 * (1 + kind)
    return kind + rate + depth + share


FUNCTIONS = {
    "sphere": sphere,
    "branin": branin,
    "rosenbrock": rosenbrock,
    "ackley": ackley,
    "hartmann6": lambda trial: hartmann6(box(6, 0, 1)(trial)),
    "mixed": mixed,
}


def measure(trials, seeds):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = {}
    for name, function in FUNCTIONS.items():
        values = []
        for seed in range(seeds):
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, multivariate=False))
            study.optimize(function, n_trials=trials)
            values.append(study.best_value)
        found[name] = values
    return found


if __name__ == "__main__":
    medians = {
        trials: {name: statistics.median(values) for name, values in measure(trials, 31).items()}
        for trials in (30, 100)
    }
    print(json.dumps(medians, indent=2))
