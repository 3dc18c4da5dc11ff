//! What has to be kept of a view's rows, so that its aggregates can be computed.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use trueline_dataset::Expression;
use trueline_sdk::order;
use trueline_table::{DataType, Field, Schema};

use super::total::bits;
use super::words::Words;
use crate::definition::{Function, View};
use crate::{Error, Result};

/// What is known of the values in a window; several functions may be answered by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// How many values.
    Count,
    /// Their number and exact sum.
    Total,
    /// The least and the greatest.
    Extremes,
    /// The first, and the last, in the contract's order.
    First,
    Last,
    Distinct,
    /// Counts in buckets, and the extremes.
    Spread,
}

/// A view's aggregates, taken apart: each measure is kept once, each window is gone through once.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The columns of the source that are read, join keys aside.
    pub(super) columns: Schema,
    inputs: Vec<(Input, DataType)>,
    /// With the input that each is of; none for rows.
    pub(super) measures: Vec<(Measure, Option<usize>)>,
    /// The lengths of the windows, ascending, each once.
    pub(super) windows: Vec<i64>,
    /// One for each of the wanted features.
    pub(super) outputs: Vec<Output>,
}

#[derive(Debug)]
enum Input {
    Column(String),
    Expression(Box<Expression>),
}

/// How a feature is computed.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) function: Function,
    pub(super) measure: usize,
    pub(super) window: usize,
    pub(super) data_type: DataType,
}

impl Measure {
    fn of(function: Function) -> Self {
        match function {
            Function::Count => Self::Count,
            Function::Sum | Function::Mean => Self::Total,
            Function::Min | Function::Max => Self::Extremes,
            Function::First => Self::First,
            Function::Last => Self::Last,
            Function::Distinct => Self::Distinct,
            Function::Quantile(_) => Self::Spread,
        }
    }
}

impl Layout {
    /// That of some features of a view, in the order given; of all if none are.
    ///
    /// # Errors
    /// If the view has no such aggregate.
    pub(crate) fn new(view: &View, wanted: Option<&[String]>) -> Result<Self> {
        let missing = |name: &str| Error::Unknown {
            kind: "feature",
            name: format!("{}:{name}", view.name),
            hint: "list what is defined with `trueline features list`".to_owned(),
        };
        let aggregates = view.aggregates.as_ref().ok_or_else(|| missing("*"))?;
        let columns = aggregates.columns.iter();
        let columns = Schema::new(columns.map(|one| Field::new(&one.name, one.data_type)));
        let mut layout = Self {
            columns,
            inputs: Vec::new(),
            measures: Vec::new(),
            windows: Vec::new(),
            outputs: Vec::new(),
        };
        let all: Vec<String>;
        let wanted = match wanted {
            Some(wanted) => wanted,
            None => {
                all = view.features.iter().map(|one| one.name.clone()).collect();
                &all
            }
        };
        let mut texts: Vec<&str> = Vec::new();
        let mut lengths = Vec::new();
        for name in wanted {
            let place = view.features.iter().position(|one| &one.name == name);
            let found = place
                .and_then(|place| Some((aggregates.functions.get(place)?, &view.features[place])));
            let (aggregate, feature) = found.ok_or_else(|| missing(name))?;
            let input = match &aggregate.input {
                None => None,
                Some(text) => Some(match texts.iter().position(|known| known == text) {
                    Some(known) => known,
                    None => {
                        texts.push(text);
                        layout.add_input(text)?;
                        texts.len() - 1
                    }
                }),
            };
            let measure = (Measure::of(aggregate.function), input);
            let known = layout.measures.iter().position(|known| *known == measure);
            layout.outputs.push(Output {
                function: aggregate.function,
                measure: known.unwrap_or(layout.measures.len()),
                window: 0,
                data_type: feature.data_type,
            });
            if known.is_none() {
                layout.measures.push(measure);
            }
            lengths.push(aggregate.over_us);
        }
        layout.windows.clone_from(&lengths);
        layout.windows.sort_unstable();
        layout.windows.dedup();
        for (output, length) in layout.outputs.iter_mut().zip(lengths) {
            // It is among them.
            output.window = layout.windows.partition_point(|window| *window < length);
        }
        Ok(layout)
    }

    fn add_input(&mut self, text: &str) -> Result<()> {
        let input = match self.columns.field(text) {
            Some(field) => (Input::Column(text.to_owned()), field.data_type),
            None => {
                let expression = Expression::compile(text, &self.columns)
                    .map_err(|error| Error::input(error.to_string(), "apply the view anew"))?;
                let data_type = expression.data_type();
                (Input::Expression(Box::new(expression)), data_type)
            }
        };
        self.inputs.push(input);
        Ok(())
    }

    /// The length of the longest window.
    pub(super) fn longest_us(&self) -> i64 {
        self.windows.last().copied().unwrap_or(0)
    }

    /// The inputs of the measures.
    pub(super) fn schema(&self) -> Schema {
        let fields = self.inputs.iter().enumerate();
        Schema::new(fields.map(|(index, (_, kind))| Field::new(index.to_string(), *kind)))
    }

    /// Computes the inputs of rows that have the columns that are read.
    pub(super) fn inputs(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let input = |(input, _): &(Input, DataType)| -> Result<ArrayRef> {
            match input {
                Input::Expression(expression) => Ok(expression.evaluate(rows)?),
                Input::Column(name) => rows.column_by_name(name).cloned().ok_or_else(|| {
                    Error::input(format!("rows of the log have no column `{name}`"), "")
                }),
            }
        };
        let columns = self.inputs.iter().map(input).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let schema = self.schema().to_arrow();
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }

    /// The words of each measure for rows of inputs.
    pub(super) fn words(&self, inputs: &RecordBatch) -> Result<Vec<Words>> {
        let measures = self.measures.iter().map(|(measure, input)| {
            let input = input.map(|input| inputs.column(input));
            Words::of(*measure, input, inputs.num_rows())
        });
        measures.collect()
    }

    /// The type of a measure's input.
    pub(super) fn input_type(&self, measure: usize) -> Option<DataType> {
        let (_, input) = self.measures[measure];
        Some(self.inputs[input?].1)
    }

    /// Whether a measure is of floats.
    pub(super) fn is_of_floats(&self, measure: usize) -> bool {
        let float = |kind| matches!(kind, DataType::Float32 | DataType::Float64);
        self.input_type(measure).is_some_and(float)
    }
}

impl Output {
    /// A key of the measure as a result: keys of floats become their bits.
    pub(super) fn of_key(&self, key: i64) -> i64 {
        match self.data_type {
            DataType::Float32 | DataType::Float64 => bits(order::float(key)),
            _ => key,
        }
    }
}
