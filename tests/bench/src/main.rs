//! What Trueline costs, measured side by side with the same code outside of the sandbox and with
//! XGBoost. `cargo xtask bench` runs everything and writes `docs/BENCHMARKS.md`; with names of sections
//! behind it, this program only prints those.
//!
//! What is compared runs in turns, many times, in one process, and its answers are checked between the
//! turns; see [`rounds`].
#![allow(
    clippy::print_stdout,
    reason = "sections that were asked for are printed"
)]

mod batches;
mod features;
mod load;
mod machine;
mod memory;
mod one_row;
mod pages;
mod pipeline;
mod preprocessing;
mod python;
mod rounds;
mod server;
mod serving;
mod sizes;
mod stages;
mod table;
mod training;
mod twins;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Keeps large blocks, so that neither side is measured by how often the system maps memory for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A section's name on the command line, and what measures it and answers with its Markdown.
type Section = (&'static str, fn() -> Result<String>);

const SECTIONS: &[Section] = &[
    ("one-row", one_row::measure),
    ("batches", batches::measure),
    ("preprocessing", preprocessing::measure),
    ("training", training::measure),
    ("memory", memory::measure),
    ("sizes", sizes::measure),
    ("stages", stages::measure),
    ("serving", serving::measure),
    ("features", features::measure),
    ("pages", pages::measure),
];

fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if asked.is_empty() {
        let path = repository().join("docs/BENCHMARKS.md");
        let (document, failed) = document();
        fs::write(&path, document).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote docs/BENCHMARKS.md");
        if !failed.is_empty() {
            bail!("not measured: {}", failed.join(", "));
        }
        return Ok(());
    }
    for name in asked {
        let Some((_, measure)) = SECTIONS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
            bail!("no section `{name}`; the sections are {}", names.join(", "));
        };
        println!("{}", measure()?);
    }
    Ok(())
}

/// The document, and the sections that could not be measured: one that fails does not cost the others.
fn document() -> (String, Vec<&'static str>) {
    let mut document = format!("{HEAD}\n{}", machine::describe());
    let mut failed = Vec::new();
    for &(name, measure) in SECTIONS {
        eprintln!("measuring {name}");
        document.push('\n');
        let section = measure().unwrap_or_else(|error| {
            eprintln!("{name}: {error:#}");
            failed.push(name);
            format!("## {name}\n\nNot measured: {error:#}\n")
        });
        document.push_str(&section);
    }
    (document, failed)
}

const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask bench`; every figure is from one run on the machine below. What is compared ran in
turns in one process, and its answers were compared byte for byte between the turns. Figures are medians;
the spread is that of the middle half of the rounds. An aim is from the project's plan and stands beside
what was measured, met or not. Of Cargo's profiles, `release` is optimized across crates; `debug`, which
the demo and the tests run with, is optimized too, but crate by crate.
";

/// The root of the repository.
fn repository() -> PathBuf {
    let mut ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    ancestors.nth(2).map(Path::to_owned).unwrap_or_default()
}
