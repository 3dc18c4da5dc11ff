//! The reduction.

use serde_json::{Map, Value as Json, json};
use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::Params;
use crate::bootstrap::{Interval, intervals};
use crate::classes::Classes;
use crate::columns::Columns;
use crate::measured::{Named, measured};
use crate::params::Task;
use crate::reader::{Reader, words};
use crate::records::Records;
use crate::slices::{Slice, Sliced};

/// Takes in rows and measures them.
pub struct Measure {
    params: Params,
    reader: Reader,
    /// Words of a record.
    width: usize,
    taken: Taken,
}

/// What was taken in, also as it goes from one instance to another.
#[derive(Default, Serialize, Deserialize)]
struct Taken {
    skipped: u64,
    classes: Classes,
    rows: Sliced,
}

/// What was measured of some rows.
struct Scores {
    rows: u64,
    metrics: Vec<Named>,
    intervals: Option<Vec<Interval>>,
    details: Map<String, Json>,
}

impl Reduce for Measure {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], _pass: u32, _state: &[u8]) -> Result<Self> {
        let columns = Columns::find(&params, trueline_sdk::schema::rows(inputs)?)?;
        let classes = match columns.task {
            Task::MultiClass => Classes::new(&params, &columns)?,
            _ => Classes::default(),
        };
        Ok(Self {
            width: words(columns.task, columns.width()),
            reader: Reader::new(&params, columns),
            params,
            taken: Taken {
                classes,
                ..Taken::default()
            },
        })
    }

    fn update(&mut self, _input: usize, batch: &Batch<'_>) -> Result<()> {
        let Taken {
            skipped,
            classes,
            rows,
        } = &mut self.taken;
        *skipped += self
            .reader
            .read(batch, classes, |slice, words| rows.add(slice, words))?;
        rows.check(&self.reader.columns().slices)
    }

    fn partial(&self) -> Result<Vec<u8>> {
        state::encode(&self.taken)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let partial: Taken = state::decode(partial)?;
        self.taken.skipped += partial.skipped;
        let numbers = self.taken.classes.merge(&partial.classes)?;
        let change = renumber(self.reader.columns(), &numbers);
        self.taken.rows.merge(partial.rows, self.width, change);
        self.taken.rows.check(&self.reader.columns().slices)
    }

    fn finish(mut self) -> Result<Outcome> {
        let numbers = self.taken.classes.sort();
        let columns = self.reader.columns();
        let rows = std::mem::take(&mut self.taken.rows);
        let change = renumber(columns, &numbers);
        let (mut all, slices) = rows.finish(&columns.slices, self.width, change);
        let whole = self.scores(&mut all);
        let slices: Vec<(Slice, Scores)> = slices
            .into_iter()
            .map(|mut slice| {
                let scores = self.scores(&mut slice.records);
                (slice, scores)
            })
            .collect();
        let report = serde_json::to_string(&self.report(&whole, &slices))
            .map_err(|error| Error::other(format!("the report cannot be written: {error}")))?;
        Ok(Outcome {
            metrics: self.metrics(&whole, &slices),
            report: Some(report),
            ..Outcome::default()
        })
    }
}

/// Changes the classes of records to these numbers.
fn renumber<'n>(columns: &Columns, numbers: &'n [u64]) -> impl Fn(&mut [u64]) + use<'n> {
    let is_multi_class = columns.task == Task::MultiClass;
    let has_class = !matches!(
        columns.prediction.data_type,
        DataType::Float32List(_) | DataType::Float64List(_)
    );
    move |words| {
        let renumber = |class: &mut u64| {
            // A class of a partial was numbered there.
            *class = usize::try_from(*class)
                .ok()
                .and_then(|class| numbers.get(class))
                .copied()
                .unwrap_or_default();
        };
        if is_multi_class {
            renumber(&mut words[0]);
            if has_class {
                renumber(&mut words[2]);
            }
        }
    }
}

