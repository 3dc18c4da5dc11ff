//! Guests that answer with something else than they said: the answer never gets through.

use trueline_runtime::Error;
use trueline_runtime::table::arrow::array::AsArray;
use trueline_runtime::table::arrow::datatypes::Float64Type;
use trueline_tests::rows;

use crate::stage::Hostile;

fn params(mode: &str) -> String {
    format!(r#"{{"mode": "{mode}"}}"#)
}

#[track_caller]
fn check(error: Error, reason: &str) {
    let Error::Contract { reason: said } = &error else {
        panic!("{error:?} is not a broken contract");
    };
    assert!(said.contains(reason), "{said}");
}

#[test]
fn rows_that_break_the_contract_are_refused() {
    let rows = rows::x([1.0, 2.0, 3.0]);
    for (mode, reason) in [
        ("one-row-more", "3 rows in, 4 rows out"),
        ("no-rows", "3 rows in, 0 rows out"),
        ("other-type", "not a frame: "),
        ("garbage", "not a frame: "),
        ("nothing", "not a frame: it is cut short"),
        ("not-utf8", "column `y`: its text is not UTF-8"),
    ] {
        let params = params(mode);
        check(Hostile(&params).map(&rows).unwrap_err(), reason);
        // Some answers are right for the empty batch that baking tries; then the baked map is asked.
        match Hostile(&params).bake() {
            Ok(baked) => check(baked.map(&rows).unwrap_err(), reason),
            Err(error) => check(error, ""),
        }
    }
}

#[test]
fn a_signature_that_makes_no_sense_is_refused() {
    let mapping = |mode: &str| Hostile(&params(mode)).bound().unwrap_err();
    check(
        mapping("read-missing-column"),
        "it reads `z`, which the table lacks",
    );
    check(mapping("read-column-twice"), "it reads `x` twice");
    check(
        mapping("write-column-twice"),
        "it writes two columns called `y`",
    );
    let reduction = |mode: &str| Hostile(&params(mode)).begin().err().unwrap();
    check(reduction("no-passes"), "takes no passes");
    check(
        reduction("read-missing-column"),
        "it reads `z`, which the table lacks",
    );
    check(reduction("read-column-twice"), "it reads `x` twice");
}

#[test]
fn a_signature_without_end_is_not_copied() {
    let error = Hostile(&params("many-columns")).bound().unwrap_err();
    assert!(matches!(error, Error::Output { .. }), "{error:?}");
}

#[test]
fn what_is_loaded_writes_what_the_signature_said() {
    let error = Hostile(&params("write-other-columns"))
        .mapper()
        .err()
        .unwrap();
    check(
        error,
        "its signature says that it writes (y float64), loaded it writes (other int32)",
    );
}

#[test]
fn every_nan_comes_out_as_the_one_nan() {
    const CANONICAL: u64 = 0x7ff8_0000_0000_0000;
    let answer = Hostile(&params("odd-nans"))
        .map(&rows::x([1.0; 5]))
        .unwrap();
    for value in answer.column(0).as_primitive::<Float64Type>().values() {
        assert_eq!(value.to_bits(), CANONICAL);
    }
    let outcome = Hostile(&params("odd-metric")).fit(&rows::x([1.0])).unwrap();
    assert_eq!(outcome.metrics[0].value.to_bits(), CANONICAL);
}

#[test]
fn every_nan_goes_in_as_the_one_nan() {
    let odd = rows::x([f64::from_bits(0xfff8_0000_0000_0007), f64::NAN]);
    let answer = Hostile("{}").map(&odd).unwrap();
    assert_eq!(
        rows::bytes(&answer),
        rows::bytes(&Hostile("{}").map(&rows::x([f64::NAN; 2])).unwrap())
    );
}
