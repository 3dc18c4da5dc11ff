//! Why a request was not answered, in words for the client.

use axum::http::StatusCode;

use crate::Unread;

/// What the client is told. What it must not be told goes to the log where the problem is made.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// A short word for programs.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The column that it is about.
    pub(crate) column: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            column: None,
        }
    }

    /// The server has more to do than it can.
    pub(crate) fn overloaded(why: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", why)
    }

    pub(crate) fn unsupported(content_type: &str, expected: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            format!("the content type is {content_type:?}; {expected} is understood"),
        )
    }

    /// Whether trying again later may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self.status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        )
    }
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Refused(message) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_entity", message)
            }
            Unread::Failed(reason) => {
                eprintln!("trueline: features could not be read: {reason}");
                let message = "the features of these rows could not be read";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "features", message)
            }
        }
    }
}

impl From<trueline_wire::Error> for Problem {
    fn from(error: trueline_wire::Error) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: error.code(),
            message: error.to_string(),
            column: error.column().map(str::to_owned),
        }
    }
}

impl From<trueline_runtime::Error> for Problem {
    fn from(error: trueline_runtime::Error) -> Self {
        use trueline_runtime::{Error, GuestErrorKind};
        let message = error.to_string();
        match error {
            Error::Guest {
                kind: GuestErrorKind::Data,
                ..
            } => Self::new(StatusCode::BAD_REQUEST, "refused_by_stage", message),
            Error::Wire(error) => error.into(),
            Error::MissingColumn { .. }
            | Error::ColumnType { .. }
            | Error::UnexpectedNull { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_rows", message)
            }
            Error::Timeout { .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message),
            Error::Memory { .. } | Error::Output { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "limit", message)
            }
            other => {
                eprintln!("trueline: a prediction failed: {other}");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "failed",
                    "the package could not compute an answer",
                )
            }
        }
    }
}
