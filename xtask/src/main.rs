//! Developer commands. `cargo xtask` lists them.
#![allow(
    clippy::print_stdout,
    reason = "a command's answer goes to standard output"
)]

mod arrows;
mod bench;
mod command;
mod demo;
#[cfg(test)]
mod documents;
mod kill_loop;
mod setup;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use command::{Failure, cargo};

/// What to type, what it does, and what does it.
type Entry = (&'static str, &'static str, fn() -> Result<(), Failure>);

const COMMANDS: &[Entry] = &[
    (
        "demo",
        "set up what is missing, build, run the flights pipeline and prove its bytes",
        demo::run,
    ),
    ("test", "every test of the repository", test::run),
    ("bench", "measure, and write docs/BENCHMARKS.md", bench::run),
    (
        "ci",
        "what CI runs: format, lints, licenses, layers, tests",
        ci,
    ),
    (
        "kill-loop",
        "kill runs at random moments and compare their ends: [--times 500] [--seed 1]",
        || kill_loop::run(&[]),
    ),
    (
        "parity",
        "features of every flight of December, streamed and backfilled, bit by bit",
        parity,
    ),
    (
        "setup",
        "install what building the stages and testing needs",
        setup::everything,
    ),
    (
        "stages",
        "build the standard stages into components",
        stages,
    ),
    (
        "check-arrows",
        "check that no crate depends on one above it",
        arrows::check,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = arguments.first().map(String::as_str);
    if matches!(asked, None | Some("help" | "--help" | "-h")) {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let known = COMMANDS.iter().find(|(name, ..)| Some(*name) == asked);
    let result = match known {
        Some((_, _, run)) if arguments.len() == 1 => run(),
        _ if asked == Some("kill-loop") => kill_loop::run(&arguments[1..]),
        _ => {
            eprintln!("error: no command `{}`\n\n{}", arguments.join(" "), help());
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let lines = COMMANDS
        .iter()
        .map(|(name, what, _)| format!("  cargo xtask {name:<13} {what}\n"));
    lines.collect()
}

/// The root of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

fn ci() -> Result<(), Failure> {
    command::run("bash", &[".ci/run"])
}

fn parity() -> Result<(), Failure> {
    cargo(&[
        "test",
        "-p",
        "trueline-features",
        "--lib",
        "all_december",
        "--",
        "--ignored",
        "--nocapture",
    ])
}

fn stages() -> Result<(), Failure> {
    setup::stage_compiler()?;
    cargo(&["build", "-p", "trueline-stages"])
}
