//! Arithmetic, comparisons and conditions over the columns of a row.

mod syntax;

use std::cmp::Ordering;
use std::rc::Rc;

use trueline_sdk::{Batch, Result, math};

use crate::{
    texts::Block,
    value::{Scalar, Text, Value, Weight},
};

pub(crate) use syntax::{Function, Operator, Syntax, parse};

/// What is computed, ready for rows. Truth is 1, falsehood 0, missing NaN.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Number(f64),
    Column(Scalar),
    Missing(Box<Value>),
    /// From the left to the right; all operators are of one precedence.
    Chain(Box<Self>, Vec<(Operator, Self)>),
    /// Texts, by their bytes.
    Texts(Words, Operator, Words),
    Negated(Box<Self>),
    Not(Box<Self>),
    Call(Function, Vec<Self>),
}

/// The text of a row, or one for all rows.
#[derive(Clone, Debug)]
pub(crate) enum Words {
    Column(Text),
    Given(Rc<str>),
}

impl Expression {
    pub(crate) fn weight(&self) -> Weight {
        match self {
            Self::Number(_) => Weight::around([]),
            Self::Column(scalar) => Weight::around([scalar.weight()]),
            Self::Missing(value) => Weight::around([value.weight()]),
            Self::Chain(first, rest) => {
                let rest = rest.iter().map(|(_, operand)| operand.weight());
                Weight::around([first.weight()].into_iter().chain(rest))
            }
            Self::Texts(left, _, right) => Weight::around([left.weight(), right.weight()]),
            Self::Negated(operand) | Self::Not(operand) => Weight::around([operand.weight()]),
            Self::Call(_, arguments) => Weight::around(arguments.iter().map(Self::weight)),
        }
    }

    /// The numbers of the rows from `start` on, a multiple of 8.
    ///
    /// # Errors
    /// As the columns that it is computed from.
    pub(crate) fn eval(&self, batch: &Batch<'_>, start: usize, numbers: &mut [f64]) -> Result<()> {
        match self {
            Self::Number(number) => numbers.fill(*number),
            Self::Column(scalar) => scalar.eval(batch, start, numbers)?,
            Self::Missing(value) => value.missing(batch, start, numbers)?,
            Self::Chain(first, rest) => {
                first.eval(batch, start, numbers)?;
                let mut others = vec![0.0; numbers.len()];
                for (operator, operand) in rest {
                    operand.eval(batch, start, &mut others)?;
                    operator.apply(numbers, &others);
                }
            }
            Self::Texts(left, operator, right) => {
                compare_texts((left, *operator, right), batch, start, numbers)?;
            }
            Self::Negated(operand) => {
                operand.eval(batch, start, numbers)?;
                numbers.iter_mut().for_each(|x| *x = -*x);
            }
            Self::Not(operand) => {
                operand.eval(batch, start, numbers)?;
                numbers.iter_mut().for_each(|x| *x = 1.0 - *x);
            }
            Self::Call(function, arguments) => {
                let mut all = vec![0.0; arguments.len() * numbers.len()];
                for (argument, values) in arguments.iter().zip(all.chunks_mut(numbers.len())) {
                    argument.eval(batch, start, values)?;
                }
                function.apply(&all, numbers);
            }
        }
        Ok(())
    }
}

impl Words {
    fn weight(&self) -> Weight {
        match self {
            Self::Column(text) => text.weight(),
            Self::Given(_) => Weight::default(),
        }
    }

    fn block<'a>(
        &'a self,
        batch: &'a Batch<'a>,
        start: usize,
        count: usize,
    ) -> Result<WordsBlock<'a>> {
        Ok(match self {
            Self::Column(text) => WordsBlock::Texts(text.block(batch, start, count)?),
            Self::Given(text) => WordsBlock::Given(text),
        })
    }
}

enum WordsBlock<'a> {
    Texts(Block<'a>),
    Given(&'a str),
}

impl WordsBlock<'_> {
    fn get(&self, index: usize) -> Option<&str> {
        match self {
            Self::Texts(block) => block.get(index),
            Self::Given(text) => Some(text),
        }
    }
}

