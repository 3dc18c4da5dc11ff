//! What a stage costs that does nothing: its sandbox, its key, and a commit that survives a loss of power.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::memory::trueline;
use crate::python::{done, environment};
use crate::table::{Table, verdict};

const ROUNDS: usize = 5;
const CHAIN: usize = 100;
const FAN_OUT: usize = 1000;
const CHAIN_AIM_MS: f64 = 6.0;
const FAN_OUT_AIM: f64 = 500.0;

/// The peers, with what their runs leave on the disk.
const PEERS: [(&str, &str, &str); 3] = [
    ("dagster", "dagster==1.13.29", "in process, SQLite"),
    (
        "prefect",
        "prefect==3.8.8 fastapi<0.140",
        "SQLite, states written later",
    ),
    ("luigi", "luigi==3.8.1", "a file a stage, no fsync"),
];

const HEAD: &str = "[pipeline]\nname = \"stages\"\n\n[dataset.rows]\npath = \"rows.csv\"\n";

pub(crate) fn measure() -> Result<String> {
    without_points(&fs::read(trueline()?)?)?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("rows.csv"), "x\n1\n2\n3\n")?;
    let chain = median((0..ROUNDS).map(|_| run(folder.path(), "chain.toml", &chain())))?;
    let fan_out = median((0..ROUNDS).map(|_| run(folder.path(), "fan-out.toml", &fan_out())))?;
    let per_second = 1000.0 / fan_out;

    let mut table = Table::new([
        "",
        "ms a stage",
        "stages a second",
        "on the disk",
        "aim",
        "",
    ]);
    let mut row = |name: String, ms: f64, disk: &str, aim: &str, verdict: String| {
        let per_second = format!("{:.0}", 1000.0 / ms);
        table.row([
            name,
            format!("{ms:.2}"),
            per_second,
            disk.to_owned(),
            aim.to_owned(),
            verdict,
        ]);
    };
    let disk = "SQLite, `synchronous=FULL`";
    let chain_verdict = verdict(chain <= CHAIN_AIM_MS);
    row(
        format!("a chain of {CHAIN}"),
        chain,
        disk,
        "6 ms a stage",
        chain_verdict,
    );
    let fan_out_verdict = verdict(per_second >= FAN_OUT_AIM);
    row(
        format!("a fan-out of {FAN_OUT}"),
        fan_out,
        disk,
        "500 stages a second",
        fan_out_verdict,
    );
    for (peer, packages, disk) in PEERS {
        let (version, ms) = measure_peer(peer, packages)?;
        row(
            format!("{peer} {version}, a chain of {CHAIN}"),
            ms,
            disk,
            "",
            String::new(),
        );
    }
    let mut section = format!("## Stages that do nothing\n\n{table}\n");
    writeln!(
        section,
        "From the run's first entry in the store to its last, each stage of ours in a sandbox of its own: `expect` of \
         three rows, not in the cache, committed before the next one begins. Reading the pipeline file and asking every \
         stage for its signature come before that. An `fsync` of 4 KiB took {:.2} ms on this disk at the same time. The \
         peers run Python functions in one process. Medians of {} runs behind a first one.",
        fsync_ms(folder.path())?,
        ROUNDS - 1
    )?;
    Ok(section)
}

/// No variable of the environment may kill what is shipped.
fn without_points(binary: &[u8]) -> Result<()> {
    let name = b"TRUELINE_FAULT";
    let has_points = binary.windows(name.len()).any(|bytes| bytes == name);
    ensure!(
        !has_points || cfg!(debug_assertions),
        "the release build has points for faults"
    );
    Ok(())
}

fn chain() -> String {
    (0..CHAIN).fold(HEAD.to_owned(), |text, number| {
        let after = match number {
            0 => String::new(),
            _ => format!("after = [\"s{}\"]\n", number - 1),
        };
        let max = 1000 + number;
        text + &format!("\n[stage.s{number}]\nuse = \"expect\"\nin = \"rows\"\nparams.rows = {{ max = {max} }}\n{after}")
    })
}

fn fan_out() -> String {
    let values = (0..FAN_OUT).map(|number| format!("{{ max = {} }}", 1000 + number));
    let values = values.collect::<Vec<_>>().join(", ");
    format!("{HEAD}\n[stage.s]\nuse = \"expect\"\nin = \"rows\"\nmap.rows = [{values}]\n")
}

/// Runs a pipeline, and answers with the milliseconds that a stage took.
fn run(folder: &Path, name: &str, text: &str) -> Result<f64> {
    fs::write(folder.join(name), text)?;
    let output = Command::new(trueline()?)
        .args(["run", name, "--no-cache", "--json"])
        .current_dir(folder)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let elapsed_ms = report["elapsed_ms"].as_f64().context("no time")?;
    let stages = report["stages"].as_array().context("no stages")?;
    ensure!(stages.iter().all(|stage| stage["state"] == "succeeded"));
    #[expect(clippy::cast_precision_loss, reason = "a thousand stages")]
    Ok(elapsed_ms / stages.len() as f64)
}

/// The median behind the first, which compiles and fills caches.
fn median(rounds: impl Iterator<Item = Result<f64>>) -> Result<f64> {
    let mut rounds: Vec<f64> = rounds.skip(1).collect::<Result<_>>()?;
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().context("no rounds")
}

/// Version and milliseconds a stage of a peer, in a Python environment of its own.
fn measure_peer(peer: &str, packages: &str) -> Result<(String, f64)> {
    let python = environment(&format!("venv-orchestrators/{peer}"), packages)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/orchestrators.py");
    let printed = done(Command::new(python).arg(script).arg(peer))?;
    // Whatever the peer says itself comes before.
    let line = printed.lines().last().context("it printed nothing")?;
    let answer: serde_json::Value = serde_json::from_str(line)?;
    let version = answer["version"].as_str().context("no version")?.to_owned();
    Ok((version, answer["ms"].as_f64().context("no time")?))
}

/// The median time of writing 4 KiB at the end of a file and waiting for the disk.
fn fsync_ms(folder: &Path) -> Result<f64> {
    let path: PathBuf = folder.join("fsync");
    let mut file = File::create(path)?;
    let mut times = Vec::new();
    for _ in 0..50 {
        file.write_all(&[7; 4096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(Duration::as_secs_f64(&times[25]) * 1e3)
}
