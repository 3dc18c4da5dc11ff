//! Entities as bytes: equal entities have equal bytes, and no two others do.
//!
//! Join keys come in the order of their names; each is its type's code (1 byte), the length of its value
//! (4 bytes, little-endian) and the value. So (1, 11) and (11, 1) differ, and so do 1 and `"1"`. Integers
//! take eight bytes whatever their column's width. The bytes are stored: the encoding must not change.

use arrow::array::{
    Array, AsArray, BinaryArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType as Arrow, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_table::{DataType, Field, Schema};

use crate::definition::JoinKey;
use crate::row::RowDecoder;
use crate::{Error, Result};

/// The join keys of some rows.
#[derive(Debug)]
pub(crate) struct KeyColumns {
    columns: Vec<KeyColumn>,
}

#[derive(Debug)]
enum KeyColumn {
    Boolean(BooleanArray),
    Integer(Int64Array),
    Utf8(StringArray),
    Binary(BinaryArray),
    Timestamp(TimestampMicrosecondArray),
    Date(Date32Array),
}

impl KeyColumns {
    /// The join keys of rows that call them by their own names, as spines and requests do. `whose` says
    /// whose rows these are.
    ///
    /// # Errors
    /// If one is missing or of another type.
    pub(crate) fn of_entities(keys: &[JoinKey], rows: &RecordBatch, whose: &str) -> Result<Self> {
        Self::new(keys, rows, whose, |key| &key.name)
    }

    /// The join keys of rows of a view's source.
    ///
    /// # Errors
    /// As [`of_entities`](Self::of_entities).
    pub(crate) fn of_source(keys: &[JoinKey], rows: &RecordBatch, whose: &str) -> Result<Self> {
        Self::new(keys, rows, whose, |key| &key.column)
    }

    fn new(
        keys: &[JoinKey],
        rows: &RecordBatch,
        whose: &str,
        name: impl Fn(&JoinKey) -> &String,
    ) -> Result<Self> {
        let columns = keys.iter().map(|key| {
            let name = name(key);
            let Some(column) = rows.column_by_name(name) else {
                let schema = rows.schema();
                let names = || schema.fields().iter().map(|field| field.name().as_str());
                let hint = did_you_mean(name, names())
                    .unwrap_or_else(|| format!("the columns are {}", list_some(names())));
                return Err(Error::input(
                    format!("{whose} has no column `{name}`, a join key"),
                    hint,
                ));
            };
            KeyColumn::new(key.data_type, column.as_ref()).ok_or_else(|| {
                let found = DataType::from_arrow(column.data_type())
                    .map_or_else(|| column.data_type().to_string(), |found| found.to_string());
                Error::input(
                    format!(
                        "{whose}: join key `{name}` is {found}, not {}",
                        key.data_type
                    ),
                    "make the column's type the one of the entity's key",
                )
            })
        });
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
        })
    }

    /// Puts the bytes of a row's entity into `bytes`; answers false, and leaves them empty, if a join key
    /// is null: such a row is of no entity.
    pub(crate) fn encode(&self, row: usize, bytes: &mut Vec<u8>) -> bool {
        bytes.clear();
        let is_whole = self.columns.iter().all(|column| column.encode(row, bytes));
        if !is_whole {
            bytes.clear();
        }
        is_whole
    }
}

/// The join keys of encoded entities, as columns of their names; whole numbers are int64. Nothing if one is
/// none of these keys.
pub(crate) fn entities(keys: &[JoinKey], encoded: &[&[u8]]) -> Option<RecordBatch> {
    let data_type = |key: &JoinKey| match key.data_type {
        DataType::Int32 => DataType::Int64,
        other => other,
    };
    let fields = keys.iter().map(|key| Field::new(&key.name, data_type(key)));
    let mut decoder = RowDecoder::new(&Schema::new(fields), encoded.len());
    for mut rest in encoded.iter().copied() {
        // As a row of features: that all are valid, and values without codes and most lengths.
        let mut row = vec![u8::MAX; keys.len().div_ceil(8)];
        for key in keys {
            let (length, value) = rest.get(1..)?.split_first_chunk()?;
            let (value, behind) = value.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            if matches!(key.data_type, DataType::Utf8 | DataType::Binary) {
                row.extend_from_slice(length);
            }
            row.extend_from_slice(value);
            rest = behind;
        }
        decoder.push(&row).ok().filter(|()| rest.is_empty())?;
    }
    decoder.finish().ok()
}

impl KeyColumn {
    fn new(data_type: DataType, column: &dyn Array) -> Option<Self> {
        Some(match (data_type, column.data_type()) {
            (DataType::Int32 | DataType::Int64, Arrow::Int32 | Arrow::Int64) => {
                let wide = cast(column, &Arrow::Int64).ok()?;
                Self::Integer(wide.as_primitive::<Int64Type>().clone())
            }
            (DataType::Boolean, Arrow::Boolean) => Self::Boolean(column.as_boolean().clone()),
            (DataType::Utf8, Arrow::Utf8) => Self::Utf8(column.as_string().clone()),
            (DataType::Binary, Arrow::Binary) => Self::Binary(column.as_binary().clone()),
            (DataType::Timestamp, Arrow::Timestamp(TimeUnit::Microsecond, _)) => {
                Self::Timestamp(column.as_primitive::<TimestampMicrosecondType>().clone())
            }
            (DataType::Date, Arrow::Date32) => {
                Self::Date(column.as_primitive::<Date32Type>().clone())
            }
            _ => return None,
        })
    }

