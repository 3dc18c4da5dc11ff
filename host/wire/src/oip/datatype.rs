//! The protocol's types, and which of them a column takes.

use trueline_table::DataType;

/// A type of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datatype {
    Bool,
    /// A signed integer of so many bytes.
    Int(usize),
    /// An unsigned integer of so many bytes.
    Uint(usize),
    Fp32,
    Fp64,
    Bytes,
}

impl Datatype {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "BOOL" => Self::Bool,
            "INT8" => Self::Int(1),
            "INT16" => Self::Int(2),
            "INT32" => Self::Int(4),
            "INT64" => Self::Int(8),
            "UINT8" => Self::Uint(1),
            "UINT16" => Self::Uint(2),
            "UINT32" => Self::Uint(4),
            "UINT64" => Self::Uint(8),
            "FP32" => Self::Fp32,
            "FP64" => Self::Fp64,
            "BYTES" => Self::Bytes,
            _ => return None,
        })
    }

    /// The type of a column's tensor in metadata and answers.
    pub(super) fn of(data_type: DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int32 | DataType::Date => Self::Int(4),
            DataType::Int64 | DataType::Timestamp => Self::Int(8),
            DataType::Float32 | DataType::Float32List(_) => Self::Fp32,
            DataType::Float64 | DataType::Float64List(_) => Self::Fp64,
            DataType::Utf8 | DataType::Binary => Self::Bytes,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Int(1) => "INT8",
            Self::Int(2) => "INT16",
            Self::Int(4) => "INT32",
            Self::Int(_) => "INT64",
            Self::Uint(1) => "UINT8",
            Self::Uint(2) => "UINT16",
            Self::Uint(4) => "UINT32",
            Self::Uint(_) => "UINT64",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Bytes => "BYTES",
        }
    }

    /// Whether every value of the type, or every one that the column's own checks let pass, is a value of
    /// the column. Floats are never widened or narrowed: 0.1 in FP32 is another number than in FP64.
    pub(super) fn fits(self, data_type: DataType) -> bool {
        match (self, data_type) {
            (Self::Bytes, DataType::Timestamp | DataType::Date) => true,
            (Self::Int(_) | Self::Uint(_), DataType::Int32 | DataType::Int64) => true,
            _ => self == Self::of(data_type),
        }
    }

    /// Bytes of one element; none if elements differ.
    pub(super) fn size(self) -> Option<usize> {
        match self {
            Self::Bool => Some(1),
            Self::Int(size) | Self::Uint(size) => Some(size),
            Self::Fp32 => Some(4),
            Self::Fp64 => Some(8),
            Self::Bytes => None,
        }
    }
}
