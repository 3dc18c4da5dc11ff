//! The store's own requests: rows with versions and statuses, and pushes that can be repeated.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{blocking, columns, now_us, reading, values};
use crate::read::Answer;
use crate::selection::Resolved;
use crate::{Error, FeatureStore, Receipt, Result, Selection, Source};

/// The content type of an Arrow stream.
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Features of entities: `{"service": "s", "entities": {"user_id": ["user_123"]}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Features {
    service: Option<String>,
    features: Option<Vec<String>>,
    entities: Map<String, Value>,
}

/// Why a request was refused: its message names what, its hint says what to do.
#[derive(Debug)]
pub(super) struct Refusal(Error);

pub(super) async fn features(
    State(store): State<Arc<FeatureStore>>,
    body: Result<Json<Features>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let Json(request) = body.map_err(|rejection| {
        Refusal(Error::input(
            rejection.body_text(),
            "send {\"service\": …, \"entities\": {\"key\": [value, …]}}",
        ))
    })?;
    let selection = match (request.service, request.features) {
        (Some(service), None) => Selection::Service(service),
        (None, Some(features)) => Selection::Features(features),
        _ => {
            let problem = "exactly one of `service` and `features` is needed";
            return Err(Refusal(Error::input(
                problem,
                "take one of them out, or add one",
            )));
        }
    };
    let as_named = |_: &FeatureStore, _: &Resolved, entities| Ok(entities);
    let answered = reading::read(store, selection, request.entities, as_named, |found| {
        Ok(response(found.answer, found.at_us))
    });
    Ok(Json(answered.await.map_err(Refusal)?))
}

fn response(answer: &Answer, now_us: i64) -> Value {
    let features = answer
        .features
        .iter()
        .map(|feature| json!({ "name": feature.name, "view": answer.views[feature.view].name }));
    let views = answer.views.iter();
    let views = views.map(|view| json!({ "name": view.name, "version": view.version }));
    let rows = (0..answer.rows.num_rows()).map(|row| {
        let columns = 0..answer.features.len();
        let at = |column| answer.event_us(column, row).map(values::instant);
        json!({
            "values": answer.rows.columns().iter().map(|column| values::json(column, row)).collect::<Vec<_>>(),
            "statuses": columns.clone().map(|column| answer.status(column, row)).collect::<Vec<_>>(),
            "event_times": columns.map(at).collect::<Vec<_>>(),
        })
    });
    json!({
        "at": values::instant(now_us),
        "views": views.collect::<Vec<_>>(),
        "features": features.collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    })
}

/// Takes in rows, one JSON object a line or as an Arrow stream. With the header `idempotency-key`, sending them
/// again changes nothing. Rows that are not as their source expects are kept apart, and the answer says under which
/// number.
pub(super) async fn rows(
    State(store): State<Arc<FeatureStore>>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Receipt>, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_arrow = header("content-type").is_some_and(|kind| kind.starts_with(ARROW));
    let id = header("idempotency-key").map(str::to_owned);
    let taken_in = blocking(move || {
        let source = store.source(&source)?;
        let rows = match is_arrow {
            true => arrow_stream(&body)?,
            false => lines(&source, &body)?,
        };
        store.push(&source.name, &rows, id.as_deref(), now_us())
    });
    Ok(Json(taken_in.await.map_err(Refusal)?))
}

/// The rows of an Arrow stream, all of its batches as one. Nothing is set aside for what its lengths only promise.
fn arrow_stream(body: &[u8]) -> Result<RecordBatch> {
    let read = || {
        let mut decoder = StreamDecoder::new();
        let mut rest = Buffer::from(body);
        let mut batches = Vec::new();
        while !rest.is_empty() {
            batches.extend(decoder.decode(&mut rest)?);
        }
        decoder.finish()?;
        let schema = batches
            .first()
            .map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        concat_batches(&schema, &batches)
    };
    // Arrow panics at some bytes that no writer writes.
    let read = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(ArrowError::IpcError(
            "its parts contradict each other".into(),
        ))
    });
    read.map_err(|error| {
        Error::input(
            format!("the push is no Arrow stream: {error}"),
            "send what Arrow's stream writers write, uncompressed",
        )
    })
}

/// Rows of a source, one JSON object a line.
fn lines(source: &Source, body: &[u8]) -> Result<RecordBatch> {
    let mut sent: Map<String, Value> = source
        .columns
        .iter()
        .map(|column| (column.name.clone(), Value::Array(Vec::new())))
        .collect();
    let lines = body.split(|byte| *byte == b'\n').enumerate();
    for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
        add(&mut sent, line).map_err(|problem| {
            Error::input(
                format!("line {} of the push: {problem}", index + 1),
                "send one JSON object a line, with the columns of the source",
            )
        })?;
    }
    columns::rows(&source.schema(), &sent, "the push")
}

/// Adds a row to columns; a column that it lacks is null.
fn add(columns: &mut Map<String, Value>, line: &[u8]) -> Result<(), String> {
    let mut row: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| error.to_string())?;
    for (name, values) in columns.iter_mut() {
        if let Value::Array(values) = values {
            values.push(row.remove(name).unwrap_or(Value::Null));
        }
    }
    match row.keys().next() {
        Some(unknown) => Err(format!("the source has no column `{unknown}`")),
        None => Ok(()),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = match &error {
            Error::Unknown { .. } => StatusCode::NOT_FOUND,
            Error::Input { .. } | Error::Quarantined(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Online { .. } | Error::NotOnline { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut body = json!({ "error": super::public(&error), "hint": error.hint() });
        if let Error::Quarantined(batch) = &error {
            body["quarantined"] = json!(batch);
        }
        (status, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::ipc::writer::StreamWriter;

    use super::*;

    #[test]
    fn a_stream_that_is_cut_or_bent_ends_in_rows_or_an_error() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let rows = RecordBatch::try_from_iter([("n", numbers), ("name", names)]).unwrap();
        let mut stream = StreamWriter::try_new(Vec::new(), rows.schema_ref()).unwrap();
        stream.write(&rows).unwrap();
        stream.write(&rows).unwrap();
        let stream = stream.into_inner().unwrap();
        assert_eq!(arrow_stream(&stream).unwrap().num_rows(), 4);
        assert!(arrow_stream(&stream[..9]).is_err());
        for place in 0..stream.len() {
            let _ = arrow_stream(&stream[..place]);
            for bits in [0x01, 0x80, 0xff] {
                let mut bent = stream.clone();
                bent[place] ^= bits;
                let _ = arrow_stream(&bent);
            }
        }
    }
}
