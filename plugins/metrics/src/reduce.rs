//! The reduction.

use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::Params;
use crate::columns::Columns;
use crate::counts::{Counts, Entry};
use crate::params::Task;
use crate::regression::Errors;
use crate::rows::Reader;
use crate::scores::{Confusion, scores};

/// Takes in rows and measures them.
pub struct Measure {
    reader: Reader,
    report: Report,
    threshold: f64,
    /// The smallest and largest probability that `log_loss` believes in are this far from 0 and 1.
    epsilon: f64,
    is_weighted: bool,
    skipped: u64,
    kept: Kept,
}

enum Kept {
    Classification(Counts),
    Regression(Box<Errors>),
}

/// What one instance took in, for another.
#[derive(Serialize, Deserialize)]
struct Partial {
    skipped: u64,
    kept: PartialKept,
}

#[derive(Serialize, Deserialize)]
enum PartialKept {
    Classification(Vec<Entry>),
    Regression(Box<Errors>),
}

/// The report: what was measured, the metrics again, and the confusion matrix.
#[derive(Serialize)]
struct Report {
    task: Task,
    label: String,
    prediction: String,
    weight: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    metrics: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confusion: Option<Confusion>,
}

impl Reduce for Measure {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], _pass: u32, _state: &[u8]) -> Result<Self> {
        let columns = Columns::find(&params, trueline_sdk::schema::rows(inputs)?)?;
        let is_classification = columns.task == Task::Classification;
        Ok(Self {
            report: Report {
                task: columns.task,
                label: columns.label.name.clone(),
                prediction: columns.prediction.name.clone(),
                weight: columns.weight.as_ref().map(|field| field.name.clone()),
                threshold: is_classification.then_some(params.threshold),
                metrics: serde_json::Map::new(),
                confusion: None,
            },
            threshold: params.threshold,
            epsilon: match columns.prediction.data_type {
                DataType::Float32 => f64::from(f32::EPSILON),
                _ => f64::EPSILON,
            },
            is_weighted: columns.weight.is_some(),
            skipped: 0,
            kept: match columns.task {
                Task::Classification => Kept::Classification(Counts::default()),
                Task::Regression => Kept::Regression(Box::default()),
            },
            reader: Reader::new(&params, columns),
        })
    }

    fn update(&mut self, _input: usize, batch: &Batch<'_>) -> Result<()> {
        self.skipped += match &mut self.kept {
            Kept::Classification(counts) => self.reader.read(batch, |row| counts.add(row))?,
            Kept::Regression(errors) => self.reader.read(batch, |row| errors.add(row))?,
        };
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        let kept = match &self.kept {
            Kept::Classification(counts) => PartialKept::Classification(counts.entries()),
            Kept::Regression(errors) => PartialKept::Regression(errors.clone()),
        };
        state::encode(&Partial {
            skipped: self.skipped,
            kept,
        })
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let partial: Partial = state::decode(partial)?;
        self.skipped += partial.skipped;
        match (&mut self.kept, partial.kept) {
            (Kept::Classification(counts), PartialKept::Classification(entries)) => {
                counts.merge(entries)
            }
            (Kept::Regression(errors), PartialKept::Regression(more)) => errors.merge(&more),
            _ => {
                return Err(Error::data(
                    "the partial is of another task; merge what the same parameters made",
                ));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Outcome> {
        let (rows, measured) = match &self.kept {
            Kept::Classification(counts) => {
                let scores = scores(&counts.entries(), self.threshold, self.epsilon);
                self.report.confusion = Some(scores.confusion);
                (scores.rows, scores.metrics)
            }
            Kept::Regression(errors) => (errors.rows, errors.metrics(self.is_weighted)),
        };
        let counted = [("rows", rows), ("skipped", self.skipped)];
        let mut metrics: Vec<Metric> = counted
            .map(|(name, count)| Metric::new(name, count as f64))
            .into_iter()
            .collect();
        metrics.extend(measured);
        for metric in &metrics {
            // What is not a number is null.
            self.report
                .metrics
                .insert(metric.name.clone(), metric.value.into());
        }
        let report = serde_json::to_string(&self.report)
            .map_err(|error| Error::other(format!("the report cannot be written: {error}")))?;
        Ok(Outcome {
            metrics,
            report: Some(report),
            ..Outcome::default()
        })
    }
}
