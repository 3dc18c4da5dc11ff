//! Errors that keep their text across the boundary.

use crate::Error;

/// A result whose error reaches the pipeline's user word for word.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The parameters are wrong.
    pub fn params(message: impl Into<String>) -> Self {
        Self::Params(message.into())
    }

    /// The columns do not fit the parameters.
    pub fn schema(message: impl Into<String>) -> Self {
        Self::Schema(message.into())
    }

    /// The rows cannot be worked with.
    pub fn data(message: impl Into<String>) -> Self {
        Self::Data(message.into())
    }

    /// Anything else.
    pub fn other(message: impl Into<String>) -> Self {
        Self::Other(message.into())
    }

    /// The sentence that it carries.
    pub fn message(&self) -> &str {
        match self {
            Self::Params(text) | Self::Schema(text) | Self::Data(text) | Self::Other(text) => text,
        }
    }
}
