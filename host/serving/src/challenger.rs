//! A challenger in the shadow: it answers what the model in use answered, and is compared with it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use serde::Serialize;
use trueline_table::Digest;

use crate::Model;
use crate::aside::Answered;

/// Who is told how a challenger does.
pub type Report = Box<dyn FnMut(&Comparison) + Send>;

/// A package that answers to nobody.
pub(crate) struct Challenger {
    model: RwLock<Arc<Model>>,
    comparisons: Mutex<Comparisons>,
}

/// By the package that answered and the one in the shadow: either may be another one tomorrow.
type Comparisons = BTreeMap<(Digest, Digest), Kept>;

struct Kept {
    comparison: Comparison,
    has_changed: bool,
}

/// How a challenger's answers compare with those given, since this server began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The package whose answers were given.
    pub package: Digest,
    /// The package in the shadow.
    pub challenger: Digest,
    /// Rows that both answered.
    pub rows: u64,
    /// Rows that the challenger could not answer.
    pub rows_failed: u64,
    /// Why, the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// By the names of columns that both answer with.
    pub columns: BTreeMap<String, Difference>,
}

/// How far the values of a column are apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Rows whose values differ, in a bit at least.
    pub rows_differing: u64,
    /// Of numbers, rows where both have one whose difference can be told.
    pub rows_with_numbers: u64,
    /// Of numbers, the largest absolute difference.
    pub largest: f64,
    /// Of numbers, the mean absolute difference.
    pub mean: f64,
    #[serde(skip)]
    sum: f64,
}

impl Challenger {
    pub(crate) fn new(model: Model) -> Self {
        Self {
            model: RwLock::new(Arc::new(model)),
            comparisons: Mutex::default(),
        }
    }

    /// The model in the shadow now.
    pub(crate) fn model(&self) -> Arc<Model> {
        let model = self.model.read();
        model.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn swap(&self, model: Model) {
        let slot = self.model.write();
        *slot.unwrap_or_else(PoisonError::into_inner) = Arc::new(model);
    }

    /// What came of it so far, beside this package.
    pub(crate) fn comparison(&self, package: Digest) -> Comparison {
        let challenger = self.model().digest();
        let kept = self.lock();
        let kept = kept.get(&(package, challenger));
        kept.map_or_else(
            || Comparison::new(package, challenger),
            |kept| kept.comparison.clone(),
        )
    }

    /// Every comparison that has changed since this was last asked.
    pub(crate) fn changed(&self) -> Vec<Comparison> {
        let mut comparisons = self.lock();
        let changed = comparisons.values_mut().filter(|kept| kept.has_changed);
        let changed = changed.map(|kept| {
            kept.has_changed = false;
            kept.comparison.clone()
        });
        changed.collect()
    }

    pub(crate) fn compare(&self, answered: &Answered) {
        let model = self.model();
        let own = model.predict(&answered.rows);
        let mut comparisons = self.lock();
        let kept = match comparisons.entry((answered.model.digest(), model.digest())) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(place) => {
                let &(package, challenger) = place.key();
                place.insert(Kept {
                    comparison: Comparison::new(package, challenger),
                    has_changed: true,
                })
            }
        };
        kept.has_changed = true;
        match own {
            Ok(own) => kept.comparison.add(&answered.answers, &own),
            Err(error) => {
                kept.comparison.rows_failed += answered.rows.num_rows() as u64;
                kept.comparison.failure = Some(error.to_string());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Comparisons> {
        let comparisons = self.comparisons.lock();
        comparisons.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Comparison {
    fn new(package: Digest, challenger: Digest) -> Self {
        Self {
            package,
            challenger,
            rows: 0,
            rows_failed: 0,
            failure: None,
            columns: BTreeMap::new(),
        }
    }

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
            // Infinities are as far apart as nobody can add up; that they differ is counted above.
            if !apart.is_finite() {
                continue;
            }
            self.rows_with_numbers += 1;
            self.sum += apart;
            self.largest = self.largest.max(apart);
        }
        if self.rows_with_numbers > 0 {
            self.mean = self.sum / self.rows_with_numbers as f64;
        }
    }
}
