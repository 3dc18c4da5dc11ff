//! What can be wrong with a table.

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no column `{name}`; the columns are {}", columns.join(", "))]
    NoSuchColumn { name: String, columns: Vec<String> },

    #[error("two columns are called `{name}`")]
    DuplicateColumn { name: String },

    #[error(
        "column `{column}` is of the Arrow type {data_type}, which stages cannot read; cast or drop it"
    )]
    UnsupportedType { column: String, data_type: String },

    #[error("column `{column}` cannot become {wanted}: {reason}")]
    Lossy {
        column: String,
        wanted: String,
        reason: String,
    },

    /// Rows that are not of the schema that was agreed on.
    #[error("the rows do not fit: column `{column}` is {found}, expected {expected}")]
    Mismatch {
        column: String,
        found: String,
        expected: String,
    },

    #[error("the rows have {found} columns, expected {expected}")]
    ColumnCount { found: usize, expected: usize },

    /// A frame that breaks the encoding; `column` is empty if it concerns the frame as a whole.
    #[error("not a frame: {}{rule}", in_column(column))]
    Frame { column: String, rule: &'static str },

    #[error(
        "a batch of {bytes} bytes of text in column `{column}` is too large for a frame; cut it"
    )]
    TooLarge { column: String, bytes: usize },

    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

fn in_column(column: &str) -> String {
    if column.is_empty() {
        String::new()
    } else {
        format!("column `{column}`: ")
    }
}
