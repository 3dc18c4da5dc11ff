//! A standard stage through all that the runtime offers: describe, reduce, merge, map, bake, package.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::sync::Arc;

use trueline_runtime::table::arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use trueline_runtime::table::arrow::datatypes::Float64Type;
use trueline_runtime::table::{Digest, Schema};
use trueline_runtime::{
    Backend, Bound, Error, GuestErrorKind, Input, Limits, Link, Manifest, Package, Runtime, World,
};

const PARAMS: &str = r#"{"steps":[{"op":"standard-scale","columns":["x"]}]}"#;

fn component() -> &'static [u8] {
    trueline_stages::find("tabular")
        .expect("a standard stage")
        .bytes()
}

fn rows(values: &[f64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
    RecordBatch::try_from_iter_with_nullable([("x", column, true)]).unwrap()
}

/// The state learned from these pieces, each reduced by an instance of its own and merged.
fn fit(runtime: &Runtime, pieces: &[RecordBatch]) -> Vec<u8> {
    let stage = runtime.admit(component()).unwrap();
    let inputs = [Input::rows(
        Schema::from_arrow(&pieces[0].schema()).unwrap(),
    )];
    let signature = stage
        .describe(PARAMS, &inputs, None)
        .unwrap()
        .reduction
        .unwrap();
    let begin = |pass, state: &[u8]| {
        stage
            .reduce(PARAMS, &inputs, pass, state, &Limits::default(), None)
            .unwrap()
    };
    let mut state = Vec::new();
    for pass in 0..signature.passes {
        let mut total = begin(pass, &state);
        for piece in pieces {
            let mut part = begin(pass, &state);
            part.update(0, piece).unwrap();
            total.merge(&part.partial().unwrap()).unwrap();
        }
        state = total.finish().unwrap().state;
    }
    state
}

fn package(runtime: &Runtime, table: &RecordBatch) -> Package {
    let stage = runtime.admit(component()).unwrap();
    let state = fit(runtime, std::slice::from_ref(table));
    let schema = Schema::from_arrow(&table.schema()).unwrap();
    let mapping = stage
        .describe(PARAMS, &[], Some(&schema))
        .unwrap()
        .mapping
        .unwrap();
    let bound = Bound::new(&mapping, &schema).unwrap();
    let mapper = stage
        .map(PARAMS, &bound, &state, &Limits::default())
        .unwrap();
    let link = Link::new(
        stage.digest(),
        PARAMS,
        &bound,
        mapper.writes(),
        Digest::of(&state),
    )
    .unwrap();
    Package::new(Manifest::new(vec![link]), |digest| {
        Ok::<_, Error>(if digest == stage.digest() {
            component().to_vec()
        } else {
            state.clone()
        })
    })
    .unwrap()
}

#[test]
fn a_reduction_does_not_depend_on_partition_or_back_end() {
    let (a, b, c) = (rows(&[1.0, 2.5]), rows(&[]), rows(&[1e100, -0.0, f64::NAN]));
    let runtime = Runtime::new(Backend::Cranelift, None).unwrap();
    let pulley = Runtime::new(Backend::Pulley, None).unwrap();
    let whole = rows(&[1.0, 2.5, 1e100, -0.0, f64::NAN]);
    let expected = fit(&runtime, std::slice::from_ref(&whole));
    assert_eq!(fit(&runtime, &[c.clone(), a.clone(), b.clone()]), expected);
    assert_eq!(fit(&pulley, &[b, c, a]), expected);
}

#[test]
fn a_package_file_predicts_what_its_parts_predict() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new(Backend::Cranelift, Some(folder.path().join("code"))).unwrap();
    let table = rows(&[1.0, 2.0, 3.0]);
    let made = package(&runtime, &table);
    let path = folder.path().join("scale.trueline");
    made.write(&path).unwrap();
    let opened = Package::open(&path).unwrap();
    assert_eq!(opened.digest(), made.digest());

    // The second load takes compiled code from the folder.
    for _ in 0..2 {
        let loaded = opened.load(&runtime).unwrap();
        let answer = loaded.predict(&table).unwrap();
        let scaled = answer.column(0).as_primitive::<Float64Type>();
        assert_eq!(
            scaled.values(),
            &[-1.224_744_871_391_589, 0.0, 1.224_744_871_391_589]
        );
        let missing = loaded
            .predict(&rows(&[1.0]).project(&[]).unwrap())
            .unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the input has no column `x` (float64 is expected); it has no columns"
        );
    }

    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let changed = Package::open(&path).unwrap_err().to_string();
    assert!(changed.contains("were changed"), "{changed}");
}

#[test]
fn a_thousand_fresh_instances_answer_alike() {
    let runtime = Runtime::new(Backend::Cranelift, None).unwrap();
    let loaded = package(&runtime, &rows(&[1.0, 2.0, 3.0]))
        .load(&runtime)
        .unwrap();
    let row = rows(&[7.0]);
    let first = loaded.predict(&row).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..500 {
                    assert_eq!(loaded.predict(&row).unwrap(), first);
                }
            });
        }
    });
}

#[test]
fn a_stage_says_what_is_wrong_in_its_own_words() {
    let runtime = Runtime::new(Backend::Cranelift, None).unwrap();
    let stage = runtime.admit(component()).unwrap();
    assert_eq!(stage.world(), World::Transform);
    let schema = Schema::from_arrow(&rows(&[]).schema()).unwrap();
    let unknown = stage
        .describe(r#"{"steps":[{"op":"scale-up"}]}"#, &[], Some(&schema))
        .unwrap_err();
    let Error::Guest {
        kind: GuestErrorKind::Params,
        message,
    } = &unknown
    else {
        panic!("{unknown:?}");
    };
    assert!(
        message.contains("scale-up") && message.contains("standard-scale"),
        "{message}"
    );
}
