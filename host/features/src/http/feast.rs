//! Feast's REST server, as its Python client speaks to it (0.63 to 0.67).
//!
//! Answers are column-major: `results[i]` belongs to `metadata.feature_names[i]` and has one entry an entity.
//! Join keys come first; then the features in the order asked for. An expired value is null, since the
//! client ignores statuses. An error is a JSON text that holds JSON, which is what the client looks for.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{answer, blocking, columns, now_us, reading};
use crate::selection::Resolved;
use crate::{Error, FeatureStore, Result, Selection};

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
    #[serde(default)]
    to: To,
}

/// Where pushed rows are to go.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum To {
    #[default]
    Online,
    Offline,
    OnlineAndOffline,
}

/// What is to be brought online. A window says from and until when the rows happened.
#[derive(Debug, Deserialize)]
pub(super) struct Materialize {
    start_ts: Option<String>,
    end_ts: Option<String>,
    feature_views: Option<Vec<String>>,
    #[serde(default)]
    disable_event_timestamp: bool,
    version: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct How {
    #[serde(default, rename = "async")]
    is_async: bool,
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
) -> Result<Response, Refusal> {
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
    let answered = reading::read(store, selection, entities, by_join_key, move |found| {
        if !full_names {
            found.resolved.schema(false, &[])?;
        }
        let keys = found.resolved.join_keys()?;
        Ok(answer::json(&keys, found.rows, found.answer, full_names))
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((json, answered.await?).into_response())
}

/// Old clients name an entity where its join key is meant.
fn by_join_key(
    store: &FeatureStore,
    resolved: &Resolved,
    mut entities: Map<String, Value>,
) -> Result<Map<String, Value>> {
    if resolved
        .join_keys()?
        .names()
        .all(|name| entities.contains_key(name))
    {
        return Ok(entities);
    }
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

pub(super) async fn push(
    State(store): State<Arc<FeatureStore>>,
    body: Body<Push>,
) -> Result<(), Refusal> {
    let Json(request) = body?;
    if request.to == To::Offline {
        return Err(Refusal::Store(Error::input(
            "a push cannot go to the offline store alone: both stores are made from one log",
            "push to `online` or `online_and_offline`; rows that are older than those online change nothing there",
        )));
    }
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

/// Takes in what is new in the files of some views, or of all. Everything that happened in the window is online
/// then, and so is what happened before or after it: a window of event time is how other stores miss rows
/// that come late.
pub(super) async fn materialize(
    store: State<Arc<FeatureStore>>,
    how: Query<How>,
    body: Body<Materialize>,
) -> Result<Response, Refusal> {
    let Json(request) = body?;
    let (Some(start), Some(_)) = (instant(request.start_ts.as_ref())?, &request.end_ts) else {
        let problem = "`start_ts` and `end_ts` are needed";
        return Err(Refusal::Body(problem.to_owned()));
    };
    if instant(request.end_ts.as_ref())?.is_some_and(|end| end < start) {
        let problem = "`end_ts` is before `start_ts`";
        return Err(Refusal::Body(problem.to_owned()));
    }
    bring_online(store, how, request).await
}

/// As [`materialize`], from where it was left.
pub(super) async fn materialize_incremental(
    store: State<Arc<FeatureStore>>,
    how: Query<How>,
    body: Body<Materialize>,
) -> Result<Response, Refusal> {
    let Json(request) = body?;
    if instant(request.end_ts.as_ref())?.is_none() {
        return Err(Refusal::Body("`end_ts` is needed".to_owned()));
    }
    bring_online(store, how, request).await
}

async fn bring_online(
    State(store): State<Arc<FeatureStore>>,
    Query(How { is_async }): Query<How>,
    request: Materialize,
) -> Result<Response, Refusal> {
    if request.disable_event_timestamp {
        let problem = "`disable_event_timestamp` would give rows another time than their own";
        return Err(Refusal::Body(problem.to_owned()));
    }
    if request.version.is_some_and(|version| !version.is_null()) {
        let problem =
            "`version` cannot be chosen: every version of a view is brought online when it is read";
        return Err(Refusal::Body(problem.to_owned()));
    }
    let views = request.feature_views;
    let names = blocking(move || {
        let revision = store.revision()?;
        let all = revision.definitions.views.keys();
        let names = views.unwrap_or_else(|| all.cloned().collect());
        store.materialize_views(&names, now_us())?;
        Ok(names)
    });
    let names = names.await?;
    Ok(match is_async {
        // It is done by then, which is as good as accepted.
        true => {
            let accepted = json!({ "status": "accepted", "feature_views": names });
            (StatusCode::ACCEPTED, Json(accepted)).into_response()
        }
        false => Json(Value::Null).into_response(),
    })
}

/// An instant of a window.
fn instant(text: Option<&String>) -> Result<Option<i64>, Refusal> {
    let read = |text: &String| {
        let wrong = || Refusal::Body(format!("`{text}` is no ISO 8601 time"));
        columns::timestamp(&Value::from(text.as_str())).ok_or_else(wrong)
    };
    text.map(read).transpose()
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
            Error::Input { .. } | Error::Quarantined(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "FeastError")
            }
            Error::Online { .. } | Error::NotOnline { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "FeastError")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "FeastError"),
        };
        let message = super::public(&error);
        let detail = json!({ "module": "feast.errors", "class": class, "message": message });
        (status, Json(Value::String(detail.to_string()))).into_response()
    }
}
