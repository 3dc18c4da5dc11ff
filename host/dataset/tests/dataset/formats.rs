//! The same rows in every format are the same table.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::Int64Type;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use trueline_dataset::{Memo, NoMemo, TablePin};
use trueline_table::{DataType, Digest};

use super::{open, read, rows};

const CSV: &str = "\u{feff}id,code,ratio,ok,at\n\
    1,007,0.5,true,2013-01-01T10:00:00Z\n\
    2,\"a,\"\"b\"\"\nc\",-3,FALSE,2013-01-01T05:00:00.25-05:00\n\
    NA,,NaN,,\n";

const NDJSON: &str = r#"{"id":1,"code":"007","ratio":0.5,"ok":true,"at":"2013-01-01T10:00:00Z"}

{"code":"a,\"b\"\nc","id":2,"ratio":-3,"ok":false,"at":"2013-01-01T10:00:00.25Z"}
{"ratio":"NaN","id":null}
"#;

const ROWS: [&str; 3] = [
    "1|007|0.5|true|2013-01-01T10:00:00Z",
    "2|a,\"b\"\nc|-3.0|false|2013-01-01T10:00:00.25Z",
    "-|-|NaN|-|-",
];

/// The rows as another library would write them: other integer widths and units.
fn batch() -> RecordBatch {
    let times = TimestampMillisecondArray::from(vec![
        Some(1_357_034_400_000),
        Some(1_357_034_400_250),
        None,
    ]);
    let columns: [(&str, ArrayRef); 5] = [
        (
            "id",
            Arc::new(Int64Array::from(vec![Some(1), Some(2), None])),
        ),
        (
            "code",
            Arc::new(arrow::array::LargeStringArray::from(vec![
                Some("007"),
                Some("a,\"b\"\nc"),
                None,
            ])),
        ),
        (
            "ratio",
            Arc::new(arrow::array::Float64Array::from(vec![0.5, -3.0, f64::NAN])),
        ),
        (
            "ok",
            Arc::new(arrow::array::BooleanArray::from(vec![
                Some(true),
                Some(false),
                None,
            ])),
        ),
        ("at", Arc::new(times.with_timezone("+02:00"))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn write_files(dir: &Path) {
    fs::write(dir.join("t.csv"), CSV).unwrap();
    fs::write(dir.join("t.ndjson"), NDJSON).unwrap();
    let batch = batch();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(2))
        .build();
    let mut parquet = ArrowWriter::try_new(
        File::create(dir.join("t.parquet")).unwrap(),
        batch.schema(),
        Some(properties),
    )
    .unwrap();
    parquet.write(&batch).unwrap();
    parquet.close().unwrap();
    let mut file = FileWriter::try_new(
        File::create(dir.join("t.feather")).unwrap(),
        &batch.schema(),
    )
    .unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
    let mut stream =
        StreamWriter::try_new(File::create(dir.join("t.arrows")).unwrap(), &batch.schema())
            .unwrap();
    stream.write(&batch).unwrap();
    stream.finish().unwrap();
}

#[test]
fn one_table_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path());
    let mut digests = Vec::new();
    for (path, types) in [
        ("t.csv", ""),
        (
            "t.ndjson",
            "types = { at = 'timestamp', ratio = 'float64' }",
        ),
        ("t.parquet", ""),
        ("t.feather", ""),
        ("t.arrows", ""),
    ] {
        let dataset = open(dir.path(), &format!("[d]\npath = '{path}'\n{types}")).unwrap();
        for batch_rows in [1, 2, 100] {
            assert_eq!(
                rows(&read(&dataset, None, None, batch_rows).unwrap()),
                ROWS,
                "{path}"
            );
        }
        let some = read(&dataset, None, Some(&["ok", "id"]), 2).unwrap();
        assert_eq!(rows(&some), ["true|1", "false|2", "-|-"], "{path}");
        let none = read(&dataset, None, Some(&[]), 2).unwrap();
        assert_eq!((none.num_rows(), none.num_columns()), (3, 0), "{path}");
        digests.push(dataset.pin(&NoMemo).unwrap().table);
    }
    assert_eq!(digests[0].rows, 3);
    assert!(
        digests.iter().all(|digest| *digest == digests[0]),
        "{digests:?}"
    );
}

#[test]
fn several_files_are_read_in_the_order_of_their_paths() {
    let dir = tempfile::tempdir().unwrap();
    for (name, csv) in [
        ("a10.csv", "x,y\n10,b"),
        ("a2.csv", "y,x\n,2.5"),
        ("B.csv", "x,y\n1,"),
        ("a.txt", ""),
    ] {
        fs::write(dir.path().join(name), csv).unwrap();
    }
    let check = |path: &str, expected: &[&str]| {
        let dataset = open(dir.path(), &format!("[d]\npath = {path}")).unwrap();
        assert_eq!(
            rows(&read(&dataset, None, None, 10).unwrap()),
            expected,
            "{path}"
        );
    };
    check("'*.csv'", &["1.0|-", "10.0|b", "2.5|-"]);
    check("['a2.csv', 'a1?.csv']", &["-|2.5", "b|10.0"]);
    check("'[a]*.csv'", &["10.0|b", "2.5|-"]);
}

#[test]
fn declared_types_and_null_texts() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("t.csv"),
        "zip;at;country\n1;2013-01-01 10:00:00;NA\n-;-;DE\n",
    )
    .unwrap();
    let declaration = "[d]\npath = 't.csv'\ncsv = { delimiter = ';', null = ['-'] }\n\
        types = { zip = 'utf8', at = 'timestamp' }";
    let dataset = open(dir.path(), declaration).unwrap();
    assert_eq!(
        rows(&read(&dataset, None, None, 10).unwrap()),
        ["1|2013-01-01T10:00:00Z|NA", "-|-|DE"]
    );
}

