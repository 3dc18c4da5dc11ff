//! Expressions: CEL text, checked against a schema and evaluated over whole columns.
//!
//! The text is parsed by the `cel` crate, so it is CEL by construction; then it is typed against the
//! schema before any row is read, and evaluated column by column. What is supported: literals,
//! columns, `! && || ?:`, comparisons, arithmetic, `in [..]`, `has(row.x)`, the functions that
//! [`Function`](function::Function) lists. A column whose name is no CEL identifier is written
//! `row["dep delay"]`.
//!
//! **Null.** A null stands where CEL has an error: a value that cannot be computed. So an operator or
//! function of a null is null (`null > 15`, and also `x == y` if either is null); `&&` and `||` are
//! Kleene's, which is how CEL absorbs errors: `false && null` is false, `true || null` is true;
//! `null ? a : b` is null. `x == null` and `x != null` test for null and are never null. An integer
//! overflow or a division of integers by zero is null as well, so that
//! `seats != 0 && distance / seats > 10` needs no row-wise evaluation to be safe.
//!
//! **Numbers.** int32 is read as int64 and float32 as float64, exactly. Unlike in CEL, an int64 may
//! meet a float64; it is then rounded to float64 first. Floats compare as IEEE 754 says: NaN equals
//! nothing, -0.0 equals 0.0. **Time.** A date counts as its midnight in UTC. A timestamp goes with a
//! duration: `time_hour + minutes(minute + dep_delay)`, `time > now - duration("36h")`; what int64 does not hold
//! in microseconds is null.

mod check;
mod function;
mod node;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::error::ArrowError;
use trueline_table::{DataType, Schema};

use self::node::Node;
use crate::time::microseconds;

/// A checked expression.
///
/// ```
/// use trueline_dataset::Expression;
/// use trueline_table::{DataType, Field, Schema};
///
/// let schema = Schema::new([Field::new("arr_delay", DataType::Int64)]);
/// let late = Expression::compile("arr_delay > 15", &schema).unwrap();
/// assert_eq!(late.data_type(), DataType::Boolean);
///
/// let error = Expression::compile("arr_dely > 15", &schema).unwrap_err();
/// assert_eq!(error.hint.as_deref(), Some("did you mean `arr_delay`?"));
/// ```
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    root: Node,
    kind: Kind,
}

/// What a value can be while an expression is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boolean,
    Int,
    Double,
    Text,
    Timestamp,
    /// A length of time, in microseconds; never a column.
    Duration,
    /// A column that can only be tested for null: binary or a vector.
    Opaque,
    /// The literal `null`, which takes the type of what it meets.
    Null,
}

/// Why a text is not an expression over the columns at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// The whole expression.
    pub text: String,
    /// Where in `text`, in characters from 0.
    pub position: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Expression {
    /// Parses `text` and types it against `schema`.
    ///
    /// # Errors
    /// If it is not CEL, names a column that does not exist, or puts types together that do not fit.
    pub fn compile(text: &str, schema: &Schema) -> Result<Self, ExpressionError> {
        let (root, kind) = check::check(text, schema)?;
        Ok(Self {
            text: text.to_owned(),
            root,
            kind,
        })
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The type of its values: boolean, int64, float64, utf8 or timestamp.
    pub fn data_type(&self) -> DataType {
        self.kind.data_type()
    }

    /// Whether it can be null for some row.
    pub fn is_nullable(&self) -> bool {
        self.root.is_nullable()
    }

    /// The names of the columns that it reads.
    pub fn columns(&self) -> BTreeSet<String> {
        let mut columns = BTreeSet::new();
        self.root.visit_columns(&mut |name| {
            columns.insert(name.to_owned());
        });
        columns
    }

    /// The columns that cannot be null in any row for which this (boolean) expression is true: those
    /// that it tests with `x != null`, alone or joined by `&&`.
    pub fn proves_present(&self) -> BTreeSet<String> {
        let mut columns = BTreeSet::new();
        self.root.visit_present(&mut |name| {
            columns.insert(name.to_owned());
        });
        columns
    }

    /// One value for each row of `batch`, whose columns of these names must be of the types that the
    /// expression was compiled for; further columns and another order do not matter.
    ///
    /// # Errors
    /// If `batch` lacks a column or has it with another type.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, ArrowError> {
        self.root.evaluate(batch)
    }

    /// [`evaluate`](Self::evaluate) for a condition: the rows for which it is true, null being false.
    ///
    /// # Errors
    /// As `evaluate`, or if the expression is not boolean.
    pub fn select(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let values = node::downcast::<BooleanArray>(self.evaluate(batch)?.as_ref())?.clone();
        Ok(match values.nulls() {
            Some(valid) => BooleanArray::new(values.values() & valid.inner(), None),
            None => values,
        })
    }
}

impl Kind {
    fn of(data_type: DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Int32 | DataType::Int64 => Self::Int,
            DataType::Float32 | DataType::Float64 => Self::Double,
            DataType::Utf8 => Self::Text,
            DataType::Timestamp | DataType::Date => Self::Timestamp,
            DataType::Binary | DataType::Float32List(_) | DataType::Float64List(_) => Self::Opaque,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Int | Self::Duration => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp,
            // The check refuses expressions of these kinds.
            Self::Opaque | Self::Null => DataType::Binary,
        }
    }

    /// `column` with its values widened to this kind.
    fn widen(self, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let wanted = self.data_type().to_arrow();
        if self == Self::Opaque || *column.data_type() == wanted {
            return Ok(column.clone());
        }
        match self {
            Self::Timestamp => Ok(Arc::new(microseconds(column)?.with_timezone("UTC"))),
            _ => cast(column, &wanted),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Text => "string",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Opaque => "binary or vector",
            Self::Null => "null",
        })
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}`, character {}: {}",
            self.text,
            self.position + 1,
            self.problem
        )
    }
}

impl std::error::Error for ExpressionError {}

#[cfg(test)]
mod tests;
