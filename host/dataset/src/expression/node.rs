//! A typed expression and its evaluation, a column at a time.

use arrow::array::{
    Array, ArrayAccessor, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{and_kleene, is_null, not, nullif, or_kleene};
use arrow::error::ArrowError;
use std::sync::Arc;

use super::Kind;
use super::function::Function;

/// An expression whose types fit. Operands of one operator have the same kind.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Column {
        name: String,
        kind: Kind,
        nullable: bool,
    },
    Constant(Constant),
    IsNull(Box<Node>),
    Not(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Compare(Comparison, Kind, Box<[Node; 2]>),
    Arithmetic(Operator, Kind, Box<[Node; 2]>),
    /// Whether the first value equals one of the others, all of this kind.
    In(Kind, Box<Node>, Vec<Node>),
    /// Condition, value if true, value if false.
    Choose(Box<[Node; 3]>),
    Call(Function, Vec<Node>),
}

#[derive(Clone, Debug)]
pub(super) enum Constant {
    Boolean(bool),
    Int(i64),
    Double(f64),
    Text(String),
    /// Microseconds since the epoch.
    Timestamp(i64),
    /// A null where a value of this kind belongs.
    Null(Kind),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Node {
    pub(super) fn is_nullable(&self) -> bool {
        match self {
            Self::Column { nullable, .. } => *nullable,
            Self::Constant(constant) => matches!(constant, Constant::Null(_)),
            Self::IsNull(_) => false,
            // An overflow or a division by zero is null.
            Self::Arithmetic(_, Kind::Int | Kind::Timestamp | Kind::Duration, _) => true,
            Self::Call(function, _) if function.may_fail() => true,
            _ => self.operands().iter().any(|operand| operand.is_nullable()),
        }
    }

    pub(super) fn visit_columns(&self, visit: &mut impl FnMut(&str)) {
        if let Self::Column { name, .. } = self {
            visit(name);
        }
        for operand in self.operands() {
            operand.visit_columns(visit);
        }
    }

    pub(super) fn visit_present(&self, visit: &mut impl FnMut(&str)) {
        match self {
            Self::And(operands) => operands
                .iter()
                .for_each(|operand| operand.visit_present(visit)),
            Self::Not(test) => {
                if let Self::IsNull(tested) = &**test
                    && let Self::Column { name, .. } = &**tested
                {
                    visit(name);
                }
            }
            _ => {}
        }
    }

    fn operands(&self) -> Vec<&Node> {
        match self {
            Self::Column { .. } | Self::Constant(_) => Vec::new(),
            Self::IsNull(operand) | Self::Not(operand) => vec![operand],
            Self::And(operands) | Self::Or(operands) => operands.iter().collect(),
            Self::Compare(_, _, operands) | Self::Arithmetic(_, _, operands) => {
                operands.iter().collect()
            }
            Self::In(_, value, elements) => std::iter::once(&**value).chain(elements).collect(),
            Self::Choose(operands) => operands.iter().collect(),
            Self::Call(_, arguments) => arguments.iter().collect(),
        }
    }

    pub(super) fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Column { name, kind, .. } => {
                let column = batch.column_by_name(name).ok_or_else(|| {
                    ArrowError::SchemaError(format!("the rows lack the column `{name}`"))
                })?;
                kind.widen(column)
            }
            Self::Constant(constant) => Ok(constant.repeat(batch.num_rows())),
            Self::IsNull(operand) => Ok(Arc::new(is_null(&operand.evaluate(batch)?)?)),
            Self::Not(operand) => Ok(Arc::new(not(&operand.evaluate_boolean(batch)?)?)),
            Self::And(operands) => {
                let [left, right] = &**operands;
                Ok(Arc::new(and_kleene(
                    &left.evaluate_boolean(batch)?,
                    &right.evaluate_boolean(batch)?,
                )?))
            }
            Self::Or(operands) => {
                let [left, right] = &**operands;
                Ok(Arc::new(or_kleene(
                    &left.evaluate_boolean(batch)?,
                    &right.evaluate_boolean(batch)?,
                )?))
            }
            Self::Compare(comparison, kind, operands) => {
                let [left, right] = &**operands;
                Ok(Arc::new(compare(
                    *comparison,
                    *kind,
                    &left.evaluate(batch)?,
                    &right.evaluate(batch)?,
                )?))
            }
            Self::Arithmetic(operator, kind, operands) => {
                let [left, right] = &**operands;
                compute(
                    *operator,
                    *kind,
                    &left.evaluate(batch)?,
                    &right.evaluate(batch)?,
                )
            }
            Self::In(kind, value, elements) => {
                let value = value.evaluate(batch)?;
                let mut found = BooleanArray::from(vec![false; batch.num_rows()]);
                for element in elements {
                    let equal =
                        compare(Comparison::Equal, *kind, &value, &element.evaluate(batch)?)?;
                    found = or_kleene(&found, &equal)?;
                }
                Ok(Arc::new(found))
            }
            Self::Choose(operands) => {
                let [condition, if_true, if_false] = &**operands;
                let condition = condition.evaluate_boolean(batch)?;
                let chosen = zip(
                    &condition,
                    &if_true.evaluate(batch)?,
                    &if_false.evaluate(batch)?,
                )?;
                // The kernel takes a null condition for false; here it is null.
                nullif(&chosen, &is_null(&condition)?)
            }
            Self::Call(function, arguments) => {
                let arguments = arguments.iter().map(|argument| argument.evaluate(batch));
                function.evaluate(&arguments.collect::<Result<Vec<_>, _>>()?)
            }
        }
    }

    fn evaluate_boolean(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        Ok(downcast::<BooleanArray>(&self.evaluate(batch)?)?.clone())
    }
}

