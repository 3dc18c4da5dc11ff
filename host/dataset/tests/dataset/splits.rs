//! Every row is in exactly one part, and in the right one.

use std::fs::{self, File};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use trueline_dataset::{Dataset, Part};

use super::{open, read, rows};

fn parts(dataset: &Dataset) -> Vec<Vec<String>> {
    let part = |part: &Part| rows(&read(dataset, Some(*part), Some(&["n"]), 7).unwrap());
    dataset.parts().iter().map(part).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Row groups of four rows with statistics, so that skipping them is tested along.
    #[test]
    fn by_time(seconds in proptest::collection::vec(0_i64..100, 0..40), valid in 0_i64..60, test in 60_i64..100) {
        let dir = tempfile::tempdir().unwrap();
        let times = TimestampMillisecondArray::from_iter_values(seconds.iter().map(|second| second * 1000));
        let columns: [(&str, ArrayRef); 2] = [
            ("t", Arc::new(times.with_timezone("UTC"))),
            ("n", Arc::new(Int64Array::from(seconds.clone()))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(4)).build();
        let file = File::create(dir.path().join("t.parquet")).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let time = |second: i64| jiff::Timestamp::from_second(second).unwrap();
        let dataset = open(dir.path(), &format!(
            "[d]\npath = 't.parquet'\nsplit = {{ by = 't', valid_from = '{}', test_from = '{}' }}", time(valid), time(test)
        )).unwrap();
        let expected = |wanted: fn(i64, i64, i64) -> bool| -> Vec<String> {
            seconds.iter().filter(|&&second| wanted(second, valid, test)).map(i64::to_string).collect()
        };
        prop_assert_eq!(parts(&dataset), [
            expected(|second, valid, _| second < valid),
            expected(|second, valid, test| valid <= second && second < test),
            expected(|second, _, test| test <= second),
        ]);
    }

    #[test]
    fn by_hash(numbers in proptest::collection::vec(0_i64..50, 0..60), test in 0.0..0.5_f64, valid in 0.0..0.5_f64) {
        let dir = tempfile::tempdir().unwrap();
        let lines: String = numbers.iter().map(|number| format!("{number}\n")).collect();
        fs::write(dir.path().join("t.csv"), format!("n\n{lines}")).unwrap();
        let declaration = format!(
            "[d]\npath = 't.csv'\ntypes = {{ n = 'int64' }}\nsplit = {{ by = 'n', test = {test:?}, valid = {valid:?} }}"
        );
        let parts = parts(&open(dir.path(), &declaration).unwrap());
        // No row is lost or doubled, and rows of one key stay together.
        let mut all: Vec<i64> = parts.iter().flatten().map(|number| number.parse().unwrap()).collect();
        all.sort_unstable();
        let mut expected = numbers.clone();
        expected.sort_unstable();
        prop_assert_eq!(all, expected);
        for number in numbers {
            let number = number.to_string();
            prop_assert_eq!(parts.iter().filter(|part| part.contains(&number)).count(), 1);
        }
    }
}

/// The hash is written down in files that outlive this version: it must not change.
#[test]
fn hashed_rows_stay_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let lines: String = (0..1000)
        .map(|number| format!("{number},k{number}\n"))
        .collect();
    fs::write(dir.path().join("t.csv"), format!("n,k\n{lines}")).unwrap();
    let declaration = "[d]\npath = 't.csv'\nsplit = { by = ['n', 'k'], valid = 0.1, test = 0.2 }";
    let parts = parts(&open(dir.path(), declaration).unwrap());
    let [train, valid, test] = parts.as_slice() else {
        panic!("{parts:?}")
    };
    assert_eq!((train.len(), valid.len(), test.len()), SIZES);
    assert_eq!(test[..5], FIRST_OF_TEST);
}

/// From Python: `sha256(b"trueline-split-1\0" + b"\1" + n (8 bytes) + b"\2" + length (8 bytes) + k)`.
const SIZES: (usize, usize, usize) = (681, 93, 226);
const FIRST_OF_TEST: [&str; 5] = ["4", "8", "11", "12", "16"];

#[test]
fn a_row_without_a_time_is_refused_or_left_out() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("t.csv"),
        "t,n\n2013-01-01,1\n,2\n2013-01-03,3\n",
    )
    .unwrap();
    let split = "[d]\npath = 't.csv'\nsplit = { by = 't', test_from = '2013-01-02' }";
    let dataset = open(dir.path(), split).unwrap();
    for part in [Part::Train, Part::Test] {
        let error = read(&dataset, Some(part), Some(&["n"]), 10).unwrap_err();
        assert!(error.to_string().contains("no `t`"), "{error}");
        assert_eq!(
            error.hint(),
            Some("leave such rows out: where = \"t != null\"")
        );
    }
    let dataset = open(dir.path(), &format!("{split}\nwhere = 't != null'")).unwrap();
    assert_eq!(parts(&dataset), [["1"], ["3"]]);
}
