//! The hash of a key: the same on every machine and in every version.

use arrow::array::{Array, ArrayRef, BinaryArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType as Arrow;
use arrow::error::ArrowError;
use trueline_table::Hasher;

/// A key column as its canonical bytes are made of.
pub(super) enum HashColumn {
    /// Booleans, integers, times and dates, as int64.
    Numbers(Int64Array),
    Texts(StringArray),
    Bytes(BinaryArray),
}

impl HashColumn {
    pub(super) fn new(column: &ArrayRef) -> Result<Self, ArrowError> {
        Ok(match column.data_type() {
            Arrow::Utf8 => Self::Texts(downcast::<StringArray>(column)?.clone()),
            Arrow::Binary => Self::Bytes(downcast::<BinaryArray>(column)?.clone()),
            Arrow::Date32 => {
                let days = cast(column, &Arrow::Int32)?;
                Self::Numbers(downcast::<Int64Array>(&cast(&days, &Arrow::Int64)?)?.clone())
            }
            _ => Self::Numbers(downcast::<Int64Array>(&cast(column, &Arrow::Int64)?)?.clone()),
        })
    }

    /// Adds the canonical bytes of a value: 0 for null, else 1 and eight bytes of the number, or 2,
    /// the length in eight bytes and the data; little-endian. They must never change, or rows would
    /// move from test to train.
    fn feed(&self, row: usize, hasher: &mut Hasher) {
        let data = |bytes: &[u8], hasher: &mut Hasher| {
            hasher.update(&[2]);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        match self {
            Self::Numbers(values) if values.is_valid(row) => {
                hasher.update(&[1]);
                hasher.update(&values.value(row).to_le_bytes());
            }
            Self::Texts(values) if values.is_valid(row) => {
                data(values.value(row).as_bytes(), hasher)
            }
            Self::Bytes(values) if values.is_valid(row) => data(values.value(row), hasher),
            _ => hasher.update(&[0]),
        }
    }
}

/// The first eight bytes of the SHA-256 over the key's canonical bytes.
pub(super) fn hash(columns: &[HashColumn], row: usize) -> u64 {
    let mut hasher = Hasher::new();
    hasher.update(b"trueline-split-1\0");
    for column in columns {
        column.feed(row, &mut hasher);
    }
    let digest = hasher.finish();
    let (first, _) = digest.as_bytes().split_at(8);
    first
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn downcast<A: Array + 'static>(array: &dyn Array) -> Result<&A, ArrowError> {
    let wrong =
        || ArrowError::SchemaError(format!("a column to split by is {}", array.data_type()));
    array.as_any().downcast_ref::<A>().ok_or_else(wrong)
}
