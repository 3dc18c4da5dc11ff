//! What a request can be told when it cannot be answered: the same as a page and as JSON (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trueline_dataset::suggest::{did_you_mean, list_some};
use utoipa::ToSchema;

/// Why a request was not answered, and what to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The status of the answer.
    pub(crate) status: u16,
    /// The kind of problem in a few words.
    pub(crate) title: String,
    /// What went wrong, with the values.
    pub(crate) detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Of something ambiguous: what it may stand for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) candidates: Vec<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: &str, detail: impl ToString) -> Self {
        Self {
            status: status.as_u16(),
            title: title.to_owned(),
            detail: detail.to_string(),
            hint: None,
            candidates: Vec::new(),
        }
    }

    pub(crate) fn not_found(detail: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such thing", detail)
    }

    pub(crate) fn bad_request(detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "This cannot be understood", detail)
    }

    /// A server that cannot answer; the log has more.
    pub(crate) fn failed(detail: impl ToString) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "This did not work",
            detail,
        )
    }

    pub(crate) fn hint(mut self, hint: impl ToString) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Something that is called differently, or is not there: the hint names what there is.
    pub(crate) fn unknown<'a>(
        what: &str,
        name: &str,
        of: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let problem = Self::not_found(format!("{of} has no {what} `{name}`"));
        match did_you_mean(name, known.clone()) {
            Some(hint) => problem.hint(hint),
            None if known.clone().next().is_none() => problem,
            None => problem.hint(format!("there are {}", list_some(known))),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer of the JSON interface.
    pub(crate) fn into_json(self) -> Response {
        let mut response = (self.status(), Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<trueline_store::Error> for Problem {
    fn from(error: trueline_store::Error) -> Self {
        use trueline_store::Error;
        let hint = error.hint().map(str::to_owned);
        let detail = error.to_string();
        let mut problem = match error {
            Error::NotFound { .. } => Self::not_found(detail),
            Error::Ambiguous {
                what,
                prefix,
                matches,
            } => {
                let title = "This may mean several things";
                let detail = format!("`{prefix}` is the start of more than one {what}");
                let problem = Self::new(StatusCode::CONFLICT, title, detail);
                Self {
                    candidates: matches,
                    ..problem
                }
            }
            Error::Invalid { .. } => Self::bad_request(detail),
            Error::Transition { .. } | Error::Rule { .. } | Error::Refused { .. } => {
                Self::new(StatusCode::CONFLICT, "This is not possible now", detail)
            }
            Error::Missing { .. } => Self::new(StatusCode::GONE, "The bytes are gone", detail),
            Error::Busy { .. } | Error::InUse { .. } => {
                let title = "The home is busy";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, title, detail)
            }
            _ => Self::failed(detail),
        };
        problem.hint = hint;
        problem
    }
}

impl From<trueline_features::Error> for Problem {
    fn from(error: trueline_features::Error) -> Self {
        use trueline_features::Error;
        let hint = error.hint().map(str::to_owned);
        let problem = match &error {
            Error::Unknown { .. } => Self::not_found(error),
            Error::Input { .. } => Self::bad_request(error),
            _ => Self::failed(error),
        };
        Self { hint, ..problem }
    }
}

impl From<trueline_engine::Error> for Problem {
    fn from(error: trueline_engine::Error) -> Self {
        use trueline_engine::Error;
        let hint = error.hint().map(str::to_owned);
        match error {
            Error::Store(error) => error.into(),
            Error::Lost(missing) => {
                let problem = Self::new(
                    StatusCode::GONE,
                    "What it was made from is gone",
                    missing.join("; "),
                );
                Self { hint, ..problem }
            }
            error => Self {
                hint,
                ..Self::failed(error)
            },
        }
    }
}
