//! `trueline serve`, started on a free port and asked to end when the test is done.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use crate::project::Project;

/// A server that runs.
pub struct Server {
    process: Child,
    address: String,
    /// What it said when it was ready.
    pub said: Json,
}

impl Server {
    /// Starts `trueline serve` with these arguments behind it.
    pub fn start(project: &Project, arguments: &str) -> Self {
        Self::within(project, arguments, &[])
    }

    /// Starts it in a changed environment.
    pub fn within(project: &Project, arguments: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_command(project, &format!("serve {arguments}"), environment)
    }

    /// Starts another command that serves, in an environment with these variables.
    pub fn start_command(project: &Project, line: &str, variables: &[(&str, &str)]) -> Self {
        let line = format!("{line} --listen 127.0.0.1:0 --json");
        let arguments: Vec<_> = line.split_whitespace().collect();
        let mut process = project
            .command(&arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        // It says so in one value, however many lines that takes.
        let said = loop {
            let read = stdout.read_line(&mut ready).unwrap();
            assert!(read > 0, "`trueline {line}` ended: {ready}");
            if let Ok(said) = serde_json::from_str::<Json>(&ready) {
                break said;
            }
        };
        let address = said["address"].as_str().unwrap().to_owned();
        Self {
            process,
            address,
            said,
        }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks it to end, and answers with its exit code when it has.
    pub fn stop(mut self) -> Option<i32> {
        self.ask_to_end();
        self.process.wait().unwrap().code()
    }

    /// Asks it to end, and does not wait for that.
    pub fn ask_to_end(&self) {
        let _ = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
    }

    /// The number of its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The most memory that it has had, in bytes.
    pub fn memory_peak(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        1024 * kib.parse::<u64>().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
