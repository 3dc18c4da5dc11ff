//! Training the example's model and predicting with it: `gbdt` in the sandbox and XGBoost on the same
//! matrix.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use trueline_dataset::Part;
use trueline_runtime::table::Schema;
use trueline_runtime::table::arrow::array::{AsArray, RecordBatch};
use trueline_runtime::table::arrow::datatypes::Float32Type;
use trueline_runtime::{Applied, Backend, Limits, Runtime};

use crate::pipeline::Example;
use crate::python;
use crate::rounds::{Sample, interleave, seconds, timed};
use crate::table::{Table, verdict};
use crate::twins::{bind, component, learn};

const ROUNDS: usize = 3;
/// How many times XGBoost's time on one thread training may take.
const TRAINING_AIM: f64 = 1.5;

pub(crate) fn measure() -> Result<String> {
    let runtime = Runtime::new(Backend::default(), None)?;
    let example = Example::read()?;
    let (mut train, mut test) = (
        example.rows("flights", Some(Part::Train))?,
        example.rows("flights", Some(Part::Test))?,
    );
    let planes = example.rows("planes", None)?;
    example.transform(
        &runtime,
        ("plane", "lookup"),
        &planes,
        [&mut train, &mut test],
    )?;
    let learned_from = train.clone();
    example.transform(
        &runtime,
        ("features", "tabular"),
        &learned_from,
        [&mut train, &mut test],
    )?;

    let folder = tempfile::tempdir()?;
    let width = write_matrix(folder.path(), "train", &train)?;
    write_matrix(folder.path(), "test", &test)?;
    let labels = labels(&test)?;

    let mut params = example.params("model")?;
    // Without validation rows there is nothing to stop early by.
    params
        .as_object_mut()
        .context("params are a table")?
        .remove("early_stopping_rounds");
    let gbdt = params.to_string();
    let mut boost = params.clone();
    let boost = boost.as_object_mut().context("params are a table")?;
    let rounds = boost
        .remove("num_boost_round")
        .context("the example says how many trees")?;
    boost.insert("objective".to_owned(), json!("binary:logistic"));
    boost.insert("tree_method".to_owned(), json!("hist"));

    let stage = runtime.admit(component("gbdt")?)?;
    let mut state = Vec::new();
    let mut aucs = [0.0; 2];
    // How long predicting took, at best: ours and XGBoost's, on one thread.
    let predicting = RefCell::new([Duration::MAX; 2]);
    let xgboost = |threads: usize| -> Result<(Duration, f64)> {
        let mut boost = boost.clone();
        boost.insert("nthread".to_owned(), json!(threads));
        let arguments = [
            folder.path().to_string_lossy().into_owned(),
            width.to_string(),
            rounds.to_string(),
            serde_json::to_string(&boost)?,
        ];
        let answer = python::run("train_xgboost.py", arguments)?;
        let seconds = answer["seconds"]
            .as_f64()
            .context("it says how long it took")?;
        let best = answer["predicting"]
            .as_f64()
            .context("it says how long it predicted")?;
        if threads == 1 {
            let best = Duration::from_secs_f64(best);
            let fastest = &mut predicting.borrow_mut()[1];
            *fastest = best.min(*fastest);
        }
        let predictions = read_floats(&folder.path().join("predictions"))?;
        Ok((Duration::from_secs_f64(seconds), auc(&predictions, &labels)))
    };
    let [ours, one, two] = interleave(
        ROUNDS,
        [
            &mut || {
                let (learned, duration) = timed(|| learn(&stage, &gbdt, &train));
                let learned = learned?;
                ensure!(
                    state.is_empty() || state == learned,
                    "training twice gave two models"
                );
                let best = predict(&stage, &gbdt, &learned, &test)?.1;
                let fastest = &mut predicting.borrow_mut()[0];
                *fastest = best.min(*fastest);
                state = learned;
                Ok(duration)
            },
            &mut || {
                let (duration, auc) = xgboost(1)?;
                aucs[1] = auc;
                Ok(duration)
            },
            &mut || Ok(xgboost(2)?.0),
        ],
    )?;
    aucs[0] = auc(&predict(&stage, &gbdt, &state, &test)?.0, &labels);
    let predicting = predicting.into_inner();
    section(
        &train,
        width,
        [&ours, &one, &two],
        aucs,
        (labels.len(), predicting),
    )
}

