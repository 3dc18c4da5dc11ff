//! One value of a table.

use crate::DataType;

/// One value of a [`Table`](super::Table).
///
/// Two cells are equal if their bits are: NaN equals NaN, and 0.0 differs from -0.0.
#[derive(Clone, Debug)]
pub enum Cell {
    /// No value, in a column of any type.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An int32, or the days of a date.
    Int32(i32),
    /// An int64, or the microseconds of a timestamp.
    Int64(i64),
    /// A float32.
    Float32(f32),
    /// A float64.
    Float64(f64),
    /// A text of a utf8 column.
    Text(String),
    /// Bytes of a binary column.
    Bytes(Vec<u8>),
    /// A vector of float32.
    Vector32(Vec<f32>),
    /// A vector of float64.
    Vector64(Vec<f64>),
}

/// A Rust type that stands for a column type, so that a column can be written as an array.
pub trait Value {
    /// The type of a column of such values.
    const DATA_TYPE: DataType;

    /// The value as a cell.
    fn into_cell(self) -> Cell;
}

macro_rules! values {
    ($($type:ty => $data_type:ident, $cell:expr;)*) => {
        $(
            impl Value for $type {
                const DATA_TYPE: DataType = DataType::$data_type;

                fn into_cell(self) -> Cell {
                    $cell(self)
                }
            }
        )*
    };
}

values! {
    bool => Boolean, Cell::Boolean;
    i32 => Int32, Cell::Int32;
    i64 => Int64, Cell::Int64;
    f32 => Float32, Cell::Float32;
    f64 => Float64, Cell::Float64;
    &str => Utf8, |text: &str| Cell::Text(text.to_owned());
    String => Utf8, Cell::Text;
    Vec<u8> => Binary, Cell::Bytes;
}

impl<const WIDTH: usize> Value for [f32; WIDTH] {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an array in a test is short"
    )]
    const DATA_TYPE: DataType = DataType::Float32List(WIDTH as u32);

    fn into_cell(self) -> Cell {
        Cell::Vector32(self.to_vec())
    }
}

impl<const WIDTH: usize> Value for [f64; WIDTH] {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an array in a test is short"
    )]
    const DATA_TYPE: DataType = DataType::Float64List(WIDTH as u32);

    fn into_cell(self) -> Cell {
        Cell::Vector64(self.to_vec())
    }
}

impl<T: Value> Value for Option<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;

    fn into_cell(self) -> Cell {
        self.map_or(Cell::Null, T::into_cell)
    }
}

impl<T: Value> From<T> for Cell {
    fn from(value: T) -> Self {
        value.into_cell()
    }
}

impl Cell {
    /// Whether a column of this type may hold the cell.
    pub(super) fn fits(&self, data_type: DataType) -> bool {
        match (self, data_type) {
            (Self::Null, _)
            | (Self::Boolean(_), DataType::Boolean)
            | (Self::Int32(_), DataType::Int32 | DataType::Date)
            | (Self::Int64(_), DataType::Int64 | DataType::Timestamp)
            | (Self::Float32(_), DataType::Float32)
            | (Self::Float64(_), DataType::Float64)
            | (Self::Text(_), DataType::Utf8)
            | (Self::Bytes(_), DataType::Binary) => true,
            (Self::Vector32(values), DataType::Float32List(width)) => {
                values.len() == width as usize
            }
            (Self::Vector64(values), DataType::Float64List(width)) => {
                values.len() == width as usize
            }
            _ => false,
        }
    }

    /// The same cell with the one NaN that frames have.
    pub(super) fn with_canonical_nan(mut self) -> Self {
        let mend32 = |value: &mut f32| {
            if value.is_nan() {
                *value = f32::from_bits(0x7fc0_0000);
            }
        };
        let mend64 = |value: &mut f64| {
            if value.is_nan() {
                *value = f64::from_bits(0x7ff8_0000_0000_0000);
            }
        };
        match &mut self {
            Self::Float32(value) => mend32(value),
            Self::Float64(value) => mend64(value),
            Self::Vector32(values) => values.iter_mut().for_each(mend32),
            Self::Vector64(values) => values.iter_mut().for_each(mend64),
            _ => {}
        }
        self
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        let bits32 = |values: &[f32]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        let bits64 = |values: &[f64]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Int32(a), Self::Int32(b)) => a == b,
            (Self::Int64(a), Self::Int64(b)) => a == b,
            (Self::Float32(a), Self::Float32(b)) => a.to_bits() == b.to_bits(),
            (Self::Float64(a), Self::Float64(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Vector32(a), Self::Vector32(b)) => bits32(a) == bits32(b),
            (Self::Vector64(a), Self::Vector64(b)) => bits64(a) == bits64(b),
            _ => false,
        }
    }
}

impl Eq for Cell {}
