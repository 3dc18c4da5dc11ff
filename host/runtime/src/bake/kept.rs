//! What is kept of baking: the columns that the map writes, and the baked component.

use serde_json::json;
use trueline_table::{Digest, Schema};

use crate::stage::Bound;
use crate::{Error, Result};

/// Bytes of the length of the schema, which comes first.
const LENGTH: usize = 4;

/// The digest of all that a baked component depends on, besides what names its folder.
pub(super) fn key(component: &[u8], params: &str, bound: &Bound, state: &[u8]) -> Digest {
    let ingredients = json!({
        "component": Digest::of(component),
        "params": params,
        "state": Digest::of(state),
        "reads": bound.reads,
        "writes": bound.mapping.writes,
        "removes": bound.mapping.removes,
    });
    Digest::of(ingredients.to_string().as_bytes())
}

pub(super) fn write(writes: &Schema, baked: &[u8]) -> Result<Vec<u8>> {
    let failed = |error: String| Error::Host(format!("baking: {error}"));
    let schema = serde_json::to_vec(writes).map_err(|error| failed(error.to_string()))?;
    let length = u32::try_from(schema.len()).map_err(|error| failed(error.to_string()))?;
    Ok([&length.to_le_bytes(), schema.as_slice(), baked].concat())
}

/// What [`write`] wrote; nothing if an earlier version wrote it otherwise.
pub(super) fn read(mut kept: Vec<u8>) -> Option<(Schema, Vec<u8>)> {
    let (length, rest) = kept.split_first_chunk::<LENGTH>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let schema = serde_json::from_slice(rest.get(..length)?).ok()?;
    kept.drain(..LENGTH + length);
    Some((schema, kept))
}
