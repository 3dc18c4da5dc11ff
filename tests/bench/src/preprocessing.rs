//! The example's features: `tabular` in the sandbox and scikit-learn on the same rows.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use trueline_dataset::Part;
use trueline_runtime::table::Schema;
use trueline_runtime::table::arrow::array::{AsArray, RecordBatch};
use trueline_runtime::table::arrow::datatypes::Float32Type;
use trueline_runtime::table::arrow::ipc::writer::FileWriter;
use trueline_runtime::{Applied, Backend, Input, Limits, Runtime, Stage};

use crate::pipeline::Example;
use crate::python;
use crate::rounds::{Sample, interleave, timed};
use crate::table::{Table, verdict};
use crate::twins::{bind, component, learn};

const ROUNDS: usize = 7;
/// How many times scikit-learn's rows a second.
const AIM: f64 = 2.0;

pub(crate) fn measure() -> Result<String> {
    let runtime = Runtime::new(Backend::default(), None)?;
    let example = Example::read()?;
    let mut train = example.rows("flights", Some(Part::Train))?;
    let planes = example.rows("planes", None)?;
    let plane = ("plane", "lookup");
    example.transform(&runtime, plane, &planes, [&mut train])?;
    let folder = tempfile::tempdir()?;
    write_arrow(&folder.path().join("train.arrow"), &train)?;

    let stage = runtime.admit(component("tabular")?)?;
    let params = example.params("features")?.to_string();
    let state = learn(&stage, &params, &train)?;
    let ours = features(&stage, &params, &state, &train)?.0;
    let mut transforms = Vec::new();
    let [fit, their_fit, transform] = interleave(
        ROUNDS,
        [
            &mut || {
                let (learned, duration) = timed(|| learn(&stage, &params, &train));
                ensure!(state == learned?, "learning twice gave two states");
                Ok(duration)
            },
            &mut || {
                let answer = python::run("preprocess_sklearn.py", [folder.path()])?;
                let of = |what: &str| {
                    let seconds = answer[what].as_f64().context("it says how long it took");
                    anyhow::Ok(Duration::from_secs_f64(seconds?))
                };
                transforms.push(of("transform")?);
                check(&ours, &folder.path().join("features"))?;
                of("fit")
            },
            &mut || {
                let (mapped, duration) = features(&stage, &params, &state, &train)?;
                ensure!(same(&mapped, &ours), "mapping twice gave two tables");
                Ok(duration)
            },
        ],
    )?;
    // The first one was to warm up.
    let their_transform = Sample::new(transforms.split_off(1));
    section(&train, [&fit, &their_fit], [&transform, &their_transform])
}

fn section(train: &[RecordBatch], fit: [&Sample; 2], transform: [&Sample; 2]) -> Result<String> {
    let rows: usize = train.iter().map(RecordBatch::num_rows).sum();
    let mut table = Table::new([
        "",
        "`tabular`, s",
        "spread",
        "scikit-learn, s",
        "spread",
        "times its rows a second",
        "aim",
        "",
    ]);
    for (name, [ours, theirs]) in [("fit", fit), ("transform", transform)] {
        let times = theirs.times(ours);
        table.row([
            name.to_owned(),
            seconds_of(ours.median()),
            ours.spread(seconds_of),
            seconds_of(theirs.median()),
            theirs.spread(seconds_of),
            format!("{times:.1}"),
            format!("{AIM:.0}"),
            verdict(times >= AIM),
        ]);
    }
    let mut section = String::from("## Preprocessing\n\n");
    writeln!(
        section,
        "{table}\nThe stage `features` of `examples/flights` on its {rows} training rows, one thread each, from \
         tables in memory: medians, a weekday, an ordinal and two one-hot encodings, and a vector of float32. \
         `tabular` runs in the sandbox and counts what it costs to hand rows over; scikit-learn 1.9 has a \
         `ColumnTransformer`, timed without starting Python and reading. Every float32 of both is the same."
    )?;
    Ok(section)
}

fn seconds_of(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// The vectors of all rows, one behind the other, and how long it took to load and map.
fn features(
    stage: &Stage,
    params: &str,
    state: &[u8],
    rows: &[RecordBatch],
) -> Result<(Vec<f32>, Duration)> {
    let first = rows.first().context("there are rows")?;
    let schema = Schema::from_arrow(&first.schema())?;
    let bound = bind(stage, params, &[Input::rows(schema.clone())], &schema)?;
    let applied = Applied::new(&bound.mapping, &schema)?;
    let (mapped, duration) = timed(|| {
        let mut mapper = stage.map(params, &bound, state, &Limits::default())?;
        let mapped = rows
            .iter()
            .map(|batch| anyhow::Ok(mapper.map(&applied.select(batch)?)?));
        mapped.collect::<Result<Vec<RecordBatch>>>()
    });
    let mut features = Vec::new();
    for batch in mapped? {
        let column = batch.column_by_name("features");
        let vectors = column
            .context("the stage makes features")?
            .as_fixed_size_list();
        features.extend_from_slice(vectors.values().as_primitive::<Float32Type>().values());
    }
    Ok((features, duration))
}

/// Asserts that a file of float32 holds these, bit by bit but for which NaN says that a value is missing.
fn check(ours: &[f32], path: &Path) -> Result<()> {
    let bytes = fs::read(path)?;
    let (floats, _) = bytes.as_chunks::<4>();
    let theirs: Vec<f32> = floats
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    ensure!(same(ours, &theirs), "scikit-learn computes other features");
    Ok(())
}

fn same(ours: &[f32], theirs: &[f32]) -> bool {
    let pairs = || ours.iter().zip(theirs);
    ours.len() == theirs.len()
        && pairs().all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
}

pub(crate) fn write_arrow(path: &Path, rows: &[RecordBatch]) -> Result<()> {
    let schema = rows.first().context("there are rows")?.schema();
    let mut writer = FileWriter::try_new_buffered(File::create(path)?, &schema)?;
    for batch in rows {
        writer.write(batch)?;
    }
    writer.finish()?;
    Ok(())
}