impl Constant {
    fn repeat(&self, rows: usize) -> ArrayRef {
        match self {
            Self::Boolean(value) => Arc::new(BooleanArray::from(vec![*value; rows])),
            Self::Int(value) => Arc::new(Int64Array::from_value(*value, rows)),
            Self::Double(value) => Arc::new(Float64Array::from_value(*value, rows)),
            Self::Text(value) => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
                value, rows,
            ))),
            Self::Timestamp(value) => {
                Arc::new(TimestampMicrosecondArray::from_value(*value, rows).with_timezone("UTC"))
            }
            Self::Null(kind) => new_null_array(&kind.data_type().to_arrow(), rows),
        }
    }
}

/// The array as the type that the check promised.
pub(super) fn downcast<A: Array + 'static>(array: &dyn Array) -> Result<&A, ArrowError> {
    array.as_any().downcast_ref::<A>().ok_or_else(|| {
        let (found, wanted) = (array.data_type(), std::any::type_name::<A>());
        ArrowError::SchemaError(format!(
            "a column is {found} where the expression was compiled for {wanted}"
        ))
    })
}

fn compare(
    comparison: Comparison,
    kind: Kind,
    left: &dyn Array,
    right: &dyn Array,
) -> Result<BooleanArray, ArrowError> {
    fn typed<A>(
        comparison: Comparison,
        left: &dyn Array,
        right: &dyn Array,
    ) -> Result<BooleanArray, ArrowError>
    where
        A: Array + 'static,
        for<'a> &'a A: ArrayAccessor<Item: PartialOrd>,
    {
        let (left, right) = (downcast::<A>(left)?, downcast::<A>(right)?);
        Ok(match comparison {
            Comparison::Equal => BooleanArray::from_binary(left, right, |a, b| a == b),
            Comparison::NotEqual => BooleanArray::from_binary(left, right, |a, b| a != b),
            Comparison::Less => BooleanArray::from_binary(left, right, |a, b| a < b),
            Comparison::LessOrEqual => BooleanArray::from_binary(left, right, |a, b| a <= b),
            Comparison::Greater => BooleanArray::from_binary(left, right, |a, b| a > b),
            Comparison::GreaterOrEqual => BooleanArray::from_binary(left, right, |a, b| a >= b),
        })
    }
    // Not arrow's own comparison kernels: they order floats totally (NaN equals itself, -0.0 is below
    // 0.0), which is not what CEL or anybody's SQL says.
    match kind {
        Kind::Boolean => typed::<BooleanArray>(comparison, left, right),
        Kind::Int | Kind::Duration => typed::<Int64Array>(comparison, left, right),
        Kind::Double => typed::<Float64Array>(comparison, left, right),
        Kind::Text => typed::<StringArray>(comparison, left, right),
        Kind::Timestamp => typed::<TimestampMicrosecondArray>(comparison, left, right),
        Kind::Opaque | Kind::Null => Err(ArrowError::ComputeError(format!(
            "{kind} cannot be compared"
        ))),
    }
}

fn compute(
    operator: Operator,
    kind: Kind,
    left: &dyn Array,
    right: &dyn Array,
) -> Result<ArrayRef, ArrowError> {
    match kind {
        Kind::Timestamp => {
            let apply = match operator {
                Operator::Subtract => i64::checked_sub,
                _ => i64::checked_add,
            };
            let times = downcast::<TimestampMicrosecondArray>(left)?.iter();
            let pairs = times.zip(downcast::<Int64Array>(right)?);
            let moved = pairs.map(|(time, length)| apply(time?, length?));
            let moved = moved.collect::<TimestampMicrosecondArray>();
            Ok(Arc::new(moved.with_timezone("UTC")))
        }
        Kind::Int | Kind::Duration => {
            let apply = match operator {
                Operator::Add => i64::checked_add,
                Operator::Subtract => i64::checked_sub,
                Operator::Multiply => i64::checked_mul,
                Operator::Divide => i64::checked_div,
                Operator::Remainder => i64::checked_rem,
            };
            let pairs = downcast::<Int64Array>(left)?
                .iter()
                .zip(downcast::<Int64Array>(right)?);
            Ok(Arc::new(
                pairs
                    .map(|(left, right)| apply(left?, right?))
                    .collect::<Int64Array>(),
            ))
        }
        Kind::Double => {
            let apply = |left: f64, right: f64| match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
                Operator::Remainder => left % right,
            };
            let pairs = downcast::<Float64Array>(left)?
                .iter()
                .zip(downcast::<Float64Array>(right)?);
            Ok(Arc::new(
                pairs
                    .map(|(left, right)| Some(apply(left?, right?)))
                    .collect::<Float64Array>(),
            ))
        }
        _ => {
            let pairs = downcast::<StringArray>(left)?
                .iter()
                .zip(downcast::<StringArray>(right)?);
            Ok(Arc::new(
                pairs
                    .map(|(left, right)| Some([left?, right?].concat()))
                    .collect::<StringArray>(),
            ))
        }
    }
}
