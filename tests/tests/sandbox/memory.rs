//! A stage that remembers: every instance is fresh, so there is nothing that it could remember.

use trueline_runtime::table::Digest;
use trueline_runtime::table::arrow::array::{AsArray, RecordBatch};
use trueline_runtime::table::arrow::datatypes::Float64Type;
use trueline_runtime::{Error, Link, Manifest, Package};
use trueline_tests::{guests, rows};

use crate::stage::{Hostile, RUNTIME};

/// Answers with how often its memory was asked.
const COUNT: &str = r#"{"mode": "count"}"#;

fn count(answer: &RecordBatch) -> f64 {
    answer.column(0).as_primitive::<Float64Type>().value(0)
}

#[test]
fn the_stage_would_remember_if_it_were_let() {
    let mut mapper = Hostile(COUNT).mapper().unwrap();
    let row = rows::x([1.0]);
    let first = count(&mapper.map(&row).unwrap());
    assert_eq!(count(&mapper.map(&row).unwrap()), first + 1.0);
}

#[test]
fn a_baked_stage_answers_the_first_and_the_thousandth_row_alike() {
    let baked = Hostile(COUNT).bake().unwrap();
    let row = rows::x([1.0]);
    let first = baked.map(&row).unwrap();
    for _ in 0..1000 {
        assert_eq!(baked.map(&row).unwrap(), first);
    }
    let again = Hostile(COUNT).bake().unwrap();
    assert_eq!(again.digest(), baked.digest());
    assert_eq!(again.map(&row).unwrap(), first);
}

#[test]
fn a_package_answers_the_first_and_the_thousandth_row_alike_on_two_threads() {
    let hostile = Hostile(COUNT);
    let bound = hostile.bound().unwrap();
    let component = Digest::of(guests::hostile());
    let mapper = hostile.mapper().unwrap();
    let link = Link::new(component, COUNT, &bound, mapper.writes(), Digest::of(b"")).unwrap();
    let part = |digest| {
        let component = digest == component;
        Ok::<_, Error>(if component {
            guests::hostile().to_vec()
        } else {
            Vec::new()
        })
    };
    let package = Package::new(Manifest::new(vec![link]), part).unwrap();
    let loaded = package.load(&RUNTIME).unwrap();
    let row = rows::x([1.0]);
    let first = loaded.predict(&row).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    assert_eq!(loaded.predict(&row).unwrap(), first);
                }
            });
        }
    });
}
