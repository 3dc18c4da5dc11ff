//! Feast's REST server, as its Python client speaks to it (0.63 to 0.67).
//!
//! Answers are column-major: `results[i]` belongs to `metadata.feature_names[i]` and has one entry an entity.
//! Join keys come first; then the features in the order asked for. An expired value is null, since the
//! client ignores statuses. An error is a JSON text that holds JSON, which is what the client looks for.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use trueline_table::Schema;

use super::{blocking, columns, now_us, values};
use crate::read::Answer;
use crate::{Error, FeatureStore, Result, Selection};

/// What Feast writes where there is no time.
const EPOCH: &str = "1970-01-01T00:00:00Z";

#[derive(Debug, Deserialize)]
pub(super) struct GetOnlineFeatures {
    features: Option<Vec<String>>,
    feature_service: Option<String>,
    entities: Map<String, Value>,
    #[serde(default)]
    full_feature_names: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Push {
    push_source_name: String,
    df: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WriteToOnlineStore {
    feature_view_name: String,
    df: Map<String, Value>,
}

/// Why a request was refused.
#[derive(Debug)]
pub(super) enum Refusal {
    Store(Error),
    /// The body is not what the endpoint takes.
    Body(String),
}

type Body<T> = Result<Json<T>, JsonRejection>;

pub(super) async fn get_online_features(
    State(store): State<Arc<FeatureStore>>,
    body: Body<GetOnlineFeatures>,
) -> Result<Json<Value>, Refusal> {
    let Json(request) = body?;
    let selection = match (request.features, request.feature_service) {
        (Some(features), None) => Selection::Features(features),
        (None, Some(service)) => Selection::Service(service),
        _ => {
            let problem = "exactly one of `features` and `feature_service` is needed";
            return Err(Refusal::Body(problem.to_owned()));
        }
    };
    let (entities, full_names) = (request.entities, request.full_feature_names);
    let answer = blocking(move || {
        let keys = store.join_keys(&selection)?;
        let entities = by_join_key(&store, entities)?;
        // What computed views read of a request comes among the entities.
        let wanted = store.request_columns(&selection)?;
        let rows = columns::rows(&wanted, &entities, "the request")?;
        let answer = store.get_features(&selection, &rows, now_us())?;
        if !full_names {
            store.resolve(&selection)?.schema(false, &[])?;
        }
        Ok(online_response(&keys, &rows, &answer, full_names))
    });
    Ok(Json(answer.await?))
}

/// Old clients name an entity where its join key is meant.
fn by_join_key(
    store: &FeatureStore,
    mut entities: Map<String, Value>,
) -> Result<Map<String, Value>> {
    let revision = store.revision()?;
    for (name, entity) in &revision.definitions.entities {
        let mut keys = entity.keys.keys();
        if let (Some(key), None) = (keys.next(), keys.next())
            && !entities.contains_key(key)
            && let Some(values) = entities.remove(name)
        {
            entities.insert(key.clone(), values);
        }
    }
    Ok(entities)
}

fn online_response(keys: &Schema, rows: &RecordBatch, answer: &Answer, full_names: bool) -> Value {
    let count = rows.num_rows();
    let result =
        |column: &ArrayRef, status: &dyn Fn(usize) -> Value, at: &dyn Fn(usize) -> String| {
            json!({
                "values": (0..count).map(|row| values::json(column, row)).collect::<Vec<_>>(),
                "statuses": (0..count).map(status).collect::<Vec<_>>(),
                "event_timestamps": (0..count).map(at).collect::<Vec<_>>(),
            })
        };
    let mut names: Vec<&str> = keys.names().collect();
    let present = |_| Value::from("PRESENT");
    let epoch = |_| EPOCH.to_owned();
    // Columns of the request are not answered, as Feast does not either.
    let keys = rows.columns().iter().take(names.len());
    let mut results: Vec<Value> = keys.map(|key| result(key, &present, &epoch)).collect();
    for (index, feature) in answer.features.iter().enumerate() {
        names.push(if full_names {
            &feature.full_name
        } else {
            &feature.name
        });
        let status = |row| json!(answer.status(index, row));
        let at = |row| {
            let event_us = answer.event_us(index, row);
            event_us.map_or_else(|| EPOCH.to_owned(), values::instant)
        };
        results.push(result(answer.rows.column(index), &status, &at));
    }
    json!({ "results": results, "metadata": { "feature_names": names } })
}

pub(super) async fn push(
    State(store): State<Arc<FeatureStore>>,
    body: Body<Push>,
) -> Result<(), Refusal> {
    let Json(request) = body?;
    let pushed = blocking(move || {
        let source = store.source(&request.push_source_name)?;
        let rows = columns::rows(&source.schema(), &request.df, "the push")?;
        store.push(&source.name, &rows, None, now_us())
    });
    Ok(pushed.await.map(drop)?)
}

/// Writes rows of a view: its source's, of which the client sends those columns that the view knows, and
/// the times under Feast's own names.
pub(super) async fn write_to_online_store(
    State(store): State<Arc<FeatureStore>>,
    body: Body<WriteToOnlineStore>,
) -> Result<Json<Value>, Refusal> {
    let Json(WriteToOnlineStore {
        feature_view_name,
        df: mut sent,
    }) = body?;
    let written = blocking(move || {
        let (view, source) = store.view(&feature_view_name)?;
        if view.aggregates.is_some() {
            return Err(Error::input(
                format!("the features of view `{}` are computed", view.name),
                format!("push rows to its source, `{}`", source.name),
            ));
        }
        if source.event_time.is_none() {
            // Its rows are so from when they are taken in.
            sent.remove("event_timestamp");
        }
        let mut rename = |sent_as: &str, column: &str| {
            if let Some(values) = sent.remove(sent_as) {
                sent.entry(column).or_insert(values);
            }
        };
        if let Some(event_time) = &source.event_time {
            rename("event_timestamp", event_time);
        }
        if let Some(created) = &source.created {
            rename("created", created);
        }
        for key in &view.keys {
            rename(&key.name, &key.column);
        }
        for feature in &view.features {
            rename(&feature.name, &feature.column);
        }
        let count = sent.values().find_map(Value::as_array).map_or(0, Vec::len);
        for column in &source.columns {
            let nulls = || Value::Array(vec![Value::Null; count]);
            sent.entry(&column.name).or_insert_with(nulls);
        }
        let rows = columns::rows(&source.schema(), &sent, "the rows")?;
        store.push(&source.name, &rows, None, now_us())
    });
    written.await?;
    Ok(Json(Value::Null))
}

/// Takes in what is new. There is no window of event time to say, since nothing is ever left behind.
pub(super) async fn materialize(
    State(store): State<Arc<FeatureStore>>,
    body: Body<Value>,
) -> Result<Json<Value>, Refusal> {
    let Json(_) = body?;
    blocking(move || store.materialize(now_us())).await?;
    Ok(Json(Value::Null))
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::Body(rejection.body_text())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Body(problem) => {
                let detail = json!({ "detail": [{ "type": "value_error", "loc": ["body"], "msg": problem }] });
                return (StatusCode::UNPROCESSABLE_ENTITY, Json(detail)).into_response();
            }
            Self::Store(error) => error,
        };
        let (status, class) = match &error {
            Error::Unknown { kind: "source", .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "PushSourceNotFoundException",
            ),
            Error::Unknown {
                kind: "feature service",
                ..
            } => (StatusCode::NOT_FOUND, "FeatureServiceNotFoundException"),
            Error::Unknown { .. } => (StatusCode::NOT_FOUND, "FeatureViewNotFoundException"),
            Error::Input { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "FeastError"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "FeastError"),
        };
        let message = super::public(&error);
        let detail = json!({ "module": "feast.errors", "class": class, "message": message });
        (status, Json(Value::String(detail.to_string()))).into_response()
    }
}
