//! The same bits from every way: another home, other threads, other batches.

use crate::trips;

#[test]
fn two_homes_threads_and_batches_give_one_digest() {
    let project = trips::project();
    let mut results = [
        "",
        "--threads 1 --batch-rows 7",
        "--threads 5 --batch-rows 64",
    ]
    .into_iter()
    .enumerate()
    .map(|(home, options)| {
        let line = format!("run trips.toml --json --home home{home} {options}");
        let run = project.trueline(&line).exits(0).json();
        let stages = run["stages"].as_array().unwrap();
        let learned = stages
            .iter()
            .map(|stage| (stage["state_digest"].clone(), stage["metrics"].clone()));
        (
            run["package"]["digest"].clone(),
            learned.collect::<Vec<_>>(),
        )
    });
    let first = results.next().unwrap();
    for other in results {
        assert_eq!(other, first);
    }
}

#[test]
fn a_second_run_in_one_home_makes_no_new_version() {
    let project = trips::project();
    let run = || project.trueline("run trips.toml --json").exits(0).json();
    let (first, second) = (run(), run());
    assert_eq!(first["package"]["digest"], second["package"]["digest"]);
    assert_eq!(second["package"]["version"], 1);
    assert_ne!(first["run"], second["run"]);
    assert_eq!(
        project
            .trueline("runs --json")
            .exits(0)
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn every_bit_is_proved_over_every_way() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    let proof = project
        .trueline("verify trips@1 --json --batch-rows 100")
        .exits(0)
        .json();
    assert_eq!(proof["bits_differing"], 0);
    let ways = proof["ways"].as_array().unwrap();
    let named = |text: &str| {
        ways.iter()
            .any(|way| way["way"].as_str().unwrap().contains(text))
    };
    for way in [
        "64k",
        "random chunks",
        "row by row",
        "baked",
        "Pulley",
        "merged",
        "HTTP JSON",
        "OIP binary",
        "CSV",
    ] {
        assert!(named(way), "{way} is missing in {ways:?}");
    }
    for way in ways {
        assert!(way["bits"].as_u64().unwrap() > 0, "{way}");
    }
}