#[test]
fn declared_types_of_typed_files() {
    let dir = tempfile::tempdir().unwrap();
    let columns: [(&str, ArrayRef); 3] = [
        (
            "at",
            Arc::new(StringArray::from(vec![
                "2013-01-01T10:00:00Z",
                "2013-01-01 10:00:00",
            ])),
        ),
        ("day", Arc::new(Date32Array::from(vec![0, 15_949]))),
        ("n", Arc::new(Int64Array::from(vec![1, 2]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(dir.path().join("t.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let declared = |types: &str| {
        open(
            dir.path(),
            &format!("[d]\npath = 't.parquet'\ntypes = {types}"),
        )
        .unwrap()
    };
    let dataset = declared("{ at = 'timestamp', day = 'timestamp', n = 'float32' }");
    assert_eq!(
        rows(&read(&dataset, None, None, 10).unwrap()),
        [
            "2013-01-01T10:00:00Z|1970-01-01T00:00:00Z|1.0",
            "2013-01-01T10:00:00Z|2013-09-01T00:00:00Z|2.0"
        ]
    );
    let error = read(&declared("{ at = 'int64' }"), None, None, 10).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("column `at`: `2013-01-01T10:00:00Z` is no int64"),
        "{error}"
    );
}

#[test]
fn a_column_that_no_stage_can_read_may_be_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1)]), None]);
    let columns: [(&str, ArrayRef); 2] = [
        ("tags", Arc::new(lists)),
        ("name", Arc::new(StringArray::from(vec!["a", "b"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = FileWriter::try_new(
        File::create(dir.path().join("t.arrow")).unwrap(),
        &batch.schema(),
    )
    .unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    fs::write(
        dir.path().join("t.ndjson"),
        "{\"tags\":[1],\"name\":\"a\"}\n{\"name\":\"b\"}\n",
    )
    .unwrap();
    for path in ["t.arrow", "t.ndjson"] {
        let error = open(dir.path(), &format!("[d]\npath = '{path}'")).unwrap_err();
        assert!(error.to_string().contains("`tags`"), "{error}");
        assert!(error.hint().unwrap().contains("`drop`"), "{error}");
        let dataset = open(
            dir.path(),
            &format!("[d]\npath = '{path}'\ndrop = ['tags']"),
        )
        .unwrap();
        assert_eq!(rows(&read(&dataset, None, None, 10).unwrap()), ["a", "b"]);
    }
}

/// Remembers one table.
#[derive(Default)]
struct OneMemo(std::sync::Mutex<Option<(Digest, TablePin)>>);

impl Memo for OneMemo {
    fn get(&self, key: &Digest) -> Option<TablePin> {
        self.0
            .lock()
            .unwrap()
            .filter(|(known, _)| known == key)
            .map(|(_, table)| table)
    }

    fn put(&self, key: &Digest, table: &TablePin) {
        *self.0.lock().unwrap() = Some((*key, *table));
    }
}

#[test]
fn pins_tell_content_from_format_and_declaration() {
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path());
    let memo = OneMemo::default();
    let pin = |declaration: &str| {
        open(dir.path(), &format!("[d]\n{declaration}"))
            .unwrap()
            .pin(&memo)
            .unwrap()
    };
    let csv = pin("path = 't.csv'");
    assert_eq!(csv.files[0].path, "t.csv");
    assert_eq!(csv.files[0].digest, Digest::of(CSV.as_bytes()));
    assert_eq!(csv.files[0].size_bytes, CSV.len() as u64);
    let parquet = pin("path = 't.parquet'");
    assert_eq!(csv.table, parquet.table);
    assert_eq!(
        csv.view, parquet.view,
        "another format of the same rows gives the same results"
    );
    let filtered = pin("path = 't.csv'\nwhere = 'ok'");
    assert_eq!(filtered.table, csv.table);
    assert_ne!(filtered.view, csv.view);
    let retyped = pin("path = 't.csv'\ntypes = { id = 'float64' }");
    assert_ne!(retyped.table, csv.table);
    // What a memo says is believed, for exactly the same files and options.
    let planted = TablePin {
        digest: Digest::of(b"planted"),
        rows: 7,
    };
    let key = memo.0.lock().unwrap().unwrap().0;
    memo.put(&key, &planted);
    assert_eq!(
        pin("path = 't.csv'\ntypes = { id = 'float64' }").table,
        planted
    );
    assert_eq!(pin("path = 't.csv'").table, csv.table);
}

#[test]
fn columns_are_selected_and_dropped() {
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path());
    let check = |declaration: &str, expected: &[(&str, DataType)]| {
        let dataset = open(dir.path(), &format!("[d]\npath = 't.csv'\n{declaration}")).unwrap();
        let fields = dataset
            .schema()
            .fields
            .iter()
            .map(|field| (field.name.as_str(), field.data_type));
        assert_eq!(fields.collect::<Vec<_>>(), expected);
        assert_eq!(
            read(&dataset, None, None, 10).unwrap().num_columns(),
            expected.len()
        );
    };
    check(
        "select = ['ok', 'id']",
        &[("ok", DataType::Boolean), ("id", DataType::Int64)],
    );
    check(
        "drop = ['ok', 'at', 'ratio']",
        &[("id", DataType::Int64), ("code", DataType::Utf8)],
    );
    check(
        "select = ['code']\nwhere = 'id > 1'\nlabel = { name = 'y', value = 'ratio * 2.0' }",
        &[("code", DataType::Utf8), ("y", DataType::Float64)],
    );
}