fn section(
    train: &[RecordBatch],
    width: usize,
    [ours, one, two]: [&Sample; 3],
    [auc, xgboost_auc]: [f64; 2],
    (tested, [predicting, xgboost_predicting]): (usize, [Duration; 2]),
) -> Result<String> {
    let mut table = Table::new(["", "seconds", "spread", "AUC of the test rows"]);
    for (name, sample, auc) in [
        ("`gbdt`, a component, one thread", ours, auc),
        ("XGBoost 3.2, `hist`, one thread", one, xgboost_auc),
        ("XGBoost 3.2, `hist`, two threads", two, xgboost_auc),
    ] {
        table.row([
            name.to_owned(),
            seconds(sample.median()),
            sample.spread(seconds),
            format!("{auc:.4}"),
        ]);
    }
    let rows: usize = train.iter().map(RecordBatch::num_rows).sum();
    let mut section = String::from("## Training\n\n");
    writeln!(
        section,
        "{table}\nThe model of `examples/flights` on its own features, {rows} rows × {width}, without \
         early stopping. Both are given the same float32 matrix; the seconds hold the cutting into bins, \
         not the reading of files. The component takes {:.2} times as long as XGBoost on one thread; the \
         aim is {TRAINING_AIM}, {}. Predicting the {tested} test rows on one thread took {} s at best, and \
         XGBoost {} s from a plain matrix (`inplace_predict`); the aim is to take no longer, {}.",
        ours.times(one),
        verdict(ours.times(one) <= TRAINING_AIM),
        seconds(predicting),
        seconds(xgboost_predicting),
        verdict(predicting <= xgboost_predicting),
    )?;
    Ok(section)
}

/// Writes features and labels as plain float32, and answers with the features of a row.
fn write_matrix(folder: &Path, name: &str, table: &[RecordBatch]) -> Result<usize> {
    let (mut features, mut width) = (Vec::new(), 0);
    for batch in table {
        let column = batch
            .column_by_name("features")
            .context("the rows have features")?;
        let vectors = column.as_fixed_size_list();
        width = usize::try_from(vectors.value_length())?;
        let values = vectors.values().as_primitive::<Float32Type>().values();
        features.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    fs::write(folder.join(format!("{name}.features")), features)?;
    let labels = labels(table)?;
    let labels = labels
        .iter()
        .flat_map(|&label| f32::from(u8::from(label)).to_le_bytes());
    fs::write(
        folder.join(format!("{name}.labels")),
        labels.collect::<Vec<u8>>(),
    )?;
    Ok(width)
}

fn labels(table: &[RecordBatch]) -> Result<Vec<bool>> {
    let mut labels = Vec::new();
    for batch in table {
        let late = batch
            .column_by_name("late")
            .context("the rows have a label")?
            .as_boolean();
        labels.extend((0..late.len()).map(|row| late.value(row)));
    }
    Ok(labels)
}

/// The predictions, and how long the map took for them.
fn predict(
    stage: &trueline_runtime::Stage,
    params: &str,
    state: &[u8],
    table: &[RecordBatch],
) -> Result<(Vec<f32>, Duration)> {
    let first = table.first().context("there are test rows")?;
    let schema = Schema::from_arrow(&first.schema())?;
    let bound = bind(stage, params, &[], &schema)?;
    let applied = Applied::new(&bound.mapping, &schema)?;
    let mut mapper = stage.map(params, &bound, state, &Limits::default())?;
    let (mut predictions, mut taken) = (Vec::new(), Duration::ZERO);
    for batch in table {
        let (mapped, duration) = timed(|| mapper.map(&applied.select(batch)?));
        taken += duration;
        predictions.extend(mapped?.column(0).as_primitive::<Float32Type>().values());
    }
    Ok((predictions, taken))
}

fn read_floats(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path)?;
    let (floats, _) = bytes.as_chunks::<4>();
    Ok(floats
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect())
}

/// The area under the ROC curve: how often a late row is predicted higher than one that is not, ties
/// counting half.
fn auc(predictions: &[f32], labels: &[bool]) -> f64 {
    let mut rows: Vec<(f32, bool)> = predictions
        .iter()
        .copied()
        .zip(labels.iter().copied())
        .collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut negatives, mut positives, mut wins) = (0.0, 0.0, 0.0);
    for ties in rows.chunk_by(|a, b| a.0 == b.0) {
        let late = ties.iter().filter(|(_, late)| *late).count() as f64;
        let others = ties.len() as f64 - late;
        wins += late * (negatives + others / 2.0);
        negatives += others;
        positives += late;
    }
    wins / (negatives * positives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_of_four_rows() {
        let labels = [false, true, false, true];
        assert_eq!(auc(&[0.1, 0.2, 0.3, 0.4], &labels), 0.75);
        assert_eq!(auc(&[0.5; 4], &labels), 0.5);
    }
}
