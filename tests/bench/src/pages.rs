//! How long the pages take over a home with a long history.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use trueline_store::{Store, SystemClock};

use crate::memory::trueline;
use crate::table::{Table, verdict};

const RUNS: u32 = 10_000;
const STAGES: u32 = 30;
/// How often each page is asked for, each time another run.
const ASKED: u32 = 200;
const PAGE_AIM_MS: f64 = 50.0;
const OPEN_AIM_MS: f64 = 100.0;

/// Every tenth run computes all of its stages from other rows; the others take them from the cache. Digests are made of
/// numbers, as long and as different as real ones.
const HISTORY: &str = include_str!("pages/history.sql");

pub(crate) fn measure() -> Result<String> {
    let home = tempfile::tempdir()?;
    drop(Store::open(home.path(), SystemClock)?);
    let database = rusqlite::Connection::open(home.path().join("trueline.db"))?;
    database.execute_batch(
        &HISTORY
            .replace(":runs", &RUNS.to_string())
            .replace(":stages", &STAGES.to_string()),
    )?;
    let size = std::fs::metadata(home.path().join("trueline.db"))?.len();
    drop(database);

    let mut opened: Vec<f64> = (0..20).map(|_| open(home.path())).collect::<Result<_>>()?;
    let (open_p50, open_p95) = quantiles(&mut opened);
    let mut table = Table::new(["", "p50, ms", "p95, ms", "aim", ""]);
    let mut row = |name: &str, p50: f64, p95: f64, aim: f64| {
        table.row([
            name.to_owned(),
            format!("{p50:.1}"),
            format!("{p95:.1}"),
            format!("p95 {aim:.0} ms"),
            verdict(p95 < aim),
        ]);
    };
    row("opening the store", open_p50, open_p95, OPEN_AIM_MS);
    let server = Server::start(home.path())?;
    for (name, path) in PAGES {
        for (kind, prefix) in [("page", ""), ("JSON", "/v1")] {
            let path = format!("{prefix}{path}");
            let mut took = (0..ASKED)
                .map(|index| server.ask(&path.replace("RUN", &run((index * 7919) % RUNS))))
                .collect::<Result<Vec<_>>>()
                .with_context(|| format!("while asking for {path}"))?;
            let (p50, p95) = quantiles(&mut took);
            row(&format!("{name}, {kind}"), p50, p95, PAGE_AIM_MS);
        }
    }
    let mut section = String::from("## Pages over a long history\n\n");
    writeln!(
        section,
        "{table}\nA home with {RUNS} runs of {STAGES} stages, with attempts, events, metrics, outputs and keys, in a database of \
         {} MB; `trueline ui` asked {ASKED} times for each page, over HTTP on this machine, a connection each, one after the \
         other and for another run each time. Every tenth run computed its stages; the others took them from the cache.",
        size / 1_000_000
    )?;
    Ok(section)
}

/// A page of every kind. Of `RUN`, every time another one.
const PAGES: &[(&str, &str)] = &[
    ("runs", "/runs"),
    ("runs, from the middle of the list", "/runs?before=RUN"),
    ("a pipeline by stage", "/pipelines/flights"),
    (
        "a pipeline, from the middle",
        "/pipelines/flights?before=RUN",
    ),
    ("a run", "/runs/RUN"),
    ("a stage", "/runs/RUN/stages/stage17"),
    (
        "an artifact that 10,000 runs have",
        "/artifacts/sha256:00000000000000000000000000000000000000000000000000000000a1000000",
    ),
    ("packages", "/packages"),
    ("a package's versions", "/packages/flights"),
    ("a version of a package", "/packages/flights/500"),
    (
        "lineage of a component",
        "/lineage/sha256:00000000000000000000000000000000000000000000000000000000c0000017",
    ),
];

fn run(index: u32) -> String {
    format!("run_0{index:015}")
}

fn open(home: &Path) -> Result<f64> {
    let started = Instant::now();
    let store = Store::open(home, SystemClock)?;
    let took = milliseconds(started.elapsed());
    drop(store);
    Ok(took)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The median, and what 95 % are below.
fn quantiles(values: &mut [f64]) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |per_cent: usize| {
        values
            .get(values.len() * per_cent / 100)
            .copied()
            .unwrap_or(f64::NAN)
    };
    (at(50), at(95))
}

/// `trueline ui`, which ends with this.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(home: &Path) -> Result<Self> {
        let mut child = Command::new(trueline()?)
            .args(["ui", "--listen", "127.0.0.1:0", "--home"])
            .arg(home)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().context("it has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line
            .trim()
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        Ok(Self { child, address })
    }

    /// The milliseconds from connecting to the last byte.
    fn ask(&self, path: &str) -> Result<f64> {
        let started = Instant::now();
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let took = milliseconds(started.elapsed());
        let text = String::from_utf8_lossy(&answer);
        ensure!(text.starts_with("HTTP/1.1 200 "), "{text}");
        Ok(took)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
