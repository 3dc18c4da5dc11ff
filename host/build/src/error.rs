use std::{io, path::PathBuf};

/// Why a stage could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no Cargo.toml in {}; the folder of a stage is a Cargo package, as `cargo new --lib` makes one",
        folder.display()
    )]
    NoManifest { folder: PathBuf },

    #[error(
        "no compiler for WebAssembly is installed{}; \
         type `rustup target add wasm32-unknown-unknown` or, on Debian where rustup's servers \
         can't be reached, `apt-get install --no-install-recommends rustc-web rust-web-src`",
        asked.as_ref().map(|name| format!(" (TRUELINE_STAGE_COMPILER asks for `{name}`)")).unwrap_or_default()
    )]
    NoCompiler {
        /// The value of `TRUELINE_STAGE_COMPILER`, if it is set.
        asked: Option<String>,
    },

    #[error("TRUELINE_STAGE_COMPILER is `{0}`; it can be `rustup` or `debian`")]
    UnknownCompiler(String),

    #[error("cannot run `{program}`: {source}; is Rust installed and on the PATH?")]
    Start { program: String, source: io::Error },

    #[error("`{command}` failed: {reason}")]
    Command { command: String, reason: String },

    #[error("the stages in {} do not compile; the compiler's messages are above", folder.display())]
    Compile { folder: PathBuf },

    #[error(
        "no package in {} builds a stage; add `[lib] crate-type = [\"cdylib\", \"rlib\"]` to its Cargo.toml",
        folder.display()
    )]
    NoStage { folder: PathBuf },

    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },

    #[error(
        "`{stage}` compiles, but is not a stage: {reason}; does it call the SDK's export macro?"
    )]
    Encode { stage: String, reason: String },
}
