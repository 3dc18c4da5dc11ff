//! Feast's answer to `/get-online-features`, written straight into a buffer: a hundred entities with fifty
//! features are five thousand values, statuses and times.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::datatypes::{DataType as Arrow, Float32Type, Float64Type};
use serde::Serialize;
use trueline_table::Schema;

use super::values;
use crate::read::{Answer, Status};

/// What Feast writes where there is no time.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// The answer as JSON: column-major, the join keys before the features.
pub(super) fn json(
    keys: &Schema,
    entities: &RecordBatch,
    answer: &Answer,
    full_names: bool,
) -> Vec<u8> {
    let count = entities.num_rows();
    // Some twenty bytes for a value, a status and a time each.
    let columns = entities.num_columns() + answer.features.len();
    let mut out = Vec::with_capacity(256 + 64 * count * columns);
    let feature_names = answer.features.iter().map(|feature| match full_names {
        true => feature.full_name.as_str(),
        false => feature.name.as_str(),
    });
    out.extend_from_slice(b"{\"metadata\":{\"feature_names\":");
    put(
        &mut out,
        &keys.names().chain(feature_names).collect::<Vec<_>>(),
    );
    out.extend_from_slice(b"},\"results\":[");
    let (present, epochs) = (list(count, |_| "PRESENT"), list(count, |_| EPOCH));
    // Columns of the request are not answered, as Feast does not either.
    let key_count = keys.fields.len();
    for (index, key) in entities.columns().iter().take(key_count).enumerate() {
        separate(&mut out, index);
        column(&mut out, key, &present, &epochs);
    }
    // All features of a view have its times.
    let times = answer.views.iter().map(|view| {
        let time = |row: usize| view.event_us[row].map(values::instant);
        list(count, |row| time(row).unwrap_or_else(|| EPOCH.to_owned()))
    });
    let times: Vec<Vec<u8>> = times.collect();
    // And its statuses, but where a value of a row that is there is null.
    let found = answer
        .views
        .iter()
        .map(|view| list(count, |row| view.found[row].name()));
    let found: Vec<Vec<u8>> = found.collect();
    for (index, feature) in answer.features.iter().enumerate() {
        separate(&mut out, key_count + index);
        let values = answer.rows.column(index);
        let has_nulls = (0..count).any(|row| answer.status(index, row) == Status::NullValue);
        let of_feature;
        let statuses = match has_nulls {
            true => {
                of_feature = list(count, |row| answer.status(index, row).name());
                &of_feature
            }
            false => &found[feature.view],
        };
        column(&mut out, values, statuses, &times[feature.view]);
    }
    out.extend_from_slice(b"]}");
    out
}

fn column(out: &mut Vec<u8>, column: &ArrayRef, statuses: &[u8], times: &[u8]) {
    out.extend_from_slice(b"{\"values\":[");
    match column.data_type() {
        Arrow::Float64 => numbers::<Float64Type>(out, column, |value| value),
        Arrow::Float32 => numbers::<Float32Type>(out, column, f64::from),
        _ => {
            for row in 0..column.len() {
                separate(out, row);
                put(out, &values::json(column, row));
            }
        }
    }
    out.extend_from_slice(b"],\"statuses\":");
    out.extend_from_slice(statuses);
    out.extend_from_slice(b",\"event_timestamps\":");
    out.extend_from_slice(times);
    out.push(b'}');
}

/// NaN is null, as which Feast's own stores keep it: its clients take the text `"NaN"` for a text, or fail.
fn numbers<T: ArrowPrimitiveType>(
    out: &mut Vec<u8>,
    column: &ArrayRef,
    widen: impl Fn(T::Native) -> f64,
) {
    for (row, value) in column.as_primitive::<T>().iter().enumerate() {
        separate(out, row);
        match value.map(&widen) {
            Some(value) if value.is_finite() => put(out, &value),
            Some(value) if !value.is_nan() => put(out, &values::json(column, row)),
            _ => out.extend_from_slice(b"null"),
        }
    }
}

/// A JSON list.
fn list<T: Serialize>(count: usize, item: impl Fn(usize) -> T) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + 24 * count);
    out.push(b'[');
    for row in 0..count {
        separate(&mut out, row);
        put(&mut out, &item(row));
    }
    out.push(b']');
    out
}

fn separate(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

fn put(out: &mut Vec<u8>, value: &impl Serialize) {
    // Texts, numbers and lists of them always have a JSON, and a buffer takes it.
    let _ = serde_json::to_writer(&mut *out, value);
}
