//! The pages, walked through in a real Chromium, and how the server ends.
//!
//! It needs what `cargo xtask setup` installs, which `cargo xtask test` runs: Chromium, Node and `target/browser`.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use trueline_tests::project::Project;
use trueline_tests::repository;

/// A search for the best of a few small models, as another pipeline has it.
const STUDY: &str = r#"
[params]
shown_as = "tuned"

[stage.model.tune]
metric = "quality.auc"
trials = 4
startup = 2
space.max_depth = { low = 2, high = 4 }

[stage.quality]
use = "metrics"
in = "flights.valid | plane | features | model"
"#;

/// A server that ends with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts `trueline ui` on the flights in an empty home.
    fn start(project: &Project) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_trueline"))
            .args(["ui", "pipeline.toml", "tuned.toml"])
            .args(["--listen", "127.0.0.1:0", "--json"])
            .current_dir(project.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut lines = BufReader::new(stdout).lines();
        let text: String = lines.by_ref().map(Result::unwrap).take(3).collect();
        let answer: Json = serde_json::from_str(&text).unwrap();
        let url = answer["url"].as_str().unwrap().to_owned();
        Self { child, url }
    }

    fn address(&self) -> &str {
        self.url.trim_start_matches("http://").trim_end_matches('/')
    }

    /// The status and body of an answer to a request of these lines.
    fn ask(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let request = format!("{request}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    /// Asks it to end, and waits until it has.
    fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn project() -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    let example = repository().join("examples/flights");
    std::os::unix::fs::symlink(example.join("data"), project.path("data")).unwrap();
    let text = std::fs::read_to_string(example.join("pipeline.toml")).unwrap();
    project.write("pipeline.toml", &text);
    let tuned = text
        .replace("name = \"flight-delays\"", "name = \"tuned\"")
        .replace("num_boost_round = 100", "num_boost_round = 8")
        .replace("[package]", &format!("{STUDY}\n[package]"));
    project.write("tuned.toml", tuned);
    project
}

/// What is known of airports.
const FEATURES: &str = r#"
[entity.airport]
keys = { origin = "utf8" }
description = "An airport, by its FAA code"

[source.weather]
path = "data/weather.parquet"
event_time = "time_hour"

[view.airport_weather]
entity = "airport"
source = "weather"
features = ["temp", "wind_speed"]
ttl = "3h"
owner = "meteorology"
tags = { tier = "1" }

[service.departure]
features = ["airport_weather"]
"#;

/// A feature store in the home, and a training set.
fn features(project: &Project) {
    project.write("features.toml", FEATURES);
    project.trueline("features apply").exits(0);
    project.trueline("features materialize").exits(0);
    project.write(
        "spine.csv",
        "origin,event_timestamp\nJFK,2013-12-24T10:30:00Z\nJFK,2012-01-01T00:00:00Z\n",
    );
    let history = "features history --service departure --spine spine.csv --out training.parquet";
    project.trueline(history).exits(0);
}

#[test]
fn every_page_is_walked_through() {
    let project = project();
    features(&project);
    let server = Server::start(&project);
    let modules = repository().join("target/browser");
    let mut walk = Command::new("node");
    walk.arg(repository().join("tests/web/walk.mjs"))
        .arg(&server.url)
        .arg(modules);
    // For looking at the pages by eye.
    walk.args(std::env::var_os("TRUELINE_PICTURES"));
    let output = walk.output().expect("`cargo xtask setup` installs Node");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_server_that_ends_gives_its_runs_up() {
    let project = project();
    let server = Server::start(&project);
    let host = format!("Host: {}", server.address());
    let start = "POST /v1/pipelines/flight-delays/runs HTTP/1.1";
    let foreign = format!("{start}\r\n{host}\r\nOrigin: http://evil.example\r\nContent-Length: 0");
    assert_eq!(server.ask(&foreign).0, 403);
    let (status, _) = server.ask("GET /runs HTTP/1.1\r\nHost: evil.example");
    assert_eq!(status, 421);

    let (status, body) = server.ask(&format!("{start}\r\n{host}\r\nContent-Length: 0"));
    assert_eq!(status, 201, "{body}");
    let started: Json = serde_json::from_str(&body).unwrap();
    let run = started["run"].as_str().unwrap().to_owned();
    let (status, body) = server.ask(&format!("GET /v1/runs/{run} HTTP/1.1\r\n{host}"));
    assert_eq!(status, 200);
    let shown: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(shown["is_here"], true, "{body}");

    assert_eq!(server.end(), Some(0));
    let shown = project
        .trueline(&format!("show {run} --json"))
        .exits(0)
        .json();
    assert_eq!(shown["run"]["state"], "cancelled", "{shown}");
    project.trueline("store check").exits(0);
}
