//! A challenger in the shadow: it answers what the model in use answered, and is compared with it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use serde::Serialize;
use trueline_table::Digest;

use crate::Model;
use crate::aside::Answered;

/// A package that answers to nobody.
pub(crate) struct Challenger {
    model: Model,
    compared: Mutex<Comparison>,
}

/// How a challenger's answers compare with those given.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Comparison {
    /// Rows that both answered.
    pub(crate) rows: u64,
    /// Rows that the challenger could not answer.
    pub(crate) rows_failed: u64,
    /// Why, the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// By the names of columns that both answer with.
    pub(crate) columns: BTreeMap<String, Difference>,
}

/// How far the values of a column are apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// Rows whose values differ, in a bit at least.
    pub(crate) rows_differing: u64,
    /// Of numbers, the largest absolute difference.
    pub(crate) largest: f64,
    /// Of numbers, the mean absolute difference.
    pub(crate) mean: f64,
    #[serde(skip)]
    sum: f64,
    #[serde(skip)]
    rows: u64,
}

impl Challenger {
    pub(crate) fn new(model: Model) -> Self {
        Self {
            model,
            compared: Mutex::default(),
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.model.digest()
    }

    pub(crate) fn names(&self) -> &crate::Names {
        self.model.names()
    }

    /// What came of it so far.
    pub(crate) fn comparison(&self) -> Comparison {
        let compared = self.compared.lock();
        compared.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn compare(&self, answered: &Answered) {
        let own = self.model.predict(&answered.rows);
        let compared = self.compared.lock();
        let mut compared = compared.unwrap_or_else(PoisonError::into_inner);
        match own {
            Ok(own) => compared.add(&answered.answers, &own),
            Err(error) => {
                compared.rows_failed += answered.rows.num_rows() as u64;
                compared.failure = Some(error.to_string());
            }
        }
    }
}

impl Comparison {
    fn add(&mut self, given: &RecordBatch, own: &RecordBatch) {
        self.rows += given.num_rows() as u64;
        for (field, column) in given.schema_ref().fields().iter().zip(given.columns()) {
            if let Some(other) = own.column_by_name(field.name())
                && other.data_type() == column.data_type()
            {
                let difference = self.columns.entry(field.name().clone()).or_default();
                difference.add(column, other);
            }
        }
    }
}

impl Difference {
    fn add(&mut self, given: &ArrayRef, own: &ArrayRef) {
        for row in 0..given.len() {
            if given.slice(row, 1) != own.slice(row, 1) {
                self.rows_differing += 1;
            }
        }
        let numbers = |column: &ArrayRef| {
            let is_number = column.data_type().is_numeric();
            is_number
                .then(|| cast(column, &DataType::Float64).ok())
                .flatten()
        };
        let (Some(given), Some(own)) = (numbers(given), numbers(own)) else {
            return;
        };
        let values = |column: &ArrayRef| column.as_primitive::<Float64Type>().clone();
        let (given, own) = (values(&given), values(&own));
        for (given, own) in given.iter().zip(&own) {
            let apart = match (given, own) {
                (Some(given), Some(own)) => (given - own).abs(),
                _ => continue,
            };
            self.rows += 1;
            self.sum += apart;
            self.largest = self.largest.max(apart);
        }
        if self.rows > 0 {
            self.mean = self.sum / self.rows as f64;
        }
    }
}