impl Measure {
    fn scores(&self, records: &mut Records) -> Scores {
        let columns = self.reader.columns();
        let measured = measured(
            &self.params,
            columns.task,
            columns.prediction.data_type,
            &self.taken.classes,
            records,
        );
        let units = measured.units();
        let weights: Vec<f64> = units
            .iter()
            .map(|unit| unit.weight * unit.rows as f64)
            .collect();
        let metrics = measured.metrics(&weights);
        let details = measured.details(&weights);
        let intervals = self.params.bootstrap.map(|bootstrap| {
            intervals(bootstrap, self.params.seed, units, |weights| {
                let metrics = measured.metrics(weights);
                metrics.into_iter().map(|(_, value)| value).collect()
            })
        });
        drop(measured);
        Scores {
            rows: records.iter().map(|(_, count)| count).sum(),
            metrics,
            intervals,
            details,
        }
    }

    /// What gates and pages see: everything of all rows, and the range of each metric over the slices.
    fn metrics(&self, whole: &Scores, slices: &[(Slice, Scores)]) -> Vec<Metric> {
        let mut metrics = vec![
            Metric::new("rows", whole.rows as f64),
            Metric::new("skipped", self.taken.skipped as f64),
        ];
        for (at, (name, value)) in whole.metrics.iter().enumerate() {
            metrics.push(Metric::new(name, *value));
            if let Some([low, high]) = whole.intervals.as_ref().map(|intervals| intervals[at]) {
                metrics.push(Metric::new(format!("{name}_low"), low));
                metrics.push(Metric::new(format!("{name}_high"), high));
            }
            if !slices.is_empty() {
                // What is not defined of a slice is left out: it may have one class only.
                let values = || slices.iter().map(|(_, scores)| scores.metrics[at].1);
                let least = values()
                    .filter(|value| !value.is_nan())
                    .min_by(f64::total_cmp);
                let most = values()
                    .filter(|value| !value.is_nan())
                    .max_by(f64::total_cmp);
                metrics.push(Metric::new(
                    format!("{name}_slice_min"),
                    least.unwrap_or(f64::NAN),
                ));
                metrics.push(Metric::new(
                    format!("{name}_slice_max"),
                    most.unwrap_or(f64::NAN),
                ));
            }
        }
        metrics
    }

    fn report(&self, whole: &Scores, slices: &[(Slice, Scores)]) -> Json {
        let columns = self.reader.columns();
        let mut report = json!({
            "task": columns.task,
            "label": columns.label.name,
            "prediction": columns.prediction.name,
            "weight": columns.weight.as_ref().map(|field| &field.name),
        });
        let counted = [("rows", whole.rows), ("skipped", self.taken.skipped)];
        let mut metrics: Map<String, Json> = counted
            .map(|(name, count)| (name.to_owned(), json!(count as f64)))
            .into_iter()
            .collect();
        metrics.extend(shown(&whole.metrics));
        report["metrics"] = Json::Object(metrics);
        if let Some(group) = &columns.group {
            report["group"] = json!(group.name);
        }
        if let (Some(bootstrap), Some(intervals)) = (self.params.bootstrap, &whole.intervals) {
            report["bootstrap"] = json!(bootstrap);
            report["bootstrap"]["seed"] = json!(self.params.seed);
            report["intervals"] = shown_intervals(&whole.metrics, intervals);
        }
        for (name, detail) in &whole.details {
            report[name] = detail.clone();
        }
        if !columns.slices.is_empty() {
            report["slices"] = slices
                .iter()
                .map(|(slice, scores)| of_slice(slice, scores))
                .collect();
        }
        report
    }
}

fn of_slice(slice: &Slice, scores: &Scores) -> Json {
    let mut shown_slice = json!({
        "column": slice.column,
        "value": slice.value,
        "rows": scores.rows,
        "metrics": shown(&scores.metrics),
    });
    if let Some(intervals) = &scores.intervals {
        shown_slice["intervals"] = shown_intervals(&scores.metrics, intervals);
    }
    shown_slice
}

/// What is not a number is null.
fn shown(metrics: &[Named]) -> Map<String, Json> {
    metrics
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect()
}

fn shown_intervals(metrics: &[Named], intervals: &[Interval]) -> Json {
    let named = metrics.iter().zip(intervals);
    let named = named.map(|((name, _), interval)| (name.clone(), json!(interval)));
    Json::Object(named.collect())
}
