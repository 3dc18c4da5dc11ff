//! What the samplers come to on the functions that optimizers are usually tried on, beside Optuna.
//!
//! `optuna.json` holds medians over seeds of the best value that Optuna's sampler found, by the number of trials.
//! `tests/python/optuna_functions.py` wrote it, and has the same functions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::f64::consts::{E, PI, TAU};

use serde_json::json;
use trueline_study::{Domain, Goal, Point, Sampler, Seen, Space, Study, Tpe};

struct Function {
    name: &'static str,
    space: Space,
    value: fn(&Point) -> f64,
}

fn float(low: f64, high: f64) -> Domain {
    Domain::Float {
        low,
        high,
        log: false,
        step: None,
    }
}

fn box_of(count: usize, low: f64, high: f64) -> Space {
    (0..count)
        .map(|index| (format!("x{index}"), float(low, high)))
        .collect()
}

fn numbers(point: &Point) -> Vec<f64> {
    point
        .values()
        .map(|value| value.as_f64().unwrap_or(f64::NAN))
        .collect()
}

fn functions() -> Vec<Function> {
    let mut mixed = Space::new();
    let text = |words: &[&str]| Domain::Choice {
        values: words.iter().map(|word| json!(word)).collect(),
    };
    mixed.insert("kind".to_owned(), text(&["a", "b", "c", "d"]));
    mixed.insert(
        "rate".to_owned(),
        Domain::Float {
            low: 1e-4,
            high: 1.0,
            log: true,
            step: None,
        },
    );
    mixed.insert(
        "depth".to_owned(),
        Domain::Int {
            low: 1,
            high: 16,
            log: false,
            step: 1,
        },
    );
    mixed.insert("share".to_owned(), float(0.0, 1.0));
    let mut branin = Space::new();
    branin.insert("x0".to_owned(), float(-5.0, 10.0));
    branin.insert("x1".to_owned(), float(0.0, 15.0));
    vec![
        Function {
            name: "sphere",
            space: box_of(4, -5.0, 5.0),
            value: |point| numbers(point).iter().map(|x| x * x).sum(),
        },
        Function {
            name: "branin",
            space: branin,
            value: |point| {
                let x = numbers(point);
                let (a, b) = (x[0], x[1]);
                let curve = b - 5.1 / (4.0 * PI * PI) * a * a + 5.0 / PI * a - 6.0;
                curve * curve + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * a.cos() + 10.0
            },
        },
        Function {
            name: "rosenbrock",
            space: box_of(3, -2.0, 2.0),
            value: |point| {
                let x = numbers(point);
                let pairs = x.windows(2);
                pairs
                    .map(|x| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2))
                    .sum()
            },
        },
        Function {
            name: "ackley",
            space: box_of(4, -5.0, 5.0),
            value: |point| {
                let x = numbers(point);
                let n = x.len() as f64;
                let squares: f64 = x.iter().map(|x| x * x).sum();
                let waves: f64 = x.iter().map(|x| (TAU * x).cos()).sum();
                -20.0 * (-0.2 * (squares / n).sqrt()).exp() - (waves / n).exp() + 20.0 + E
            },
        },
        Function {
            name: "hartmann6",
            space: box_of(6, 0.0, 1.0),
            value: |point| hartmann6(&numbers(point)),
        },
        Function {
            name: "mixed",
            space: mixed,
            value: |point| {
                let number = |name: &str| point[name].as_f64().unwrap_or(f64::NAN);
                let kind = match point["kind"].as_str() {
                    Some("a") => 1.0,
                    Some("b") => 0.4,
                    Some("c") => 0.0,
                    _ => 0.7,
                };
                let rate = (number("rate").log10() + 2.3).powi(2);
                let depth = ((number("depth") - 11.0) / 5.0).powi(2);
                kind + rate + depth + (number("share") - 0.8).powi(2) * (1.0 + kind)
            },
        },
    ]
}

fn hartmann6(x: &[f64]) -> f64 {
    const WEIGHTS: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let bumps = WEIGHTS
        .iter()
        .zip(A.iter().zip(&P))
        .map(|(weight, (a, p))| {
            let terms = x.iter().zip(a.iter().zip(p));
            let distance: f64 = terms.map(|(x, (a, p))| a * (x - p) * (x - p)).sum();
            weight * (-distance).exp()
        });
    -bumps.sum::<f64>()
}

fn best(function: &Function, sampler: Sampler, seed: u64, trials: usize) -> f64 {
    let study = Study {
        space: function.space.clone(),
        sampler,
        goal: Goal::Min,
        seed,
        parallel: 1,
    };
    let mut seen: Vec<Seen> = Vec::new();
    for number in 0..trials {
        let point = study.suggest(number, &seen);
        let value = (function.value)(&point);
        seen.push(Seen {
            point,
            value: Some(value),
            curve: Vec::new(),
        });
    }
    let values = seen.iter().filter_map(|trial| trial.value);
    values.fold(f64::INFINITY, f64::min)
}

/// The median over seeds of the best value of a study.
fn median(function: &Function, sampler: &Sampler, trials: usize) -> f64 {
    const SEEDS: u64 = 31;
    let mut bests: Vec<f64> = (0..SEEDS)
        .map(|seed| best(function, sampler.clone(), seed, trials))
        .collect();
    bests.sort_by(f64::total_cmp);
    bests[bests.len() / 2]
}

/// Not worse than Optuna by more than a fifth of what Optuna gains over chance.
#[test]
fn the_estimator_is_as_good_as_optunas() {
    let theirs: BTreeMap<String, BTreeMap<String, f64>> =
        serde_json::from_str(include_str!("optuna.json")).unwrap();
    let mut shown = String::new();
    let mut worse = Vec::new();
    for (trials, theirs) in &theirs {
        for function in functions() {
            let of = |sampler| median(&function, &sampler, trials.parse().unwrap());
            let (ours, chance) = (of(Sampler::Tpe(Tpe::default())), of(Sampler::Random));
            let (name, optuna) = (function.name, theirs[function.name]);
            shown +=
                &format!("{name} {trials}: {ours:.4}, Optuna {optuna:.4}, chance {chance:.4}\n");
            if ours > optuna + 0.2 * (chance - optuna).max(0.0) {
                worse.push(format!("{name} {trials}"));
            }
        }
    }
    assert!(worse.is_empty(), "{worse:?} of\n{shown}");
}