    fn encode(&self, row: usize, bytes: &mut Vec<u8>) -> bool {
        let array: &dyn Array = match self {
            Self::Boolean(values) => values,
            Self::Integer(values) => values,
            Self::Utf8(values) => values,
            Self::Binary(values) => values,
            Self::Timestamp(values) => values,
            Self::Date(values) => values,
        };
        if array.is_null(row) {
            return false;
        }
        match self {
            Self::Boolean(values) => put(bytes, 0, &[u8::from(values.value(row))]),
            Self::Integer(values) => put(bytes, 1, &values.value(row).to_le_bytes()),
            Self::Utf8(values) => put(bytes, 2, values.value(row).as_bytes()),
            Self::Binary(values) => put(bytes, 3, values.value(row)),
            Self::Timestamp(values) => put(bytes, 4, &values.value(row).to_le_bytes()),
            Self::Date(values) => put(bytes, 5, &values.value(row).to_le_bytes()),
        }
        true
    }
}

fn put(bytes: &mut Vec<u8>, code: u8, value: &[u8]) {
    bytes.push(code);
    // Arrow's arrays hold less than 2³¹ bytes.
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int32Array};

    use super::*;

    fn key(name: &str, data_type: DataType) -> JoinKey {
        JoinKey {
            name: name.to_owned(),
            data_type,
            column: name.to_owned(),
        }
    }

    fn encoded(keys: &[JoinKey], columns: Vec<(&str, ArrayRef)>) -> Vec<Option<Vec<u8>>> {
        let rows = RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, column)| (name, column, true)),
        )
        .unwrap();
        let columns = KeyColumns::of_entities(keys, &rows, "the spine").unwrap();
        let mut bytes = Vec::new();
        let mut of_row = |row| columns.encode(row, &mut bytes).then(|| bytes.clone());
        (0..rows.num_rows()).map(&mut of_row).collect()
    }

    #[test]
    fn composite_keys_do_not_collide() {
        let keys = [key("a", DataType::Utf8), key("b", DataType::Utf8)];
        let a: ArrayRef = Arc::new(StringArray::from(vec!["1", "11", "", "ab"]));
        let b: ArrayRef = Arc::new(StringArray::from(vec!["11", "1", "ab", ""]));
        let bytes = encoded(&keys, vec![("a", a), ("b", b)]);
        for (index, one) in bytes.iter().enumerate() {
            assert!(one.is_some() && !bytes[..index].contains(one), "{index}");
        }
        let number = encoded(
            &[key("n", DataType::Int64)],
            vec![("n", Arc::new(Int64Array::from(vec![1])))],
        );
        let text = encoded(
            &[key("n", DataType::Utf8)],
            vec![("n", Arc::new(StringArray::from(vec!["1"])))],
        );
        assert_ne!(number, text);
    }

    #[test]
    fn whole_numbers_of_both_widths_are_one_entity_and_null_is_none() {
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![Some(-7), None]));
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![Some(-7), None]));
        let keys = [key("n", DataType::Int64)];
        let expected = vec![
            Some([&[1, 8, 0, 0, 0][..], &(-7_i64).to_le_bytes()].concat()),
            None,
        ];
        assert_eq!(encoded(&keys, vec![("n", wide)]), expected);
        assert_eq!(encoded(&keys, vec![("n", narrow)]), expected);
    }

    #[test]
    fn encoded_entities_come_back() {
        let keys = [
            key("t", DataType::Utf8),
            key("n", DataType::Int32),
            key("b", DataType::Boolean),
        ];
        let rows = RecordBatch::try_from_iter([
            ("t", Arc::new(StringArray::from(vec!["", "ä"])) as ArrayRef),
            ("n", Arc::new(Int64Array::from(vec![-1, i64::MAX]))),
            ("b", Arc::new(BooleanArray::from(vec![true, false]))),
        ])
        .unwrap();
        let columns = KeyColumns::of_entities(&keys, &rows, "the spine").unwrap();
        let encode = |row| {
            let mut bytes = Vec::new();
            assert!(columns.encode(row, &mut bytes));
            bytes
        };
        let encoded = [encode(0), encode(1)];
        let encoded: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        let back = entities(&keys, &encoded).unwrap();
        assert_eq!(back.columns(), rows.columns());
        for length in 0..encoded[1].len() {
            assert!(
                entities(&keys, &[&encoded[1][..length]]).is_none(),
                "{length}"
            );
        }
    }

    #[test]
    fn wrong_columns_are_named() {
        let float: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        let rows = RecordBatch::try_from_iter([("usr", float)]).unwrap();
        let check = |name: &str, expected: &str| {
            let keys = [key(name, DataType::Int64)];
            let error = KeyColumns::of_entities(&keys, &rows, "the spine").unwrap_err();
            assert_eq!(format!("{error}; {}", error.hint().unwrap()), expected);
        };
        check(
            "user",
            "the spine has no column `user`, a join key; did you mean `usr`?",
        );
        check(
            "usr",
            "the spine: join key `usr` is float64, not int64; make the column's type the one of the entity's key",
        );
    }
}
