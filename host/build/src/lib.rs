//! Turns a stage written in Rust into a WebAssembly component.
//!
//! [`build`] runs Cargo for `wasm32-unknown-unknown` (no WASI, so nothing to import), takes the
//! core module of every `cdylib` that was built, and wraps each into a component. The component's
//! world is the one that `trueline-sdk` has recorded in the module.
//!
//! A component is known by the digest of its bytes, so two builds of one source with one compiler
//! must give the same bytes: the release profile is fixed here rather than in each manifest, and
//! every path is remapped. Symbol names still depend on the folder of a path dependency outside
//! the workspace; keep a stage and what it links by path in one workspace where that matters.
//!
//! Where the compiler comes from: the target that `rustup target add wasm32-unknown-unknown`
//! installs, else Debian's `rustc-web`, with which Cargo builds the standard library from
//! `rust-web-src`. `TRUELINE_STAGE_COMPILER` (`rustup` or `debian`) asks for one of the two.
//!
//! ```no_run
//! let stages = trueline_build::build("my-stage".as_ref(), &trueline_build::Options::default())?;
//! for stage in &stages {
//!     std::fs::write(format!("{}.wasm", stage.name), &stage.bytes)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cargo;
mod compiler;
mod error;

use std::path::{Path, PathBuf};

use wit_component::ComponentEncoder;

pub use compiler::COMPILER_VARIABLE;
pub use error::Error;

/// A stage as a component, ready for admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The name of the library target, written with hyphens: `my-stage`.
    pub name: String,
    /// The component binary.
    pub bytes: Vec<u8>,
}

/// What to build of a workspace, and where.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Names of packages. Empty means what `cargo build` would build in the folder.
    pub packages: Vec<String>,
    /// Where Cargo puts its files. `None` means Cargo's own choice, `target/` in the workspace.
    /// A build script must name a folder that its own Cargo does not hold locked.
    pub target_dir: Option<PathBuf>,
}

/// Builds the stages of the package or workspace in `folder`, sorted by name.
///
/// Cargo's progress and the compiler's messages go to standard error.
///
/// # Errors
/// [`Error::NoManifest`] if the folder has no Cargo.toml, [`Error::NoCompiler`] if nothing on this
/// machine compiles for `wasm32-unknown-unknown`, [`Error::Compile`] if Cargo fails (it has said
/// why), [`Error::NoStage`] if no package of the folder is a `cdylib`, [`Error::Encode`] if a
/// module is not a stage.
pub fn build(folder: &Path, options: &Options) -> Result<Vec<Component>, Error> {
    if !folder.join("Cargo.toml").is_file() {
        return Err(Error::NoManifest {
            folder: folder.to_owned(),
        });
    }
    let compiler = compiler::find(folder)?;
    let modules = cargo::build_modules(folder, options, &compiler)?;
    if modules.is_empty() {
        return Err(Error::NoStage {
            folder: folder.to_owned(),
        });
    }
    let mut components = modules.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
    components.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(components)
}

fn encode(module: &cargo::Module) -> Result<Component, Error> {
    let core = std::fs::read(&module.path).map_err(|source| Error::Read {
        path: module.path.clone(),
        source,
    })?;
    let bytes = ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|source| Error::Encode {
            stage: module.name.clone(),
            reason: format!("{source:#}"),
        })?;
    Ok(Component {
        name: module.name.clone(),
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_package_is_named() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for path in [source.clone(), source.join("missing")] {
            let error = build(&path, &Options::default()).unwrap_err();
            assert!(matches!(&error, Error::NoManifest { folder } if *folder == path));
        }
    }
}
