//! Builds every member of the plugins workspace into a component and lists them in Rust.
//!
//! A plain `cargo build` or `cargo test` so always embeds what the sources say now.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// What the components depend on, besides their own folders.
const INPUTS: &[&str] = &[
    "plugins/Cargo.toml",
    "plugins/Cargo.lock",
    "sdk/rust",
    "wit",
];

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
    let plugins = repository.join("plugins");
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
    for entry in fs::read_dir(&plugins)? {
        let folder = entry?.path();
        if folder.join("Cargo.toml").exists() {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
    }

    // The plugins' own target folder is never the one that the Cargo above us holds locked.
    let options = trueline_build::Options {
        target_dir: Some(plugins.join("target")),
        ..Default::default()
    };
    let mut list = String::from("&[\n");
    for stage in trueline_build::build(&plugins, &options)? {
        let path = out.join(&stage.name).with_extension("wasm");
        fs::write(&path, &stage.bytes)?;
        let name = &stage.name;
        writeln!(
            list,
            "    StandardStage {{ name: {name:?}, bytes: include_bytes!({path:?}) }},"
        )?;
    }
    list.push(']');
    fs::write(out.join("standard.rs"), list)?;
    Ok(())
}
