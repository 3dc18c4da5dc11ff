//! The example's data, read as its pipeline declares it. The numbers come from pandas.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::sum;
use arrow::datatypes::{Float64Type, Int64Type};
use trueline_dataset::{BATCH_ROWS, Catalog, Dataset, DatasetSpec, NoMemo, Part, ScanOptions};
use trueline_table::{DataType, Role};

const DECLARATION: &str = r#"
    [flights]
    path = "data/flights.parquet"
    join = [{ with = "weather", on = ["origin", "time_hour"], take = ["temp", "humid", "wind_speed", "precip", "visib"] }]
    key = ["time_hour", "carrier", "flight", "origin"]
    where = "arr_delay != null"
    label = { name = "late", value = "arr_delay > 15" }
    split = { by = "time_hour", valid_from = "2013-09-01T00:00:00Z", test_from = "2013-10-01T00:00:00Z" }

    [weather]
    path = "data/weather.parquet"

    [planes]
    path = "data/planes.csv"

    [airports]
    path = "data/airports.csv"
"#;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flights")
}

fn open(name: &str) -> Dataset {
    let specs: BTreeMap<String, DatasetSpec> = toml::from_str(DECLARATION).unwrap();
    Catalog::new(example(), specs).open(name).unwrap()
}

fn read(dataset: &Dataset, part: Option<Part>, columns: &[&str]) -> RecordBatch {
    super::read(dataset, part, Some(columns), BATCH_ROWS).unwrap()
}

#[test]
fn flights_joined_filtered_labelled_and_split() {
    let flights = open("flights");
    assert_eq!(flights.parts(), [Part::Train, Part::Valid, Part::Test]);
    assert_eq!(flights.event_time(), Some("time_hour"));
    let late = flights.schema().fields.last().unwrap();
    assert_eq!(
        (late.name.as_str(), late.data_type, late.role),
        ("late", DataType::Boolean, Role::Label)
    );
    assert!(
        !late.nullable,
        "the condition keeps arr_delay from being null"
    );
    assert_eq!(flights.schema().field("time_hour").unwrap().role, Role::Key);
    assert!(flights.schema().field("temp").unwrap().nullable);

    let check = |part,
                 rows: usize,
                 late: usize,
                 temps: usize,
                 temp: f64,
                 distance: i64,
                 visibs: usize,
                 precip: f64| {
        let view = read(
            &flights,
            part,
            &["precip", "late", "temp", "distance", "visib"],
        );
        assert_eq!(view.num_rows(), rows, "{part:?}");
        assert_eq!(view.column(1).as_boolean().true_count(), late, "{part:?}");
        let values = |column: usize| view.num_rows() - view.column(column).null_count();
        assert_eq!((values(2), values(4)), (temps, visibs), "{part:?}");
        let total = |column: usize| sum(view.column(column).as_primitive::<Float64Type>()).unwrap();
        assert!((total(2) - temp).abs() < 1e-3, "{part:?}: {}", total(2));
        assert!((total(0) - precip).abs() < 1e-6, "{part:?}: {}", total(0));
        assert_eq!(
            sum(view.column(3).as_primitive::<Int64Type>()),
            Some(distance),
            "{part:?}"
        );
    };
    check(
        None,
        327_346,
        77_630,
        325_802,
        18_573_370.84,
        343_180_156,
        325_819,
        1372.75,
    );
    check(
        Some(Part::Train),
        217_680,
        55_762,
        217_322,
        12_685_091.8,
        227_526_323,
        217_339,
        1091.1,
    );
    check(
        Some(Part::Valid),
        26_966,
        3_570,
        26_952,
        1_863_582.6,
        28_299_772,
        26_952,
        40.29,
    );
    check(
        Some(Part::Test),
        82_700,
        18_298,
        81_528,
        4_024_696.44,
        87_354_061,
        81_528,
        241.36,
    );
}

#[test]
fn columns_of_csv_files_get_the_types_they_have() {
    let types = |name: &str| {
        let dataset = open(name);
        let fields = dataset.schema().fields.iter();
        fields
            .map(|field| (field.name.clone(), field.data_type))
            .collect::<Vec<_>>()
    };
    use DataType::{Float64, Int64, Utf8};
    let planes = [
        ("tailnum", Utf8),
        ("year", Int64),
        ("type", Utf8),
        ("manufacturer", Utf8),
        ("model", Utf8),
        ("engines", Int64),
        ("seats", Int64),
        ("speed", Int64),
        ("engine", Utf8),
    ];
    assert_eq!(
        types("planes"),
        planes.map(|(name, data_type)| (name.to_owned(), data_type))
    );
    let airports = [
        ("faa", Utf8),
        ("name", Utf8),
        ("lat", Float64),
        ("lon", Float64),
        ("alt", Int64),
        ("tz", Int64),
        ("dst", Utf8),
        ("tzone", Utf8),
    ];
    assert_eq!(
        types("airports"),
        airports.map(|(name, data_type)| (name.to_owned(), data_type))
    );

    let planes = read(&open("planes"), None, &["year", "speed", "seats"]);
    assert_eq!(planes.num_rows(), 3_322);
    let nulls = |column: usize| planes.column(column).null_count();
    assert_eq!((nulls(0), nulls(1), nulls(2)), (70, 3_299, 0));
    let airports = read(&open("airports"), None, &["faa", "tzone"]);
    assert_eq!(
        (airports.num_rows(), airports.column(1).null_count()),
        (1_458, 3)
    );
    assert_eq!(airports.column(0).as_string::<i32>().value(0), "04G");
}

/// The digests are part of what is recorded with every run, so they must not change by accident.
#[test]
fn pins_do_not_depend_on_how_rows_are_read() {
    let weather = open("weather");
    let pin = weather.pin(&NoMemo).unwrap();
    assert_eq!(pin.table.rows, 26_115);
    assert_eq!(pin.files[0].size_bytes, 220_817);
    assert_eq!(weather.digest_part(None).unwrap(), pin.table);
    let mut digest = trueline_table::TableDigest::new(weather.schema());
    for batch in weather
        .scan(&ScanOptions {
            batch_rows: 1_000,
            ..ScanOptions::default()
        })
        .unwrap()
    {
        digest.update(&batch.unwrap()).unwrap();
    }
    assert_eq!(digest.finish().unwrap(), pin.table.digest);
}
