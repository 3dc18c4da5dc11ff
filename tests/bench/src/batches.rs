//! Maps over batches of 65,536 rows of ten float64 columns.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Result, ensure};
use trueline_runtime::table::arrow::array::{ArrayRef, Float64Array, RecordBatch};
use trueline_runtime::table::frame;
use trueline_runtime::{Backend, Runtime};

use crate::rounds::{interleave, milliseconds, timed};
use crate::table::{Table, verdict};
use crate::twins::{Twins, encode};

const ROWS: usize = 65_536;
const COLUMNS: usize = 10;
/// Batches that are mapped in turns: 21 MB, more than a core's own cache holds.
const BATCHES: usize = 4;
const ROUNDS: usize = 100;

pub(crate) fn measure() -> Result<String> {
    let runtime = Runtime::new(Backend::default(), None)?;
    let names: Vec<String> = (0..COLUMNS)
        .map(|column| format!("\"x{column}\""))
        .collect();
    let names = names.join(", ");
    let scale = format!(
        r#"{{"op": "standard-scale", "columns": [{names}]}},
           {{"op": "clip", "columns": [{names}], "min": -3, "max": 3}}"#
    );
    let log1p = format!(r#"{{"op": "log1p", "columns": [{names}]}}"#);
    let mut table = Table::new([
        "10 float64 columns × 65,536 rows",
        "sandbox, ms",
        "spread",
        "native, Arrow to Arrow, ms",
        "spread",
        "times",
        "aim",
        "",
        "native, frame to frame, ms",
        "times",
    ]);
    for (name, steps, aim) in [
        ("scale, clip", scale.clone(), 1.3),
        ("log1p, scale, clip", format!("{log1p}, {scale}"), 1.6),
    ] {
        let params = format!(r#"{{"steps": [{steps}]}}"#);
        compare(&runtime, name, &params, aim, &mut table)?;
    }
    let mut section = String::from("## Maps over batches\n\n");
    writeln!(section, "{table}\n{NOTES}")?;
    Ok(section)
}

const NOTES: &str = "\
`tabular` over four batches in turns. *Sandbox* is `Mapper::map`: Arrow in, Arrow out, through the
component. *Native* is the same Rust code compiled for this processor, without canonical NaNs. *Arrow to
Arrow* it has the sandbox's task: Arrow to frame, map, and the frame read as Arrow in place. *Frame to
frame* it starts and ends with the stage's own encoding in memory, as no caller has it: what of the
sandbox's time is the stage's own. Times are medians of the rounds' own ratios.";

fn compare(runtime: &Runtime, name: &str, params: &str, aim: f64, table: &mut Table) -> Result<()> {
    let batches: Vec<RecordBatch> = (0..BATCHES).map(batch).collect::<Result<_>>()?;
    let twins = Twins::tabular(runtime, params, &batches[0])?;
    let reads = &twins.bound.reads;
    let mut mapper = twins.mapper()?;
    let writes = mapper.writes().clone();
    let frames: Vec<Vec<u8>> = batches
        .iter()
        .map(|rows| twins.frame(rows))
        .collect::<Result<_>>()?;
    let expected: Vec<Vec<u8>> = frames
        .iter()
        .map(|frame| twins.native(frame))
        .collect::<Result<_>>()?;
    let is_expected = |index: usize, rows: &RecordBatch| -> Result<()> {
        ensure!(
            encode(&writes, rows)? == expected[index],
            "the sandbox computes other bytes"
        );
        Ok(())
    };

    let (mut a, mut b, mut c) = (0, 0, 0);
    // Used again, so that it is not cleared for every batch.
    let mut space = Vec::new();
    let [sandbox, native, from_arrow] = interleave(
        ROUNDS,
        [
            &mut || {
                a = (a + 1) % BATCHES;
                let (mapped, duration) = timed(|| mapper.map(&batches[a]));
                is_expected(a, &mapped?)?;
                Ok(duration)
            },
            &mut || {
                b = (b + 1) % BATCHES;
                let (mapped, duration) = timed(|| twins.native(&frames[b]));
                ensure!(mapped? == expected[b], "native code computes other bytes");
                Ok(duration)
            },
            &mut || {
                c = (c + 1) % BATCHES;
                let (mapped, duration) = timed(|| {
                    frame::encode(reads, &batches[c], &mut space)?;
                    let mapped = twins.native(&space)?;
                    anyhow::Ok(frame::decode(&writes, mapped)?)
                });
                is_expected(c, &mapped?)?;
                Ok(duration)
            },
        ],
    )?;
    let times = sandbox.times(&from_arrow);
    table.row([
        name.to_owned(),
        milliseconds(sandbox.median()),
        sandbox.spread(milliseconds),
        milliseconds(from_arrow.median()),
        from_arrow.spread(milliseconds),
        format!("{times:.2}"),
        format!("{aim}"),
        verdict(times <= aim),
        milliseconds(native.median()),
        format!("{:.2}", sandbox.times(&native)),
    ]);
    Ok(())
}

/// Rows without nulls; the numbers are spread over several orders of magnitude and differ by batch.
pub(crate) fn batch(seed: usize) -> Result<RecordBatch> {
    let number = |row: usize, column: usize| {
        let mixed = (seed * ROWS + row).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ column.wrapping_mul(0xC2B2_AE3D);
        (mixed % 1_000_003) as f64 / 97.0
    };
    let columns = (0..COLUMNS).map(|column| {
        let values = (0..ROWS).map(|row| number(row, column));
        let array: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
        (format!("x{column}"), array, true)
    });
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}
