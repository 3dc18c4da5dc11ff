//! Canonical bytes: what the mergeable states of this crate are written as.
//!
//! Equal states give equal bytes, and bytes that this crate would not have written are refused, so
//! that a state can be compared and digested by its bytes alone. All numbers are little-endian. In
//! text formats such as JSON the bytes appear as one lower-case hexadecimal string.

use std::fmt::{self, Display};

use crate::{Error, Result};

/// Reads fixed-width values from the front of a byte string.
pub(crate) struct Reader<'a> {
    state: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the version byte, which must be `version`.
    pub(crate) fn new(state: &'static str, version: u8, bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Self { state, rest: bytes };
        match reader.u8()? {
            found if found == version => Ok(reader),
            found => Err(reader.error(format!("version {found} where {version} is expected"))),
        }
    }

    pub(crate) fn error(&self, problem: impl Display) -> Error {
        Error::data(format!(
            "cannot read the bytes of {}: {problem}; pass exactly what `to_bytes` returned",
            self.state
        ))
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8]> {
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.error(format!(
                "{} bytes are left where {length} are needed",
                self.rest.len()
            )));
        };
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A `u32` length, then that many bytes: what [`write_nested`] wrote.
    pub(crate) fn nested(&mut self) -> Result<&'a [u8]> {
        let length = self.u32()?;
        self.bytes(length as usize)
    }

    /// Refuses bytes after the end.
    pub(crate) fn finish(self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(self.error(format!("{count} bytes follow the end"))),
        }
    }
}

/// Writes the bytes of a state inside another one, after their length.
pub(crate) fn write_nested(into: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("a state is smaller than 4 GiB");
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(bytes);
}

/// Lower-case hexadecimal digits, two a byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit =
        |value: u8| char::from_digit(u32::from(value), 16).expect("four bits are one digit");
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The inverse of [`to_hex`]; `None` for anything that it does not write.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

/// Takes the bytes of a binary serde format.
pub(crate) struct BytesVisitor;

impl serde::de::Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the bytes of a state")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

/// Gives a type with `to_bytes` and `from_bytes` the serde form that the module page describes.
macro_rules! serde_as_canonical_bytes {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let bytes = self.to_bytes();
                if serializer.is_human_readable() {
                    serializer.serialize_str(&crate::canonical::to_hex(&bytes))
                } else {
                    serializer.serialize_bytes(&bytes)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error;
                let bytes = if deserializer.is_human_readable() {
                    crate::canonical::from_hex(&String::deserialize(deserializer)?).ok_or_else(
                        || D::Error::custom("a state is a string of lower-case hexadecimal digits"),
                    )?
                } else {
                    deserializer.deserialize_byte_buf(crate::canonical::BytesVisitor)?
                };
                Self::from_bytes(&bytes).map_err(|error| D::Error::custom(error.message()))
            }
        }
    };
}
pub(crate) use serde_as_canonical_bytes;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_back_and_nothing_else_is() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!(to_hex(&[0, 0x1f, 0xa0]), "001fa0");
        for refused in ["0", "0g", "AB", "é"] {
            assert_eq!(from_hex(refused), None, "{refused}");
        }
    }

    #[test]
    fn errors_say_what_and_where() {
        let mut reader = Reader::new("a test", 1, &[1, 2, 3]).unwrap();
        assert_eq!(
            reader.u32().unwrap_err().message(),
            "cannot read the bytes of a test: 2 bytes are left where 4 are needed; pass exactly what `to_bytes` returned"
        );
    }
}
