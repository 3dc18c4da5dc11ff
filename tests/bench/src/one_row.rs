//! One row on a fresh instance of a baked component: what a request costs.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use trueline_runtime::table::arrow::array::{ArrayRef, RecordBatch, StringArray};
use trueline_runtime::{Backend, Limits, Runtime};

use crate::batches::batch;
use crate::rounds::{Sample, microseconds, timed};
use crate::table::{Table, verdict};
use crate::twins::{Twins, component};

/// Calls of one thread in a round, and rounds.
const CALLS: usize = 1_000;
const ROUNDS: usize = 20;
/// The most that a call may take, and how much more with two threads counts as flat.
const AIM: Duration = Duration::from_micros(15);
const FLAT: f64 = 1.2;

const PARAMS: &str = r#"{"steps": [
    {"op": "standard-scale", "columns": ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"]},
    {"op": "one-hot", "columns": "carrier", "unknown": "ignore"},
    {"op": "assemble", "into": "features"}
]}"#;

pub(crate) fn measure() -> Result<String> {
    let runtime = Runtime::new(Backend::default(), None)?;
    let table = with_carriers(&batch(0)?)?;
    let twins = Twins::tabular(&runtime, PARAMS, &table)?;
    let row = table.slice(7, 1);
    let frame = twins.frame(&row)?;
    let expected = twins.native(&frame)?;
    let (baked, _) = runtime.bake(
        component("tabular")?,
        PARAMS,
        &twins.bound,
        &twins.state,
        &Limits::default(),
    )?;
    let loaded = twins.package()?.load(&runtime)?;
    let answer = loaded.predict(&row)?;

    let in_frames = || {
        let (answer, duration) = timed(|| baked.map_frame(&frame));
        ensure!(answer? == expected, "the sandbox computes other bytes");
        Ok(duration)
    };
    let in_arrow = || {
        let (predicted, duration) = timed(|| loaded.predict(&row));
        ensure!(
            predicted? == answer,
            "a package predicts something else than before"
        );
        Ok(duration)
    };
    let native = || {
        let (answer, duration) = timed(|| twins.native(&frame));
        ensure!(answer? == expected, "native code computes other bytes");
        Ok(duration)
    };
    let (mut frames, mut arrows, mut natives) = ([vec![], vec![]], [vec![], vec![]], vec![]);
    for _ in 0..ROUNDS {
        for threads in [1, 2] {
            frames[threads - 1].extend(on_threads(threads, &in_frames)?);
            arrows[threads - 1].extend(on_threads(threads, &in_arrow)?);
        }
        for _ in 0..CALLS {
            natives.push(native()?);
        }
    }
    let [frames, arrows] = [frames, arrows].map(|threads| threads.map(Sample::new));
    section(&frames, &arrows, &Sample::new(natives))
}

/// How long the calls of each of so many threads took, all of them at once.
fn on_threads(
    threads: usize,
    call: &(impl Fn() -> Result<Duration> + Sync),
) -> Result<Vec<Duration>> {
    std::thread::scope(|scope| {
        let calls = || (0..CALLS).map(|_| call()).collect::<Result<Vec<_>>>();
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(calls)).collect();
        let mut durations = Vec::new();
        for thread in running {
            durations.extend(thread.join().map_err(|_| anyhow!("a thread panicked"))??);
        }
        Ok(durations)
    })
}

fn section(frames: &[Sample; 2], arrows: &[Sample; 2], native: &Sample) -> Result<String> {
    let mut table = Table::new(["one row of 11 columns", "p50, µs", "p99, µs", "aim", ""]);
    let mut row = |name: &str, sample: &Sample, aim: String, verdict: String| {
        let [p50, p99] = [50, 99].map(|percent| microseconds(sample.percentile(percent)));
        table.row([name.to_owned(), p50, p99, aim, verdict]);
    };
    let aim = || format!("p50 {} µs", AIM.as_micros());
    let [one, two] = frames;
    let more = two.median().as_secs_f64() / one.median().as_secs_f64();
    row(
        "`Baked::map_frame`",
        one,
        aim(),
        verdict(one.median() <= AIM),
    );
    row(
        "the same, two threads at once",
        two,
        format!("{}, at most {FLAT} times one thread", aim()),
        format!(
            "{} ({more:.2} times)",
            verdict(two.median() <= AIM && more <= FLAT)
        ),
    );
    row(
        "`Loaded::predict`, Arrow in and out",
        &arrows[0],
        String::new(),
        String::new(),
    );
    row(
        "the same, two threads at once",
        &arrows[1],
        String::new(),
        String::new(),
    );
    row(
        "the same code, native, no sandbox",
        native,
        String::new(),
        String::new(),
    );
    let mut section = String::from("## One row on a fresh instance\n\n");
    writeln!(
        section,
        "{table}\nEvery call instantiates a baked component of `tabular` anew (ten columns scaled, one \
         of texts one-hot encoded, all assembled into a vector), puts one row through it and drops it. \
         {} calls in {ROUNDS} rounds.",
        ROUNDS * CALLS
    )?;
    Ok(section)
}

/// The table and a column of texts.
fn with_carriers(table: &RecordBatch) -> Result<RecordBatch> {
    const CARRIERS: [&str; 14] = [
        "9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX",
    ];
    let carrier = |row: usize| CARRIERS[row * 31 % CARRIERS.len()];
    let carriers = StringArray::from_iter_values((0..table.num_rows()).map(carrier));
    let schema = table.schema();
    let names = schema.fields().iter().map(|field| field.name().clone());
    let columns = names
        .zip(table.columns().iter().cloned())
        .chain([("carrier".to_owned(), Arc::new(carriers) as ArrayRef)]);
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, column)| (name, column, true)),
    )?)
}
