//! Rows as records: what each task needs of a row, checked.

use std::borrow::Cow;

use trueline_sdk::hash::Hasher;
use trueline_sdk::order::{self, Kind, Value};
use trueline_sdk::prelude::*;

use crate::Params;
use crate::classes::Classes;
use crate::columns::Columns;
use crate::params::{Gain, Nulls, Positive, Task};
use crate::records::word;

/// Probabilities of a row may miss a sum of 1 by so much: float32 and rounded files do.
const SUM_TOLERANCE: f64 = 1e-3;
/// 2 to the power of more would drown all other labels; XGBoost's limit.
const HIGHEST_EXPONENT: f64 = 31.0;

/// How many words a record has. The first words are
///
/// | task | words |
/// |---|---|
/// | classification, regression | prediction, label, weight |
/// | multi-class | label, weight, and the class predicted or the probability of each |
/// | ranking | the two halves of the group's hash, prediction, label, weight |
pub(crate) fn words(task: Task, width: usize) -> usize {
    match task {
        Task::Classification | Task::Regression => 3,
        Task::MultiClass => 2 + width,
        Task::Ranking => 5,
    }
}

/// The values of the columns that `by` names; none for null.
pub(crate) type SliceKey = Vec<Option<String>>;

/// Reads batches of the signature's columns.
pub(crate) struct Reader {
    columns: Columns,
    positive: Option<Positive>,
    gain: Gain,
    nulls: Nulls,
}

