//! How a small state is kept as bytes: any serde type, in postcard's format.
//!
//! Equal values have equal bytes as long as no hash map is involved, and every float keeps its bits,
//! infinities and NaN included.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// The bytes of a value.
///
/// # Errors
/// If the value's own `Serialize` fails.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_allocvec(value)
        .map_err(|error| Error::other(format!("state cannot be kept: {error}")))
}

/// The value that `encode` made these bytes of.
///
/// # Errors
/// If the bytes are cut short, too long, or of another type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(Error::data(format!(
            "state has {} bytes too many",
            rest.len()
        ))),
        Err(error) => Err(Error::data(format!("state is not this stage's: {error}"))),
    }
}
