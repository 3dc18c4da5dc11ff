//! The most memory that `trueline` holds at once.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::python;
use crate::repository;
use crate::table::{Table, verdict};

/// The most that the flights example may take.
const AIM_BYTES: u64 = 1 << 30;
/// How often the rows are repeated.
const REPEATS: [usize; 4] = [1, 4, 16, 64];
/// How much more memory four times the rows may take and still count as no growth: what allocators and
/// threads make of luck.
const SLACK: f64 = 1.15;

/// Learns a small state, maps every row with it and reduces what comes out: nothing of it is kept.
const STREAMED: &str = r#"
[pipeline]
name = "streamed"

[dataset.flights]
path = "data/*.parquet"

[stage.scaled]
use = "tabular"
fit = "flights"
params.steps = [
  { op = "impute", columns = ["dep_delay"], with = "mean" },
  { op = "standard-scale", columns = ["dep_delay", "distance"] },
]

[stage.check]
use = "expect"
in = "flights | scaled"
params.columns.distance = { min = -10, max = 10, max_null_share = 0 }
"#;

pub(crate) fn measure() -> Result<String> {
    let mut table = Table::new(["`trueline run`", "peak memory, MiB", "seconds", "aim", ""]);
    let mut row = |name: &str, peak: &Peak, aim: &str, verdict: String| {
        table.row([
            name.to_owned(),
            (peak.bytes >> 20).to_string(),
            format!("{:.1}", peak.seconds),
            aim.to_owned(),
            verdict,
        ]);
    };
    let flights = flights()?;
    row(
        "`examples/flights`",
        &flights,
        "1,024 MiB",
        verdict(flights.bytes <= AIM_BYTES),
    );
    let streamed = REPEATS.map(streamed);
    let mut before = None;
    for (repeats, peak) in REPEATS.into_iter().zip(streamed) {
        let peak = peak?;
        let growth = peak.bytes as f64 / before.unwrap_or(peak.bytes) as f64;
        before = Some(peak.bytes);
        let (aim, verdict) = if repeats == 1 {
            ("", String::new())
        } else {
            (
                "no growth",
                format!("{} ({growth:.2} times)", verdict(growth <= SLACK)),
            )
        };
        row(
            &format!("mapped and reduced, {repeats} × 336,776 rows"),
            &peak,
            aim,
            verdict,
        );
    }
    let mut section = String::from("## Memory\n\n");
    writeln!(
        section,
        "{table}\nResident memory at its peak, as the kernel counts it for the process, in an empty home. \
         The second pipeline learns to impute and scale, maps every row and checks what comes out; its \
         rows are the flights, in so many equal files. Up to {SLACK} times the run before, \
         with a quarter of the rows, counts as no growth."
    )?;
    Ok(section)
}

/// What one run took.
struct Peak {
    bytes: u64,
    seconds: f64,
}

fn flights() -> Result<Peak> {
    let folder = tempfile::tempdir()?;
    example(folder.path())?;
    run(folder.path())
}

/// Copies the flights example to a folder.
pub(crate) fn example(folder: &Path) -> Result<()> {
    let example = repository().join("examples/flights");
    fs::create_dir(folder.join("data"))?;
    for file in fs::read_dir(example.join("data"))? {
        let file = file?;
        fs::copy(file.path(), folder.join("data").join(file.file_name()))?;
    }
    fs::copy(example.join("pipeline.toml"), folder.join("pipeline.toml"))?;
    Ok(())
}

fn streamed(repeats: usize) -> Result<Peak> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("pipeline.toml"), STREAMED)?;
    fs::create_dir(folder.path().join("data"))?;
    for copy in 0..repeats {
        let copied = folder.path().join(format!("data/{copy:02}.parquet"));
        fs::copy(
            repository().join("examples/flights/data/flights.parquet"),
            copied,
        )?;
    }
    run(folder.path())
}

/// Runs `pipeline.toml` of a folder in an empty home.
fn run(folder: &Path) -> Result<Peak> {
    let pipeline = folder.join("pipeline.toml");
    let arguments =
        [trueline()?.as_path(), Path::new("run"), pipeline.as_path()].map(Path::to_owned);
    let home = folder.join("home");
    let answer = python::run("peak_memory.py", [home].into_iter().chain(arguments))?;
    let number = |key: &str| answer[key].as_f64().with_context(|| format!("no `{key}`"));
    ensure!(
        number("status")? == 0.0,
        "`trueline run` failed: {}",
        answer["stderr"]
    );
    let bytes = answer["peak_bytes"].as_u64().context("no `peak_bytes`")?;
    Ok(Peak {
        bytes,
        seconds: number("seconds")?,
    })
}

/// The binary that was built beside this one.
pub(crate) fn trueline() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("trueline");
    ensure!(
        path.exists(),
        "there is no {}: type `cargo build --release -p trueline-cli`",
        path.display()
    );
    Ok(path)
}
