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

    /// The same error, told to have happened at `place`: `place: sentence`.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        let text = format!("{place}: {}", self.message());
        match self {
            Self::Params(_) => Self::Params(text),
            Self::Schema(_) => Self::Schema(text),
            Self::Data(_) => Self::Data(text),
            Self::Other(_) => Self::Other(text),
        }
    }

    /// The sentence that it carries.
    pub fn message(&self) -> &str {
        match self {
            Self::Params(text) | Self::Schema(text) | Self::Data(text) | Self::Other(text) => text,
        }
    }
}
