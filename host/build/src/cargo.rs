//! Runs Cargo for the guests' target and collects the modules that it made.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, iter};

use serde::Deserialize;

use crate::compiler::{Compiler, TARGET, output};
use crate::{Error, Options};

/// A core module that Cargo has built.
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The release profile of every stage, whatever its manifest says: the bytes, and so the digest,
/// must not depend on where a stage is built.
const PROFILE: &[(&str, &str)] = &[
    ("OPT_LEVEL", "3"),
    ("LTO", "fat"),
    ("CODEGEN_UNITS", "1"),
    ("PANIC", "abort"),
    ("STRIP", "symbols"),
    ("DEBUG", "false"),
    ("DEBUG_ASSERTIONS", "false"),
    ("OVERFLOW_CHECKS", "false"),
    ("INCREMENTAL", "false"),
];

pub(crate) fn build_modules(
    folder: &Path,
    options: &Options,
    compiler: &Compiler,
) -> Result<Vec<Module>, Error> {
    let flags = rust_flags(&workspace_root(folder)?, &cargo_home(), options, compiler);
    let mut command = cargo(folder);
    command.args([
        "build",
        "--release",
        "--message-format=json-render-diagnostics",
    ]);
    command.args(["--target", TARGET]);
    for package in &options.packages {
        command.args(["--package", package]);
    }
    if let Some(target_dir) = &options.target_dir {
        command.arg("--target-dir").arg(target_dir);
    }
    command
        .env("RUSTC", &compiler.rustc)
        .env("CARGO_ENCODED_RUSTFLAGS", flags);
    for (key, value) in PROFILE {
        command.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
    }
    if let Some(linker) = &compiler.build_std_with_linker {
        // Building the standard library is not stable yet; this lets a stable Cargo do it.
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .arg("-Zbuild-std=std,panic_abort");
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
    run(command, folder)
}

/// The flags, in the form that Cargo reads from `CARGO_ENCODED_RUSTFLAGS`.
fn rust_flags(
    workspace: &Path,
    cargo_home: &Path,
    options: &Options,
    compiler: &Compiler,
) -> OsString {
    let mut flags: Vec<OsString> = vec![
        "-Ctarget-feature=+simd128".into(),
        // A small stack, so that a fresh instance has few pages to map.
        "-Clink-arg=-zstack-size=65536".into(),
    ];
    // The last prefix that matches wins, so the workspace comes after what may contain it.
    let remapped = iter::once((compiler.library_source.as_path(), "/rust"))
        .chain(iter::once((cargo_home, "/cargo")))
        .chain(iter::once((workspace, "/stage")))
        .chain(
            options
                .target_dir
                .iter()
                .map(|folder| (folder.as_path(), "/target")),
        );
    for (folder, name) in remapped {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(folder);
        flag.push("=");
        flag.push(name);
        flags.push(flag);
    }
    flags.join("\x1f".as_ref())
}

fn run(mut command: Command, folder: &Path) -> Result<Vec<Module>, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let start_error = |source| Error::Start {
        program: program.clone(),
        source,
    };
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(start_error)?;
    let mut modules = Vec::new();
    if let Some(messages) = child.stdout.take() {
        for line in BufReader::new(messages).lines() {
            modules.extend(module(&line.map_err(start_error)?));
        }
    }
    if child.wait().map_err(start_error)?.success() {
        Ok(modules)
    } else {
        Err(Error::Compile {
            folder: folder.to_owned(),
        })
    }
}

/// One line of Cargo's JSON messages; only what tells of a finished target is read.
#[derive(Deserialize)]
struct Message {
    target: Target,
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

fn module(line: &str) -> Option<Module> {
    let message: Message = serde_json::from_str(line).ok()?;
    if !message
        .target
        .crate_types
        .iter()
        .any(|kind| kind == "cdylib")
    {
        return None;
    }
    let is_module = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "wasm")
    };
    let path = message.filenames.into_iter().find(is_module)?;
    Some(Module {
        name: message.target.name.replace('_', "-"),
        path,
    })
}

/// Cargo, in `folder`, without what an outer Cargo or its clippy has set for its own build.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(belongs_to_outer_build) {
            command.env_remove(name);
        }
    }
    command
}

fn belongs_to_outer_build(variable: &str) -> bool {
    const KEPT: &[&str] = &[
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    let cargos =
        variable.starts_with("CARGO_") && !KEPT.iter().any(|kept| variable.starts_with(kept));
    cargos || variable.starts_with("RUSTC") || variable.ends_with("RUSTFLAGS")
}

fn workspace_root(folder: &Path) -> Result<PathBuf, Error> {
    let mut command = cargo(folder);
    let manifest =
        output(command.args(["locate-project", "--workspace", "--message-format", "plain"]))?;
    Ok(Path::new(&manifest).parent().unwrap_or(folder).to_owned())
}

fn cargo_home() -> PathBuf {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outer_build_does_not_reach_in() {
        for (variable, removed) in [
            ("CARGO_ENCODED_RUSTFLAGS", true),
            ("CARGO_TARGET_DIR", true),
            ("CARGO_PROFILE_RELEASE_LTO", true),
            ("RUSTC_WORKSPACE_WRAPPER", true),
            ("RUSTFLAGS", true),
            ("CARGO_HOME", false),
            ("CARGO_NET_OFFLINE", false),
            ("RUSTUP_TOOLCHAIN", false),
            ("PATH", false),
        ] {
            assert_eq!(belongs_to_outer_build(variable), removed, "{variable}");
        }
    }

    #[test]
    fn every_folder_is_remapped() {
        let compiler = Compiler {
            rustc: "rustc".into(),
            library_source: "/usr/lib/rustlib/src/rust".into(),
            build_std_with_linker: None,
        };
        let options = Options {
            target_dir: Some("/home/me/a b/out".into()),
            ..Options::default()
        };
        let flags = rust_flags(
            "/home/me/a b".as_ref(),
            "/home/me/.cargo".as_ref(),
            &options,
            &compiler,
        );
        let flags: Vec<_> = flags.to_str().unwrap().split('\x1f').skip(2).collect();
        assert_eq!(
            flags,
            [
                "--remap-path-prefix=/usr/lib/rustlib/src/rust=/rust",
                "--remap-path-prefix=/home/me/.cargo=/cargo",
                "--remap-path-prefix=/home/me/a b=/stage",
                "--remap-path-prefix=/home/me/a b/out=/target",
            ]
        );
    }

    #[test]
    fn only_modules_are_taken() {
        let message = |kind: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"my_stage","crate_types":["{kind}"]}},"filenames":["{file}"]}}"#
            )
        };
        let taken = module(&message("cdylib", "/out/my_stage.wasm")).unwrap();
        assert_eq!(
            (taken.name.as_str(), taken.path.as_path()),
            ("my-stage", "/out/my_stage.wasm".as_ref())
        );
        assert!(module(&message("rlib", "/out/libmy_stage.rlib")).is_none());
        assert!(module(&message("cdylib", "/out/libmy_stage.so")).is_none());
        assert!(module(r#"{"reason":"build-finished","success":true}"#).is_none());
    }
}
