//! Installs what a fresh machine lacks, or says in one sentence how to.

use std::fs;
use std::path::Path;

use crate::command::{Failure, output, run, step};
use crate::repository;

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_COMPILER: &[&str] = &["rustc-web", "rust-web-src"];

pub(crate) fn everything() -> Result<(), Failure> {
    stage_compiler()?;
    python()?;
    feast()?;
    redis()?;
    browser()
}

/// A compiler for the stages: rustup's target, or Debian's compiler with its library's source.
pub(crate) fn stage_compiler() -> Result<(), Failure> {
    if rustup_target_installed() || debian_compiler_installed() {
        return Ok(());
    }
    step("installing a compiler for the stages", || {
        if run("rustup", &["target", "add", TARGET]).is_ok() && rustup_target_installed() {
            return Ok(());
        }
        eprintln!("rustup has no {TARGET} for this toolchain here; trying Debian's compiler");
        install_debian_packages(
            DEBIAN_COMPILER,
            "the stages need a compiler for WebAssembly; `rustup target add wasm32-unknown-unknown` failed",
        )
    })
}

fn rustup_target_installed() -> bool {
    output("rustc", &["--print", "target-libdir", "--target", TARGET])
        .is_some_and(|folder| Path::new(&folder).is_dir())
}

fn debian_compiler_installed() -> bool {
    output("/usr/bin/rustc", &["--print", "sysroot"]).is_some_and(|sysroot| {
        Path::new(&sysroot)
            .join("lib/rustlib/src/rust/library/std/Cargo.toml")
            .exists()
    })
}

/// The Python that the tests compare with; installs the pinned packages if they changed.
/// Returns the path of the interpreter.
pub(crate) fn python() -> Result<String, Failure> {
    python_with("target/venv", "tests/python/requirements.txt")
}

/// The Python with Feast, whose dependencies are of other versions than what the tests compare with.
/// Returns the path of the interpreter.
pub(crate) fn feast() -> Result<String, Failure> {
    python_with("target/venv-feast", "tests/python/feast-requirements.txt")
}

fn python_with(venv: &str, requirements: &str) -> Result<String, Failure> {
    let venv = repository().join(venv);
    let wanted = repository().join(requirements);
    let installed = venv.join("installed.txt");
    let python = venv.join("bin/python").to_string_lossy().into_owned();
    let wanted_text = read(&wanted)?;
    if fs::read(&installed).is_ok_and(|text| text == wanted_text) {
        return Ok(python);
    }
    step(
        "installing the Python packages that the tests compare with",
        || {
            create_venv(&venv.to_string_lossy())?;
            let requirements = wanted.to_string_lossy();
            run(
                &python,
                &[
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "-r",
                    &requirements,
                ],
            )?;
            fs::write(&installed, &wanted_text).map_err(|error| {
                Failure::new(format!("cannot write {}: {error}", installed.display()))
            })
        },
    )?;
    Ok(python)
}

fn create_venv(folder: &str) -> Result<(), Failure> {
    // Debian ships Python without the module that puts pip into a venv.
    if output("python3", &["-c", "import ensurepip, venv"]).is_none() {
        let problem = "the tests compare with XGBoost, which needs Python 3 with venv";
        install_debian_packages(&["python3-venv"], problem)?;
    }
    run("python3", &["-m", "venv", "--clear", folder])
}

/// The server that the tests of the feature store start, each its own.
pub(crate) fn redis() -> Result<(), Failure> {
    if output("redis-server", &["--version"]).is_some() {
        return Ok(());
    }
    step("installing Redis", || {
        let problem = "the tests keep features in a Redis, which needs redis-server";
        install_debian_packages(&["redis-server"], problem)
    })
}

/// The browser that walks through the pages, and what leads it: Chromium, Node, and two packages of npm.
pub(crate) fn browser() -> Result<(), Failure> {
    let problem = "the tests walk through the pages, which needs";
    if output("chromium", &["--version"]).is_none() {
        step("installing Chromium", || {
            install_debian_packages(&["chromium"], &format!("{problem} Chromium"))
        })?;
    }
    for (program, packages) in [("node", ["nodejs"]), ("npm", ["npm"])] {
        if output(program, &["--version"]).is_none() {
            step("installing Node", || {
                install_debian_packages(&packages, &format!("{problem} Node and npm"))
            })?;
        }
    }
    let folder = repository().join("target/browser");
    let wanted = repository().join("tests/web/package.json");
    let installed = folder.join("installed.json");
    let wanted_text = read(&wanted)?;
    if fs::read(&installed).is_ok_and(|text| text == wanted_text) {
        return Ok(());
    }
    step("installing what leads the browser", || {
        let cannot = |error| Failure::new(format!("cannot write {}: {error}", folder.display()));
        fs::create_dir_all(&folder).map_err(cannot)?;
        fs::write(folder.join("package.json"), &wanted_text).map_err(cannot)?;
        let prefix = folder.to_string_lossy();
        let quiet = [
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--no-package-lock",
        ];
        run(
            "npm",
            &[&["install", "--prefix", &prefix], &quiet[..]].concat(),
        )?;
        fs::write(&installed, &wanted_text).map_err(cannot)
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
}

/// Installs packages if this is root on Debian; else the failure is `problem` and the command.
fn install_debian_packages(packages: &[&str], problem: &str) -> Result<(), Failure> {
    let install = ["install", "-y", "--no-install-recommends"];
    let by_hand = format!(
        "{problem}; type `sudo apt-get {} {}`",
        install.join(" "),
        packages.join(" ")
    );
    let is_root = output("id", &["-u"]).as_deref() == Some("0");
    if !is_root || output("apt-get", &["--version"]).is_none() {
        return Err(Failure(by_hand));
    }
    run("apt-get", &["update", "-qq"])?;
    run("apt-get", &[&install[..], packages].concat()).map_err(|_| Failure(by_hand))
}
