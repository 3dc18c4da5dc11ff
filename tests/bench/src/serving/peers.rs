//! What Python serves the flights with, in an environment of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use trueline_dataset::Part;
use trueline_runtime::{Backend, Runtime};
use trueline_wire::native::{self, Shape};

use super::flights::Flights;
use crate::pipeline::Example;
use crate::preprocessing::write_arrow;
use crate::python::environment;
use crate::repository;

const PACKAGES: &str = "onnxruntime==1.32.0 onnx==1.23.2 skl2onnx==1.20.0 onnxmltools==1.16.0 xgboost-cpu==3.2.0 \
     scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 pyarrow==22.0.0 fastapi==0.165.0 uvicorn==0.54.0 uvloop==0.23.0 \
     httptools==0.9.0";

pub(super) struct Peers {
    python: PathBuf,
}

impl Peers {
    /// Installs them, and lets them learn what the package learned from the same rows.
    pub(super) fn prepare(flights: &Flights) -> Result<Self> {
        let python = environment("venv-serving", PACKAGES)?;
        let folder = flights.folder();
        let example = Example::read()?;
        let mut train = example.rows("flights", Some(Part::Train))?;
        let planes = example.rows("planes", None)?;
        let runtime = Runtime::new(Backend::default(), None)?;
        example.transform(&runtime, ("plane", "lookup"), &planes, [&mut train])?;
        write_arrow(&folder.join("train.arrow"), &train)?;
        fs::copy(folder.join("data/planes.csv"), folder.join("planes.csv"))?;
        fs::write(folder.join("model.json"), flights.model()?)?;
        let request = native::write_request(Shape::Records, &flights.input, &flights.rows)?;
        let mut asked: Value = serde_json::from_str(&request)?;
        let expected = flights.expected.iter();
        asked["expected"] = expected.map(|&expected| f64::from(expected)).collect();
        fs::write(folder.join("rows.json"), asked.to_string())?;
        let peers = Self { python };
        let prepared = peers.command("prepare", folder).output()?;
        let said = String::from_utf8_lossy(&prepared.stderr);
        anyhow::ensure!(
            prepared.status.success(),
            "the peers cannot be made: {said}"
        );
        Ok(peers)
    }

    pub(super) fn command(&self, what: &str, folder: &Path) -> Command {
        let script = repository().join("tests/bench/python/serving_peers.py");
        let mut command = Command::new(&self.python);
        command.arg(script).arg(what).arg(folder);
        command
    }

    /// The peers in one process, ready to be called.
    pub(super) fn rounds(&self, flights: &Flights) -> Result<Rounds> {
        let mut process = self
            .command("rounds", flights.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take().context("no standard input")?;
        let answers = BufReader::new(process.stdout.take().context("no standard output")?);
        let mut rounds = Rounds {
            process,
            orders,
            answers,
            versions: Value::Null,
        };
        rounds.versions = rounds.line()?;
        Ok(rounds)
    }
}

/// A process that calls a peer as often as it is told.
pub(super) struct Rounds {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    versions: Value,
}

impl Rounds {
    pub(super) fn version(&self, package: &str) -> &str {
        self.versions[package].as_str().unwrap_or_default()
    }

    /// How long so many calls took, each of which gave what the package gives.
    pub(super) fn calls(&mut self, peer: &str, count: usize) -> Result<Vec<Duration>> {
        writeln!(self.orders, "{peer} {count}")?;
        let took: Vec<u64> = serde_json::from_value(self.line()?)?;
        Ok(took.into_iter().map(Duration::from_nanos).collect())
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("the peers have ended; what they said stands above")
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
