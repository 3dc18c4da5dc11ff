//! What can be wrong with a request. All of it is the client's to mend.

use std::fmt::Write as _;

use trueline_table::{Field, Schema};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a body is not rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the body is no JSON: {reason} at byte {at}")]
    Json { at: usize, reason: &'static str },

    #[error("the body is no CSV: {0}")]
    Csv(String),

    #[error("column `{column}` is missing{}; the package reads it as {expected}", of_row(*row))]
    MissingColumn {
        column: String,
        /// The row that lacks it, from 1; none if all do.
        row: Option<usize>,
        expected: String,
    },

    #[error("the package reads no column `{column}`; {hint}")]
    UnknownColumn { column: String, hint: String },

    #[error("column `{column}` is there twice")]
    RepeatedColumn { column: String },

    #[error("column `{column}`, row {row}: expected {expected}, found {found}")]
    Value {
        column: String,
        /// From 1.
        row: usize,
        expected: String,
        found: String,
    },

    #[error("column `{column}` has {found} rows, but {expected} are expected")]
    Length {
        column: String,
        found: usize,
        expected: usize,
    },

    /// The body is well-formed, but not what the protocol asks for.
    #[error("{0}")]
    Shape(String),
}

impl Error {
    pub(crate) fn shape(message: impl Into<String>) -> Self {
        Self::Shape(message.into())
    }

    /// A short word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json { .. } => "invalid_json",
            Self::Csv(_) => "invalid_csv",
            Self::MissingColumn { .. } => "missing_column",
            Self::UnknownColumn { .. } => "unknown_column",
            Self::RepeatedColumn { .. } => "repeated_column",
            Self::Value { .. } => "invalid_value",
            Self::Length { .. } => "lengths_differ",
            Self::Shape(_) => "invalid_request",
        }
    }

    /// The column that it is about.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::MissingColumn { column, .. }
            | Self::UnknownColumn { column, .. }
            | Self::RepeatedColumn { column }
            | Self::Value { column, .. }
            | Self::Length { column, .. } => Some(column),
            Self::Json { .. } | Self::Csv(_) | Self::Shape(_) => None,
        }
    }
}

fn of_row(row: Option<usize>) -> String {
    row.map_or_else(String::new, |row| format!(" in row {row}"))
}

/// No message quotes more of a request than this.
const QUOTED_CHARS: usize = 60;

/// A text of the request in quotes, cut short.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    let mut quoted = String::new();
    // Writing into a text does not fail.
    let _ = write!(quoted, "{short:?}");
    quoted
}

/// Columns in a hint; a package may read thousands.
const COLUMNS: usize = 12;

/// What to say to a name that is not in the schema.
pub(crate) fn hint(name: &str, schema: &Schema) -> String {
    // Comparing is quadratic in the lengths, and the name comes from anyone.
    let comparable = name.len() <= 256;
    let scored = schema
        .fields
        .iter()
        .filter(|_| comparable)
        .map(|known| (strsim::jaro_winkler(name, &known.name), known));
    let nearest = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((score, near)) if score > 0.85 => {
            format!("did you mean `{}` ({})?", near.name, near.data_type)
        }
        _ => format!("its columns are {}", columns(schema)),
    }
}

/// A schema's columns with their types, the first ones of many.
pub(crate) fn columns(schema: &Schema) -> String {
    let described = |field: &Field| format!("{} ({})", field.name, field.data_type);
    let shown: Vec<_> = schema.fields.iter().take(COLUMNS).map(described).collect();
    let more = schema.fields.len() - shown.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(", "))
}
