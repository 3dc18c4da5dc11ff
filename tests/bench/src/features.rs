//! The feature store beside Feast: features over HTTP, training sets, pushes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::memory::{example, trueline};
use crate::python::{done, environment, run};
use crate::repository;
use crate::server::{Server, free_address};

mod online;
mod pushes;
mod training_sets;

const NEWEST: &str = "feast[duckdb]==0.67.0";

/// What both sides read: `prepare` of `feast_peer.py` writes it.
struct Bench {
    folder: TempDir,
    feast: Feast,
}

/// The newest Feast that installs, and its repository.
struct Feast {
    python: PathBuf,
    folder: PathBuf,
    version: String,
    pandas: String,
}

pub(crate) fn measure() -> Result<String> {
    let bench = Bench::make()?;
    let mut section = String::from("## Features\n\n");
    section.push_str(&online::measure(&bench)?);
    section.push_str(&training_sets::measure(&bench)?);
    section.push_str(&pushes::measure(&bench)?);
    Ok(section)
}

impl Bench {
    fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let python = environment("venv-feast-newest", NEWEST)?;
        let feast = Feast::prepare(python, folder.path().join("feast"))?;
        let bench = Self { folder, feast };
        std::fs::write(bench.data().join("features.toml"), features())?;
        bench.trueline(&["features", "apply"])?;
        bench.trueline(&["features", "materialize"])?;
        Ok(bench)
    }

    /// Feast's folder, where the data are, and our home.
    fn data(&self) -> &Path {
        &self.feast.folder
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(trueline()?);
        command.current_dir(self.data()).env_remove("TRUELINE_HOME");
        Ok(command)
    }

    fn trueline(&self, arguments: &[&str]) -> Result<String> {
        done(self.command()?.args(arguments))
    }

    /// `trueline features serve`, once it listens.
    fn serve(&self) -> Result<Server> {
        let address = free_address()?;
        let mut command = self.command()?;
        command.args(["features", "serve", "--listen", &address.to_string()]);
        command.stdout(std::process::Stdio::null());
        Server::start(command, address, Duration::from_millis(1))
    }

    /// Another home beside it, with the feature file of `examples/flights`.
    fn flights(&self) -> Result<PathBuf> {
        let folder = self.folder.path().join("flights");
        std::fs::create_dir(&folder)?;
        example(&folder)?;
        let file = "features.toml";
        std::fs::copy(
            repository().join("examples/flights").join(file),
            folder.join(file),
        )?;
        for command in ["apply", "materialize"] {
            done(
                self.command()?
                    .args(["features", command])
                    .current_dir(&folder),
            )?;
        }
        Ok(folder)
    }
}

impl Feast {
    fn prepare(python: PathBuf, folder: PathBuf) -> Result<Self> {
        std::fs::create_dir(&folder)?;
        let mut feast = Self {
            python,
            folder,
            version: String::new(),
            pandas: String::new(),
        };
        let data = repository().join("examples/flights/data");
        let versions = feast.run("prepare", &[&data.to_string_lossy()])?;
        let version = |of: &str| versions[of].as_str().unwrap_or_default().to_owned();
        (feast.version, feast.pandas) = (version("feast"), version("pandas"));
        Ok(feast)
    }

    /// What a command of `feast_peer.py` prints.
    fn run(&self, command: &str, arguments: &[&str]) -> Result<Value> {
        let script = repository().join("tests/bench/python/feast_peer.py");
        let mut process = Command::new(&self.python);
        process.arg(script).arg(command).arg(&self.folder);
        // What DuckDB puts aside goes where it is removed in the end.
        let printed = done(process.args(arguments).current_dir(&self.folder))?;
        let last = printed.lines().last().context("it printed nothing")?;
        Ok(serde_json::from_str(last)?)
    }

    /// `feast serve`, once it listens.
    fn serve(&self) -> Result<Server> {
        let address = free_address()?;
        let mut command = Command::new(self.python.with_file_name("feast"));
        command
            .arg("-c")
            .arg(self.folder.join("dask"))
            .args([
                "serve",
                "-h",
                "127.0.0.1",
                "-p",
                &address.port().to_string(),
            ])
            // Else it begins anew after a thousand.
            .args(["--no-access-log", "--max-requests", "0"])
            .current_dir(&self.folder)
            .env("FEAST_USAGE", "False")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        Server::start(command, address, Duration::from_millis(50))
    }
}

/// How long a command of ours took, in seconds, and the most memory that it had, in bytes.
fn peak(home: &Path, arguments: &[&str]) -> Result<(f64, u64)> {
    let program = trueline()?;
    let arguments = arguments.iter().map(PathBuf::from);
    let words = [home.join(".trueline"), program]
        .into_iter()
        .chain(arguments);
    let answer = run("peak_memory.py", words)?;
    ensure!(
        answer["status"] == 0,
        "`trueline` failed: {}",
        answer["stderr"]
    );
    let seconds = answer["seconds"].as_f64().context("no `seconds`")?;
    let bytes = answer["peak_bytes"].as_u64().context("no `peak_bytes`")?;
    Ok((seconds, bytes))
}

/// Our definitions of what `feast_peer.py` defines for Feast, and a source to push to.
fn features() -> String {
    let names: Vec<String> = (0..online::FEATURES)
        .map(|feature| format!("\"f{feature}\""))
        .collect();
    let values: Vec<String> = (0..pushes::VALUES)
        .map(|value| format!("v{value} = \"float64\""))
        .collect();
    DEFINITIONS
        .replace("FEATURES", &names.join(", "))
        .replace("VALUES", &values.join(", "))
}

const DEFINITIONS: &str = r#"
[entity.user]
keys = { user_id = "int64" }
[entity.origin]
keys = { origin = "utf8" }
[entity.plane]
keys = { tailnum = "utf8" }
[entity.carrier]
keys = { carrier = "utf8" }
[entity.route]
keys = { origin = "utf8", dest = "utf8" }

[source.stats]
path = "stats.parquet"
event_time = "event_timestamp"
[view.stats]
entity = "user"
source = "stats"
features = [FEATURES]
[view.combined]
views = ["stats:f0", "stats:f1"]
use = "tabular"
params.steps = [
  { op = "compute", into = "ratio", value = "f0 / (f1 + 1.0)" },
  { op = "select", columns = ["ratio"] },
]

[source.weather]
path = "weather.parquet"
event_time = "event_timestamp"
[view.weather]
entity = "origin"
source = "weather"
features = ["temp", "humid", "wind_speed", "precip", "visib"]
ttl = "3h"
[source.planes]
path = "planes.parquet"
event_time = "event_timestamp"
[view.planes]
entity = "plane"
source = "planes"
features = ["year", "seats"]
[source.carrier_day]
path = "carrier_day.parquet"
event_time = "event_timestamp"
[view.carrier_day]
entity = "carrier"
source = "carrier_day"
features = ["carrier_delay"]
ttl = "2d"
[source.route_day]
path = "route_day.parquet"
event_time = "event_timestamp"
[view.route_day]
entity = "route"
source = "route_day"
features = ["route_delay"]
ttl = "2d"

[service.departure]
features = ["weather", "planes", "carrier_day", "route_day"]

[source.events]
columns = { user_id = "int64", at = "timestamp", VALUES }
event_time = "at"
[view.events]
entity = "user"
source = "events"
features = ["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"]
"#;
