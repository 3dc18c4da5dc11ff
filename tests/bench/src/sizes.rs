//! How large things are, and how long a component takes to become code.

use std::fmt::Write as _;
use std::fs;

use anyhow::Result;
use trueline_runtime::{Backend, Limits, Runtime};

use crate::batches::batch;
use crate::memory::trueline;
use crate::rounds::{Sample, interleave, milliseconds, timed};
use crate::table::{Table, verdict};
use crate::twins::{Twins, component};

/// The most that the stripped binary may take.
const AIM_BYTES: u64 = 60 * 1_000_000;
const ROUNDS: usize = 5;

const PARAMS: &str = r#"{"steps": [{"op": "standard-scale", "columns": "*"}]}"#;

pub(crate) fn measure() -> Result<String> {
    let runtime = Runtime::new(Backend::default(), None)?;
    let mut table = Table::new(["", "MB", "checked and compiled, ms", "aim", ""]);
    let binary = fs::metadata(trueline()?)?.len();
    table.row([
        "`trueline`, stripped, with its stages".to_owned(),
        megabytes(binary),
        String::new(),
        "60 MB".to_owned(),
        verdict(binary <= AIM_BYTES),
    ]);
    for stage in trueline_stages::standard() {
        let [compiled] = interleave(
            ROUNDS,
            [&mut || {
                let (admitted, duration) = timed(|| runtime.admit(stage.bytes()));
                admitted?;
                Ok(duration)
            }],
        )?;
        table.row([
            format!("component `{}`", stage.name),
            megabytes(stage.bytes().len() as u64),
            milliseconds(compiled.median()),
            String::new(),
            String::new(),
        ]);
    }
    let (baking, baked) = bake(&runtime)?;
    table.row([
        "`tabular`, baked with its state".to_owned(),
        megabytes(baked as u64),
        milliseconds(baking.median()),
        String::new(),
        String::new(),
    ]);
    let mut section = String::from("## Sizes\n\n");
    writeln!(
        section,
        "{table}\nCompiled on all cores and without the folder of compiled code, which spares it from the \
         second time on. Baking compiles twice: once to load the state, once the snapshot."
    )?;
    Ok(section)
}

fn bake(runtime: &Runtime) -> Result<(Sample, usize)> {
    let twins = Twins::tabular(runtime, PARAMS, &batch(0)?)?;
    let mut size = 0;
    let [baking] = interleave(
        ROUNDS,
        [&mut || {
            let (component, limits) = (component("tabular")?, Limits::default());
            let (baked, duration) =
                timed(|| runtime.bake(component, PARAMS, &twins.bound, &twins.state, &limits));
            size = baked?.1.len();
            Ok(duration)
        }],
    )?;
    Ok((baking, size))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}
