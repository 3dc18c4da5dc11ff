use proptest::prelude::*;
use serde_json::json;

use super::*;

fn domains() -> Vec<Domain> {
    vec![
        Domain::Float {
            low: -2.0,
            high: 3.0,
            log: false,
            step: None,
        },
        Domain::Float {
            low: 1e-3,
            high: 10.0,
            log: true,
            step: None,
        },
        Domain::Float {
            low: 0.5,
            high: 1.0,
            log: false,
            step: Some(0.1),
        },
        Domain::Int {
            low: 3,
            high: 12,
            log: false,
            step: 1,
        },
        Domain::Int {
            low: 10,
            high: 95,
            log: false,
            step: 10,
        },
        Domain::Int {
            low: 1,
            high: 1024,
            log: true,
            step: 1,
        },
        Domain::Choice {
            values: vec![json!("a"), json!(2), json!(false)],
        },
    ]
}

proptest! {
    #[test]
    fn what_is_drawn_is_in_the_domain(seed: u64) {
        for domain in domains() {
            let value = domain.draw(&mut Random::of(seed, 0, "x"));
            let is_in = match &domain {
                Domain::Float { low, high, .. } => value.as_f64().is_some_and(|value| (*low..=*high).contains(&value)),
                Domain::Int { low, high, step, .. } => {
                    value.as_i64().is_some_and(|value| (*low..=*high).contains(&value) && (value - low) % step == 0)
                }
                Domain::Choice { values } => values.contains(&value),
            };
            prop_assert!(is_in, "{domain:?}: {value}");
        }
    }
}

#[test]
fn every_value_with_steps_is_as_likely() {
    for domain in domains() {
        let (Some(values), false) = (domain.values(), domain.is_log()) else {
            continue;
        };
        let drawn: Vec<Json> = (0..4000)
            .map(|trial| domain.draw(&mut Random::of(5, trial, "x")))
            .collect();
        for value in &values {
            let share = drawn.iter().filter(|drawn| *drawn == value).count() as f64 / 4000.0;
            let expected = 1.0 / values.len() as f64;
            assert!(
                (share - expected).abs() < 0.03,
                "{domain:?}: {value} {share}"
            );
        }
    }
}

#[test]
fn a_grid_has_every_combination() {
    let mut space = Space::new();
    space.insert(
        "a".to_owned(),
        Domain::Int {
            low: 1,
            high: 2,
            log: false,
            step: 1,
        },
    );
    space.insert(
        "b".to_owned(),
        Domain::Choice {
            values: vec![json!("x"), json!("y")],
        },
    );
    let points = grid(&space).unwrap();
    let shown: Vec<String> = points
        .iter()
        .map(|point| json!(point).to_string())
        .collect();
    assert_eq!(
        shown,
        [
            r#"{"a":1,"b":"x"}"#,
            r#"{"a":1,"b":"y"}"#,
            r#"{"a":2,"b":"x"}"#,
            r#"{"a":2,"b":"y"}"#,
        ]
    );
    space.insert("c".to_owned(), domains().remove(0));
    assert_eq!(grid(&space), Err("c".to_owned()));
}

#[test]
fn ranges_that_make_no_sense_are_told() {
    let check = |domain: Domain, said: &str| {
        let problem = domain.problem().unwrap_or_default();
        assert!(problem.contains(said), "{domain:?}: {problem}");
    };
    let float = |low, high, log, step| Domain::Float {
        low,
        high,
        log,
        step,
    };
    check(float(1.0, 0.0, false, None), "below it");
    check(float(0.0, 1.0, true, None), "above 0");
    check(float(0.0, f64::INFINITY, false, None), "not finite");
    check(float(0.0, 1.0, false, Some(0.0)), "`step`");
    check(
        Domain::Int {
            low: i64::MIN,
            high: i64::MAX,
            log: false,
            step: 1,
        },
        "more values",
    );
    check(Domain::Choice { values: Vec::new() }, "nothing to choose");
    assert!(domains().iter().all(|domain| domain.problem().is_none()));
}
