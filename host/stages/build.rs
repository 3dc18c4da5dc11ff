//! Builds every package of `plugins/` into a component and lists them in Rust.
//!
//! A plain `cargo build` or `cargo test` so always embeds what the sources say now.
#![allow(clippy::print_stdout, reason = "how a build script talks to Cargo")]

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// What the components are made from.
const INPUTS: &[&str] = &["Cargo.toml", "Cargo.lock", "plugins", "sdk/rust", "wit"];

fn main() -> ExitCode {
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the standard stages could not be built: {error}");
            ExitCode::FAILURE
        }
    }
}

fn embed() -> Result<(), Box<dyn Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);

    println!(
        "cargo::rerun-if-env-changed={}",
        trueline_build::COMPILER_VARIABLE
    );
    for input in INPUTS {
        println!(
            "cargo::rerun-if-changed={}",
            repository.join(input).display()
        );
    }

    let options = trueline_build::Options {
        packages: packages(&repository.join("plugins"))?,
        // Not the folder that the Cargo above us holds locked.
        target_dir: Some(repository.join("target/stages")),
    };
    let stages = trueline_build::build(&repository, &options)?;
    let count = stages.len();
    let mut list = format!("static STANDARD: [StandardStage; {count}] = [\n");
    for stage in stages {
        let path = out.join(&stage.name).with_extension("deflate");
        fs::write(&path, deflate(&stage.bytes)?)?;
        let (name, length) = (&stage.name, stage.bytes.len());
        writeln!(
            list,
            "    StandardStage::new({name:?}, include_bytes!({path:?}), {length}),"
        )?;
    }
    list.push_str("];\n");
    fs::write(out.join("standard.rs"), list)?;
    Ok(())
}

/// A third of the bytes, as a component is a tenth of the binary that it comes in.
fn deflate(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// The packages in a folder; each has its folder's name.
fn packages(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}
