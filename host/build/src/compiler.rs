//! Finds a compiler that can build for `wasm32-unknown-unknown`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// Asks for one of the compilers, by the names in [`crate`]'s documentation.
pub const COMPILER_VARIABLE: &str = "TRUELINE_STAGE_COMPILER";

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's packages put the compiler here; a `rustc` of rustup's comes before it on the PATH.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// A compiler, and what Cargo must know to use it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Compiler {
    pub(crate) rustc: PathBuf,
    /// Where this compiler's panics and debug information say the standard library's source is.
    pub(crate) library_source: PathBuf,
    /// Set if Cargo has to build the standard library from that source. The linker then comes
    /// from rustup's toolchain, because Debian's packages bring none for WebAssembly.
    pub(crate) build_std_with_linker: Option<PathBuf>,
}

/// Finds the compiler for a build in `folder`, whose `rust-toolchain.toml` counts if it has one.
pub(crate) fn find(folder: &Path) -> Result<Compiler, Error> {
    let asked = env::var(COMPILER_VARIABLE).ok();
    let default_rustc = env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let found = match asked.as_deref() {
        Some("rustup") => rustup(&Sysroot::of(&default_rustc, folder)?, default_rustc),
        Some("debian") => debian(&Sysroot::of(&default_rustc, folder)?, folder)?,
        Some(other) => return Err(Error::UnknownCompiler(other.to_owned())),
        None => {
            let sysroot = Sysroot::of(&default_rustc, folder)?;
            match rustup(&sysroot, default_rustc) {
                Some(compiler) => Some(compiler),
                None => debian(&sysroot, folder)?,
            }
        }
    };
    found.ok_or(Error::NoCompiler { asked })
}

/// The compiler on the PATH, if the target's standard library is installed for it.
fn rustup(sysroot: &Sysroot, rustc: PathBuf) -> Option<Compiler> {
    let target_library = sysroot.path.join("lib/rustlib").join(TARGET).join("lib");
    target_library.is_dir().then(|| Compiler {
        rustc,
        library_source: sysroot.library_source(),
        build_std_with_linker: None,
    })
}

/// Debian's compiler, if the source of its standard library and a linker are there too.
fn debian(rustup: &Sysroot, folder: &Path) -> Result<Option<Compiler>, Error> {
    let rustc = PathBuf::from(DEBIAN_RUSTC);
    let linker = rustup
        .path
        .join("lib/rustlib")
        .join(&rustup.host)
        .join("bin/rust-lld");
    if !rustc.exists() || !linker.exists() {
        return Ok(None);
    }
    let library_source = Sysroot::of(&rustc, folder)?.library_source();
    let complete = library_source.join("library/std/Cargo.toml").exists();
    Ok(complete.then_some(Compiler {
        rustc,
        library_source,
        build_std_with_linker: Some(linker),
    }))
}

/// Where a compiler keeps its libraries, and the triple of the machine that it runs on.
struct Sysroot {
    path: PathBuf,
    host: String,
}

impl Sysroot {
    fn of(rustc: &Path, folder: &Path) -> Result<Self, Error> {
        let path = output(
            Command::new(rustc)
                .current_dir(folder)
                .args(["--print", "sysroot"]),
        )?;
        let version = output(Command::new(rustc).current_dir(folder).arg("-vV"))?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap_or_default();
        Ok(Self {
            path: PathBuf::from(path),
            host: host.to_owned(),
        })
    }

    fn library_source(&self) -> PathBuf {
        self.path.join("lib/rustlib/src/rust")
    }
}

/// Runs a command that answers with one text, which is trimmed.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let result = command
        .output()
        .map_err(|source| Error::Start { program, source })?;
    if result.status.success() {
        Ok(String::from_utf8_lossy(&result.stdout).trim().to_owned())
    } else {
        Err(Error::Command {
            command: format!("{command:?}"),
            reason: String::from_utf8_lossy(&result.stderr).trim().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is removed at the end. `tempfile` as a dependency would give a crate that the
    /// build of the stages shares another feature in tests than in the demo, and wasmtime would be
    /// compiled twice.
    struct Folder(PathBuf);

    impl Folder {
        fn with(name: &str, files: &[&str]) -> Self {
            let name = format!("trueline-build-{}-{name}", std::process::id());
            let folder = Self(std::env::temp_dir().join(name));
            for file in files {
                let path = folder.0.join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            folder
        }

        fn sysroot(&self) -> Sysroot {
            Sysroot {
                path: self.0.clone(),
                host: "some-host".to_owned(),
            }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn rustup_needs_the_target() {
        let without = Folder::with("without", &["lib/rustlib/some-host/lib/libstd.rlib"]);
        assert_eq!(rustup(&without.sysroot(), "rustc".into()), None);

        let with = Folder::with(
            "with",
            &["lib/rustlib/wasm32-unknown-unknown/lib/libstd.rlib"],
        );
        let compiler = rustup(&with.sysroot(), "rustc".into()).unwrap();
        assert_eq!(compiler.rustc, Path::new("rustc"));
        assert_eq!(compiler.build_std_with_linker, None);
    }

    #[test]
    fn debian_needs_a_linker() {
        let folder = Folder::with("debian", &["lib/rustlib/some-host/lib/libstd.rlib"]);
        assert_eq!(debian(&folder.sysroot(), &folder.0).unwrap(), None);
    }

    #[test]
    fn a_failing_command_says_what_it_said() {
        let error = output(Command::new("rustc").arg("--no-such-flag"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("--no-such-flag"), "{error}");
        let error = output(&mut Command::new("no-such-program"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cannot run `no-such-program`"), "{error}");
    }
}
