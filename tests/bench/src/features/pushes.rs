//! Rows that are pushed: each push is on the disk and in both stores when it is answered.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use trueline_runtime::table::arrow::array::{
    ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use trueline_runtime::table::arrow::datatypes::Int64Type;
use trueline_runtime::table::arrow::ipc::writer::StreamWriter;

use super::Bench;
use crate::load::{Load, Until, post};
use crate::rounds::Sample;
use crate::table::{Table, verdict};

/// Values of a row, beside its entity and its time.
pub(super) const VALUES: usize = 8;
const ENTITIES: usize = 10_000;
const AIM: f64 = 20_000.0;
/// 2026-01-01T00:00:00Z, before which no row happened.
const BEGIN_US: i64 = 1_767_225_600_000_000;

/// How rows are sent: of a push, pushes in all, connections.
const WAYS: [(&str, usize, usize, usize); 5] = [
    ("NDJSON", 1_000, 100, 1),
    ("NDJSON", 1_000, 200, 16),
    ("Arrow", 1_000, 100, 1),
    ("Arrow", 10_000, 20, 1),
    ("NDJSON", 100, 400, 16),
];

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let server = bench.serve()?;
    let mut table = Table::new([
        "push",
        "rows a push",
        "p50, ms",
        "p99, ms",
        "rows a second",
        "aim",
        "",
    ]);
    let mut first = 0;
    for (format, rows, pushes, connections) in WAYS {
        let requests = (0..pushes).map(|push| request(format, first + push * rows, rows));
        let load = Load::new(requests.collect::<Result<_>>()?, move |_, body| {
            let receipt: Value = serde_json::from_slice(body)?;
            ensure!(
                receipt["rows"] == rows && receipt["repeated"] == false,
                "{receipt}"
            );
            Ok(())
        });
        first += rows * pushes;
        let measured = load.run(server.address(), connections, Until::Asked(pushes))?;
        let per_second = (rows * pushes) as f64 / measured.elapsed.as_secs_f64();
        let sample = Sample::new(measured.durations);
        let plural = if connections == 1 { "" } else { "s" };
        let (aim, verdict) = match rows {
            1_000.. => (format!("{AIM}"), verdict(per_second >= AIM)),
            _ => (String::new(), String::new()),
        };
        table.row([
            format!("`POST /v1/sources/…/rows`, {format}, {connections} connection{plural}"),
            rows.to_string(),
            ms(sample.median()),
            ms(sample.percentile(99)),
            format!("{per_second:.0}"),
            aim,
            verdict,
        ]);
    }
    drop(server);
    everything_is_there(bench, first)?;
    Ok(format!(
        "{table}\nRows of {VALUES} float64, an entity and a time, {first} in all. A push is answered when the log has it on the disk \
         (SQLite, `synchronous=FULL`) and it is in both stores; each answer was looked at. Afterwards a training set and the online store had the last row of all \
         {ENTITIES} entities.\n"
    ))
}

/// Row `number` of all that are pushed.
fn value(number: usize, column: usize) -> f64 {
    (number * VALUES + column) as f64 / 3.0
}

#[expect(clippy::cast_possible_wrap, reason = "there are few rows")]
fn rows(first: usize, count: usize) -> Result<RecordBatch> {
    let numbers = || first..first + count;
    let users = numbers().map(|number| (number % ENTITIES) as i64);
    let times = numbers().map(|number| BEGIN_US + number as i64);
    let mut columns: Vec<(String, ArrayRef)> = vec![
        (
            "user_id".to_owned(),
            std::sync::Arc::new(Int64Array::from_iter_values(users)),
        ),
        (
            "at".to_owned(),
            std::sync::Arc::new(
                TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"),
            ),
        ),
    ];
    for column in 0..VALUES {
        let values = numbers().map(|number| value(number, column));
        let values = Float64Array::from_iter_values(values);
        columns.push((format!("v{column}"), std::sync::Arc::new(values)));
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn request(format: &str, first: usize, count: usize) -> Result<Vec<u8>> {
    let path = "/v1/sources/events/rows";
    if format == "Arrow" {
        let rows = rows(first, count)?;
        let mut stream = StreamWriter::try_new(Vec::new(), rows.schema_ref())?;
        stream.write(&rows)?;
        return Ok(post(
            path,
            "application/vnd.apache.arrow.stream",
            &stream.into_inner()?,
        ));
    }
    let mut lines = String::new();
    for number in first..first + count {
        let micros = number % 1_000_000;
        let seconds = number / 1_000_000;
        let at = format!("2026-01-01T00:00:{seconds:02}.{micros:06}Z");
        let mut row = json!({ "user_id": number % ENTITIES, "at": at });
        for column in 0..VALUES {
            row[format!("v{column}")] = json!(value(number, column));
        }
        lines.push_str(&row.to_string());
        lines.push('\n');
    }
    Ok(post(path, "application/x-ndjson", lines.as_bytes()))
}

/// The last of so many rows of each entity is in both stores.
fn everything_is_there(bench: &Bench, count: usize) -> Result<()> {
    let last = rows(count - ENTITIES, ENTITIES)?;
    let path = bench.data().join("users.arrow");
    let [users, now] = ["user_id", "at"].map(|name| last.column_by_name(name).cloned());
    let spine = RecordBatch::try_from_iter([
        ("user_id", users.context("no users")?),
        ("event_timestamp", now.context("no times")?),
    ])?;
    crate::preprocessing::write_arrow(&path, &[spine])?;
    let path = path.to_string_lossy();
    let words = [
        "features",
        "history",
        "--features",
        "events",
        "--ignore-known",
    ];
    let made = bench.data().join("events.ndjson");
    let made = made.to_string_lossy();
    let words: Vec<&str> = words
        .into_iter()
        .chain(["--spine", &path, "--out", &made])
        .collect();
    bench.trueline(&words)?;
    let text = std::fs::read_to_string(&*made)?;
    let user_ids = last.column(0).as_primitive::<Int64Type>().values().to_vec();
    let server = bench.serve()?;
    let body = json!({ "features": ["events:v0"], "entities": { "user_id": user_ids } });
    let request = post(
        "/get-online-features",
        "application/json",
        body.to_string().as_bytes(),
    );
    let expected: Vec<f64> = (count - ENTITIES..count)
        .map(|number| value(number, 0))
        .collect();
    for (line, expected) in text.lines().zip(&expected) {
        let row: Value = serde_json::from_str(line)?;
        ensure!(row["v0"] == *expected, "{row} instead of {expected}");
    }
    ensure!(
        text.lines().count() == ENTITIES,
        "rows of the training set are lost"
    );
    let check = move |_: usize, body: &[u8]| {
        let answer: Value = serde_json::from_slice(body)?;
        let online = answer["results"][1]["values"]
            .as_array()
            .context("no values")?;
        let online: Option<Vec<f64>> = online.iter().map(Value::as_f64).collect();
        ensure!(
            online.as_ref() == Some(&expected),
            "the online store lacks rows"
        );
        Ok(())
    };
    Load::new(vec![request], check).run(server.address(), 1, Until::Asked(1))?;
    Ok(())
}

fn ms(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}
