//! The `trueline` command.
//!
//! ```text
//! arguments ── context ── commands/* ── views/* ── output
//!  what was     home,      do the       make it     stdout
//!  typed        terminal   work         readable
//! ```
//!
//! A command does its work through the crates below and answers with an [`Exit`](exit::Exit). What it
//! found goes to standard output, as text or with `--json` as data; progress, notes and errors go to
//! standard error. Views turn reports into text and nothing else, so that tests can hold them against
//! snapshots.

use std::process::ExitCode;

use clap::Parser as _;

mod arguments;
mod commands;
mod context;
mod errors;
mod exit;
mod grid;
mod home;
mod interrupt;
mod new_file;
mod output;
mod plugins;
mod progress;
mod style;
mod views;

pub(crate) use trueline_engine::numbers;

/// A request makes and drops some hundred small things, and glibc's allocator takes a tenth of its time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    let context = context::Context::new(&arguments.global);
    let done = arguments.command.execute(&context);
    if output::is_cut_off() {
        // Whoever read the output had enough of it, which is no failure.
        return done.unwrap_or(exit::Exit::Done).into();
    }
    match done {
        Ok(exit) => exit.into(),
        Err(error) => errors::print(&error, &context).into(),
    }
}
