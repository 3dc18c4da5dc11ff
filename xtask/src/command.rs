//! Runs other programs, in the repository's root, with their output going straight through.

use std::fmt::Display;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::repository;

/// What went wrong, in one sentence for the person at the terminal.
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    pub(crate) fn new(message: impl Display) -> Self {
        Self(message.to_string())
    }
}

/// Runs `work` between a headline and the time that it took.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    eprintln!("\n==> {name}");
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    let verdict = if result.is_ok() { "done" } else { "failed" };
    eprintln!("==> {name}: {verdict} in {}", elapsed(seconds));
    result
}

fn elapsed(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!(
            "{:.0} min {:02.0} s",
            (seconds / 60.0).floor(),
            (seconds % 60.0).floor()
        )
    }
}

pub(crate) fn cargo(arguments: &[&str]) -> Result<(), Failure> {
    run("cargo", arguments)
}

/// Runs a program; anything but success is a failure that names the command.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let line = format!("{program} {}", arguments.join(" "));
    let status = command(program, arguments)
        .status()
        .map_err(|error| Failure::new(format!("cannot run `{program}`: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{line}` failed ({status})")))
    }
}

/// What a program prints, or `None` if it can't be run or fails.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = command(program, arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(repository());
    command
}

#[cfg(test)]
mod tests {
    use super::elapsed;

    #[test]
    fn times_read_well() {
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (59.94, "59.9 s"),
            (60.0, "1 min 00 s"),
            (754.9, "12 min 34 s"),
        ] {
            assert_eq!(elapsed(seconds), text);
        }
    }
}
