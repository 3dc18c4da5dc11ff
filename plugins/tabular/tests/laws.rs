//! The four laws, for every op and for pipelines of several, on tables that hold whatever breaks stages.

mod every_op;

use every_op::{every_op, fields, tame_tables};
use proptest::prelude::*;
use tabular::Tabular;
use trueline_sdk::Schema;
use trueline_sdk::testing::{Table, check_laws, describe, tables};

/// Checks the laws on wild and on tame tables: what is learned from one half is applied to the other.
#[track_caller]
fn check(steps: &str) {
    let params = format!(r#"{{"steps": [{steps}]}}"#);
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let run = |training: &Table, rows: &Table| {
        // What is refused before any row is there would keep every law.
        let signature = describe::<Tabular>(&params, &[], Some(rows));
        let signature = signature.expect("the steps fit the tables");
        let learns = signature.reduction.is_some();
        let inputs = [("rows", training)];
        check_laws::<Tabular>(&params, if learns { &inputs } else { &[] }, Some(rows));
    };
    let schema = Schema::new(fields());
    proptest!(config.clone(), |(training in tables(&schema, 0..30), rows in tables(&schema, 0..30))| {
        run(&training, &rows);
    });
    proptest!(config, |(training in tame_tables(1..30), rows in tame_tables(0..30))| run(&training, &rows));
}

macro_rules! laws {
    ($($name:ident: $steps:expr,)*) => {
        $(
            #[test]
            fn $name() {
                check($steps);
            }
        )*
    };
}

every_op!(laws);
