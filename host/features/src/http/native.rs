//! The store's own requests: rows with versions and statuses, and pushes that can be repeated.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{blocking, columns, now_us, values};
use crate::read::Answer;
use crate::{Error, FeatureStore, Receipt, Result, Selection};

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
    let answered = blocking(move || {
        let wanted = store.request_columns(&selection)?;
        let rows = columns::rows(&wanted, &request.entities, "the request")?;
        let now_us = now_us();
        Ok((store.get_features(&selection, &rows, now_us)?, now_us))
    });
    let (answer, now_us) = answered.await.map_err(Refusal)?;
    Ok(Json(response(&answer, now_us)))
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

/// Takes in rows, one JSON object a line. With the header `idempotency-key`, sending them again changes
/// nothing. Rows that are not as their source expects are kept apart, and the answer says under which number.
pub(super) async fn rows(
    State(store): State<Arc<FeatureStore>>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Receipt>, Refusal> {
    let id = headers
        .get("idempotency-key")
        .and_then(|id| id.to_str().ok());
    let id = id.map(str::to_owned);
    let taken_in = blocking(move || {
        let source = store.source(&source)?;
        let mut sent: Map<String, Value> = source
            .columns
            .iter()
            .map(|column| (column.name.clone(), Value::Array(Vec::new())))
            .collect();
        let lines = body
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        for (index, line) in lines {
            add(&mut sent, line).map_err(|problem| {
                Error::input(
                    format!("line {} of the push: {problem}", index + 1),
                    "send one JSON object a line, with the columns of the source",
                )
            })?;
        }
        let rows = columns::rows(&source.schema(), &sent, "the push")?;
        store.push(&source.name, &rows, id.as_deref(), now_us())
    });
    Ok(Json(taken_in.await.map_err(Refusal)?))
}

/// Adds a row to columns; a column that it lacks is null.
fn add(columns: &mut Map<String, Value>, line: &str) -> Result<(), String> {
    let mut row: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
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
