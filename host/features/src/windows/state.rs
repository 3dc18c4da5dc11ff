//! What is known of some rows, measure by measure: mergeable, and equal for equal sets of rows.

use arrow::array::{ArrayRef, RecordBatch};
use serde::{Deserialize, Serialize};

use super::distinct::Distinct;
use super::layout::{Layout, Measure, Output};
use super::spread::Spread;
use super::total::Total;
use super::words::Words;
use crate::contract::Order;
use crate::definition::Function;
use crate::row::RowEncoder;

/// What a measure knows of some rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    Count(u64),
    Total(Total),
    Extremes(Option<(i64, i64)>),
    /// The order of the row, and its value, encoded.
    First(Option<(Order, Vec<u8>)>),
    Last(Option<(Order, Vec<u8>)>),
    /// The hashes.
    Distinct(Distinct),
    Spread(Spread, Option<(i64, i64)>),
}

/// What a feature is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// An integer or the bits of a float64; none is null.
    Word(Option<i64>),
    /// A value of the input, encoded as a row of one column.
    Encoded(Option<Vec<u8>>),
}

impl State {
    /// What a measure knows of no rows.
    pub(super) fn new(measure: Measure, is_float: bool) -> Self {
        match measure {
            Measure::Count => Self::Count(0),
            Measure::Total => Self::Total(Total::new(is_float)),
            Measure::Extremes => Self::Extremes(None),
            Measure::First => Self::First(None),
            Measure::Last => Self::Last(None),
            Measure::Distinct => Self::Distinct(Distinct::default()),
            Measure::Spread => Self::Spread(Spread::default(), None),
        }
    }

    /// Those of all measures.
    pub(super) fn all(layout: &Layout) -> Vec<Self> {
        let measures = layout.measures.iter().enumerate();
        let states =
            measures.map(|(index, (measure, _))| Self::new(*measure, layout.is_of_floats(index)));
        states.collect()
    }

    fn add(&mut self, word: i64, order: Order, value: impl FnOnce() -> Vec<u8>) {
        match self {
            Self::Count(count) => *count += 1,
            Self::Total(total) => total.add(word),
            Self::Extremes(extremes) => *extremes = widest(*extremes, Some((word, word))),
            Self::First(first) => {
                if first.as_ref().is_none_or(|(known, _)| order < *known) {
                    *first = Some((order, value()));
                }
            }
            Self::Last(last) => {
                if last.as_ref().is_none_or(|(known, _)| order > *known) {
                    *last = Some((order, value()));
                }
            }
            Self::Distinct(distinct) => distinct.add(word.cast_unsigned()),
            Self::Spread(spread, extremes) => {
                spread.add(word);
                *extremes = widest(*extremes, Some((word, word)));
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::Total(total), Self::Total(other)) => total.merge(other),
            (Self::Extremes(extremes), Self::Extremes(other)) => {
                *extremes = widest(*extremes, *other);
            }
            (Self::First(first), Self::First(Some((order, value))))
                if first.as_ref().is_none_or(|(known, _)| order < known) =>
            {
                *first = Some((*order, value.clone()));
            }
            (Self::Last(last), Self::Last(Some((order, value))))
                if last.as_ref().is_none_or(|(known, _)| order > known) =>
            {
                *last = Some((*order, value.clone()));
            }
            (Self::Distinct(distinct), Self::Distinct(other)) => distinct.merge(other),
            (Self::Spread(spread, extremes), Self::Spread(other, outer)) => {
                spread.merge(other);
                *extremes = widest(*extremes, *outer);
            }
            // Measures of one view stand in one order; and nothing is added by no row.
            _ => {}
        }
    }

    /// What a function says of the rows.
    pub(super) fn value(&self, output: &Output) -> Value {
        Value::Word(match self {
            Self::Count(count) => i64::try_from(*count).ok(),
            Self::Distinct(distinct) => Some(distinct.estimate()),
            Self::Total(total) if output.function == Function::Sum => total.sum(),
            Self::Total(total) => total.mean(),
            Self::Extremes(extremes) => extreme(output, *extremes),
            Self::Spread(spread, extremes) => quantile(output, spread, *extremes),
            Self::First(found) | Self::Last(found) => {
                return Value::Encoded(found.as_ref().map(|(_, value)| value.clone()));
            }
        })
    }
}

/// The least or the greatest of the values, by their keys.
pub(super) fn extreme(output: &Output, extremes: Option<(i64, i64)>) -> Option<i64> {
    let (least, greatest) = extremes?;
    let key = if output.function == Function::Min {
        least
    } else {
        greatest
    };
    Some(output.of_key(key))
}

/// The bits of a quantile.
pub(super) fn quantile(
    output: &Output,
    spread: &Spread,
    extremes: Option<(i64, i64)>,
) -> Option<i64> {
    let Function::Quantile(q) = output.function else {
        return None;
    };
    let (least, greatest) = extremes?;
    let key = spread.quantile(q, least, greatest)?;
    Some(output.of_key(key))
}

fn widest(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some((least, greatest)), Some((low, high))) => Some((least.min(low), greatest.max(high))),
        (one, other) => one.or(other),
    }
}

/// Rows of inputs, as the measures of a layout take them.
pub(super) struct Taken<'l> {
    layout: &'l Layout,
    words: Vec<Words>,
    /// The input of each measure, alone.
    values: Vec<Option<RecordBatch>>,
}

impl<'l> Taken<'l> {
    pub(super) fn new(layout: &'l Layout, inputs: &RecordBatch) -> crate::Result<Self> {
        let alone = |input: Option<usize>| -> crate::Result<Option<RecordBatch>> {
            let column = |input: usize| ("value", ArrayRef::clone(inputs.column(input)), true);
            let batch = |input| RecordBatch::try_from_iter_with_nullable([column(input)]);
            Ok(input.map(batch).transpose()?)
        };
        let values = layout.measures.iter().map(|(_, input)| alone(*input));
        Ok(Self {
            layout,
            words: layout.words(inputs)?,
            values: values.collect::<crate::Result<_>>()?,
        })
    }

    /// Adds a row to what is known.
    pub(super) fn add(&self, row: usize, order: Order, states: &mut [State]) {
        debug_assert_eq!(states.len(), self.layout.measures.len());
        for ((state, words), value) in states.iter_mut().zip(&self.words).zip(&self.values) {
            if let Some(word) = words.get(row) {
                let encode = |value: &RecordBatch| RowEncoder::new(value).encode(row);
                state.add(word, order, || {
                    value.as_ref().map(encode).unwrap_or_default()
                });
            }
        }
    }
}