fn truth(is_true: bool) -> f64 {
    f64::from(u8::from(is_true))
}

fn compare_texts(
    (left, operator, right): (&Words, Operator, &Words),
    batch: &Batch<'_>,
    start: usize,
    numbers: &mut [f64],
) -> Result<()> {
    let left = left.block(batch, start, numbers.len())?;
    let right = right.block(batch, start, numbers.len())?;
    for (index, number) in numbers.iter_mut().enumerate() {
        let ordering = left
            .get(index)
            .zip(right.get(index))
            .map(|(left, right)| left.cmp(right));
        *number = ordering.map_or(f64::NAN, |ordering| truth(operator.holds(ordering)));
    }
    Ok(())
}

impl Operator {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            _ => false,
        }
    }

    fn apply(self, left: &mut [f64], right: &[f64]) {
        let pairs = left.iter_mut().zip(right);
        match self {
            Self::Add => pairs.for_each(|(x, y)| *x += y),
            Self::Subtract => pairs.for_each(|(x, y)| *x -= y),
            Self::Multiply => pairs.for_each(|(x, y)| *x *= y),
            Self::Divide => pairs.for_each(|(x, y)| *x /= y),
            Self::And => pairs.for_each(|(x, y)| *x = and(*x, *y)),
            Self::Or => pairs.for_each(|(x, y)| *x = 1.0 - and(1.0 - *x, 1.0 - y)),
            _ => pairs.for_each(|(x, y)| {
                let ordering = (*x).partial_cmp(y);
                *x = ordering.map_or(f64::NAN, |ordering| truth(self.holds(ordering)));
            }),
        }
    }
}

/// Falsehood and anything are false, as in SQL; else a missing one makes it missing.
fn and(x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 { 0.0 } else { x * y }
}

impl Function {
    /// `all` holds the values of one argument behind those of the other.
    fn apply(self, all: &[f64], numbers: &mut [f64]) {
        let count = numbers.len();
        let argument = |index: usize| &all[index * count..][..count];
        let each = |numbers: &mut [f64], f: fn(f64) -> f64| {
            for (number, x) in numbers.iter_mut().zip(argument(0)) {
                *number = f(*x);
            }
        };
        let fold = |numbers: &mut [f64], f: fn(f64, f64) -> f64| {
            numbers.copy_from_slice(argument(0));
            for values in all.chunks(count).skip(1) {
                numbers
                    .iter_mut()
                    .zip(values)
                    .for_each(|(x, y)| *x = f(*x, *y));
            }
        };
        match self {
            Self::Abs => each(numbers, f64::abs),
            Self::Sqrt => each(numbers, f64::sqrt),
            Self::Floor => each(numbers, f64::floor),
            Self::Ceil => each(numbers, f64::ceil),
            Self::Round => each(numbers, f64::round_ties_even),
            Self::Exp => math::exp_slice(argument(0), numbers),
            Self::Expm1 => math::expm1_slice(argument(0), numbers),
            Self::Ln => math::ln_slice(argument(0), numbers),
            Self::Log1p => math::log1p_slice(argument(0), numbers),
            Self::Min => fold(numbers, |x, y| if y < x || y.is_nan() { y } else { x }),
            Self::Max => fold(numbers, |x, y| if y > x || y.is_nan() { y } else { x }),
            Self::Coalesce => fold(numbers, |x, y| if x.is_nan() { y } else { x }),
            Self::If => {
                let branches = argument(1).iter().zip(argument(2));
                for ((number, condition), (then, otherwise)) in
                    numbers.iter_mut().zip(argument(0)).zip(branches)
                {
                    *number = match condition {
                        condition if condition.is_nan() => f64::NAN,
                        condition if *condition == 0.0 => *otherwise,
                        _ => *then,
                    };
                }
            }
            // Answered by `Expression::Missing`.
            Self::IsMissing => numbers.fill(f64::NAN),
        }
    }
}
