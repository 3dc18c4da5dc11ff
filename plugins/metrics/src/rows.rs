//! Rows as numbers: label, prediction and weight.

use std::borrow::Cow;

use trueline_sdk::prelude::*;

use crate::Params;
use crate::columns::Columns;
use crate::params::{Nulls, Positive, Task};

/// A row that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    /// 1 or 0 in a classification.
    pub(crate) label: f64,
    /// In [0, 1] in a classification.
    pub(crate) prediction: f64,
    /// Finite and not negative; 1 without weights.
    pub(crate) weight: f64,
}

/// Reads batches of the signature's columns.
pub(crate) struct Reader {
    columns: Columns,
    positive: Option<Positive>,
    nulls: Nulls,
}

impl Reader {
    pub(crate) fn new(params: &Params, columns: Columns) -> Self {
        Self {
            columns,
            positive: params.positive.clone(),
            nulls: params.nulls,
        }
    }

    /// Gives each row to `take`; answers how many were skipped.
    ///
    /// # Errors
    /// [`Error::Data`] if a row cannot be measured, with the column and the value.
    pub(crate) fn read(&self, batch: &Batch<'_>, mut take: impl FnMut(Row)) -> Result<u64> {
        let rows = batch.rows();
        let labels = self.labels(batch.column(0), rows)?;
        let predictions = batch.column(1).numbers(rows)?;
        let weights = match &self.columns.weight {
            Some(_) => batch.column(2).numbers(rows)?,
            None => Cow::Owned(vec![1.0; rows]),
        };
        let mut skipped = 0;
        for row in 0..rows {
            if let Some(index) = batch
                .columns()
                .iter()
                .position(|column| !column.is_valid(row))
            {
                self.skip_null(index)?;
                skipped += 1;
                continue;
            }
            take(self.check(Row {
                label: labels[row],
                prediction: predictions[row],
                weight: weights[row],
            })?);
        }
        Ok(skipped)
    }

    /// The labels as numbers: 1 for the positive class, if there is one.
    fn labels<'b>(&self, column: &'b Column<'_>, rows: usize) -> Result<Cow<'b, [f64]>> {
        let is_positive: Vec<bool> = match &self.positive {
            None => return column.numbers(rows),
            Some(Positive::Text(positive)) => {
                let texts = column.utf8()?;
                (0..rows).map(|row| texts.get(row) == positive).collect()
            }
            Some(Positive::Boolean(positive)) => (0..rows)
                .map(|row| Ok(column.boolean(row)? == *positive))
                .collect::<Result<_>>()?,
            Some(Positive::Integer(positive)) => match &column.values {
                Values::Int64(values) => values.iter().map(|value| value == positive).collect(),
                // A float that is NaN must stay one, to be refused.
                _ => {
                    let positive = *positive as f64;
                    let class = |label: &f64| {
                        if label.is_nan() {
                            *label
                        } else {
                            f64::from(*label == positive)
                        }
                    };
                    return Ok(column.numbers(rows)?.iter().map(class).collect());
                }
            },
        };
        Ok(is_positive.into_iter().map(f64::from).collect())
    }

    fn check(&self, row: Row) -> Result<Row> {
        let Columns {
            label,
            prediction,
            weight,
            task,
        } = &self.columns;
        if row.label.is_nan() || row.prediction.is_nan() {
            let name = if row.label.is_nan() {
                &label.name
            } else {
                &prediction.name
            };
            return Err(Error::data(format!(
                "column `{name}` has a NaN: leave such rows out with `where`"
            )));
        }
        if !(row.weight >= 0.0 && row.weight < f64::INFINITY) {
            let name = weight.as_ref().map_or("", |field| &field.name);
            return Err(Error::data(format!(
                "weight `{name}` has {}: weights are 0 or more, and finite",
                row.weight
            )));
        }
        if *task == Task::Regression {
            return Ok(row);
        }
        if row.label != 0.0 && row.label != 1.0 {
            return Err(Error::data(format!(
                "label `{}` has {}, but classes are 0 and 1: say which is `positive`, or set `task = \"regression\"`",
                label.name, row.label
            )));
        }
        if !(0.0..=1.0).contains(&row.prediction) {
            return Err(Error::data(format!(
                "prediction `{}` has {}, but a probability is between 0 and 1: let the model answer with \
                 probabilities, or set `task = \"regression\"`",
                prediction.name, row.prediction
            )));
        }
        Ok(row)
    }

    fn skip_null(&self, index: usize) -> Result<()> {
        if self.nulls == Nulls::Skip {
            return Ok(());
        }
        let columns = [
            Some(&self.columns.label),
            Some(&self.columns.prediction),
            self.columns.weight.as_ref(),
        ];
        let name = columns
            .into_iter()
            .flatten()
            .nth(index)
            .map_or("", |field| &field.name);
        Err(Error::data(format!(
            "column `{name}` has a null: leave such rows out with `where`, or set `nulls = \"skip\"`"
        )))
    }
}