impl Reader {
    pub(crate) fn new(params: &Params, columns: Columns) -> Self {
        Self {
            columns,
            positive: params.positive.clone(),
            gain: params.gain,
            nulls: params.nulls,
        }
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Gives each row's slice and record to `take`; answers how many rows were skipped.
    ///
    /// # Errors
    /// [`Error::Data`] if a row cannot be measured, with the column and the value.
    pub(crate) fn read(
        &self,
        batch: &Batch<'_>,
        classes: &mut Classes,
        mut take: impl FnMut(&SliceKey, &[u64]),
    ) -> Result<u64> {
        let rows = batch.rows();
        let weights = match self.columns.weight {
            Some(_) => batch.column(2).numbers(rows)?,
            None => Cow::Owned(vec![1.0; rows]),
        };
        let slices = Slices::new(&self.columns, batch)?;
        let task = TaskRows::new(self, batch, classes)?;
        let measured = &batch.columns()[..self.columns.first_slice()];
        let (mut key, mut record) = (SliceKey::new(), Vec::new());
        let mut skipped = 0;
        for (row, &weight) in weights.iter().enumerate() {
            if let Some(index) = measured.iter().position(|column| !column.is_valid(row)) {
                self.skip_null(index)?;
                skipped += 1;
                continue;
            }
            self.check_weight(weight)?;
            record.clear();
            task.write(row, weight, &mut record)?;
            slices.write(row, &mut key);
            take(&key, &record);
        }
        Ok(skipped)
    }

    fn skip_null(&self, index: usize) -> Result<()> {
        if self.nulls == Nulls::Skip {
            return Ok(());
        }
        let field = self.columns.fields().nth(index);
        let name = field.map_or("", |field| &field.name);
        Err(Error::data(format!(
            "column `{name}` has a null: leave such rows out with `where`, or set `nulls = \"skip\"`"
        )))
    }

    fn check_weight(&self, weight: f64) -> Result<()> {
        if (0.0..f64::INFINITY).contains(&weight) {
            return Ok(());
        }
        let name = self.columns.weight.as_ref().map_or("", |field| &field.name);
        Err(Error::data(format!(
            "weight `{name}` has {weight}: weights are 0 or more, and finite"
        )))
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

    /// Refuses labels and predictions that the task cannot have.
    fn check_numbers(&self, label: f64, prediction: f64) -> Result<()> {
        let (label_name, prediction_name) =
            (&self.columns.label.name, &self.columns.prediction.name);
        for (name, number) in [(label_name, label), (prediction_name, prediction)] {
            if number.is_nan() {
                return Err(Error::data(format!(
                    "column `{name}` has a NaN: leave such rows out with `where`"
                )));
            }
        }
        match self.columns.task {
            Task::Classification if label != 0.0 && label != 1.0 => Err(Error::data(format!(
                "label `{label_name}` has {label}, but classes are 0 and 1: say which is `positive`, or set \
                 `task` to \"multi-class\" or \"regression\""
            ))),
            Task::Classification if !(0.0..=1.0).contains(&prediction) => {
                Err(Error::data(format!(
                    "prediction `{prediction_name}` has {prediction}, but a probability is between 0 and 1: \
                     let the model answer with probabilities, or set `task = \"regression\"`"
                )))
            }
            Task::Ranking if !(0.0..f64::INFINITY).contains(&label) => Err(Error::data(format!(
                "label `{label_name}` has {label}: the relevance of a row is 0 or more, and finite"
            ))),
            Task::Ranking if self.gain == Gain::Exponential && label > HIGHEST_EXPONENT => {
                Err(Error::data(format!(
                    "label `{label_name}` has {label}: with `gain = \"exponential\"` the relevance of a row is \
                     at most {HIGHEST_EXPONENT}"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// The columns of a batch that a task reads.
enum TaskRows<'b> {
    Numbers {
        reader: &'b Reader,
        labels: Cow<'b, [f64]>,
        predictions: Cow<'b, [f64]>,
        /// The hash of each row's group, of a ranking.
        groups: Option<Vec<u128>>,
    },
    Classes {
        labels: Vec<u64>,
        predicted: Vec<u64>,
    },
    Probabilities {
        name: &'b str,
        labels: Vec<u64>,
        width: usize,
        values: Cow<'b, [f64]>,
    },
}

impl<'b> TaskRows<'b> {
    fn new(reader: &'b Reader, batch: &'b Batch<'_>, classes: &mut Classes) -> Result<Self> {
        let rows = batch.rows();
        let (label, prediction) = (batch.column(0), batch.column(1));
        let columns = &reader.columns;
        if columns.task != Task::MultiClass {
            let group = columns.group.is_some().then(|| columns.first_slice() - 1);
            return Ok(Self::Numbers {
                reader,
                labels: reader.labels(label, rows)?,
                predictions: prediction.numbers(rows)?,
                groups: group.map(|at| hashes(batch.column(at), rows)).transpose()?,
            });
        }
        let labels = classes.read(&columns.label, label, rows)?;
        let (width, values) = match &prediction.values {
            Values::Float64List(width, values) => (*width, Cow::Borrowed(&**values)),
            Values::Float32List(width, values) => (
                *width,
                values.iter().map(|&value| f64::from(value)).collect(),
            ),
            _ => {
                let predicted = classes.read(&columns.prediction, prediction, rows)?;
                return Ok(Self::Classes { labels, predicted });
            }
        };
        Ok(Self::Probabilities {
            name: &columns.prediction.name,
            labels,
            width,
            values,
        })
    }

    fn write(&self, row: usize, weight: f64, record: &mut Vec<u64>) -> Result<()> {
        match self {
            Self::Numbers {
                reader,
                labels,
                predictions,
                groups,
            } => {
                let (label, prediction) = (labels[row], predictions[row]);
                reader.check_numbers(label, prediction)?;
                if let Some(groups) = groups {
                    let [high, low] = halves(groups[row]);
                    record.extend([high, low]);
                }
                record.extend([word(prediction), word(label), word(weight)]);
            }
            Self::Classes { labels, predicted } => {
                record.extend([labels[row], word(weight), predicted[row]]);
            }
            Self::Probabilities {
                name,
                labels,
                width,
                values,
            } => {
                let probabilities = &values[row * width..][..*width];
                check_probabilities(name, probabilities)?;
                record.extend([labels[row], word(weight)]);
                record.extend(probabilities.iter().map(|&probability| word(probability)));
            }
        }
        Ok(())
    }
}

fn check_probabilities(name: &str, probabilities: &[f64]) -> Result<()> {
    if let Some(wrong) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::data(format!(
            "prediction `{name}` has {wrong}, but a probability is between 0 and 1"
        )));
    }
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(Error::data(format!(
            "the probabilities of a row of `{name}` add up to {sum}, not to 1: let the model answer with the \
             probability of each class"
        )));
    }
    Ok(())
}

fn hashes(column: &Column<'_>, rows: usize) -> Result<Vec<u128>> {
    let hash = |write: &dyn Fn(&mut Hasher)| {
        let mut hasher = Hasher::new();
        write(&mut hasher);
        hasher.finish()
    };
    if let Values::Utf8(texts) = &column.values {
        let text = |row| hash(&|hasher| hasher.bytes(texts.get(row).as_bytes()));
        return Ok((0..rows).map(text).collect());
    }
    let keys = order::keys(column, rows)?;
    Ok(keys
        .into_iter()
        .map(|key| hash(&|hasher| hasher.word(key as u64)))
        .collect())
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a hash")]
fn halves(hash: u128) -> [u64; 2] {
    [(hash >> 64) as u64, hash as u64]
}

/// The columns of a batch that `by` names.
struct Slices<'b> {
    columns: Vec<(Kind, &'b Column<'b>, Vec<i64>)>,
}

impl<'b> Slices<'b> {
    fn new(columns: &Columns, batch: &'b Batch<'b>) -> Result<Self> {
        let read = batch.columns()[columns.first_slice()..]
            .iter()
            .map(|column| {
                let kind = Kind::of(column.data_type());
                let keys = match kind {
                    Kind::Text => Vec::new(),
                    _ => order::keys(column, batch.rows())?,
                };
                Ok((kind, column, keys))
            });
        Ok(Self {
            columns: read.collect::<Result<_>>()?,
        })
    }

    fn write(&self, row: usize, key: &mut SliceKey) {
        key.clear();
        key.extend(self.columns.iter().map(|(kind, column, keys)| {
            column.is_valid(row).then(|| match &column.values {
                Values::Utf8(texts) => texts.get(row).to_owned(),
                _ => kind.show(&Value::Key(keys[row])),
            })
        }));
    }
}
