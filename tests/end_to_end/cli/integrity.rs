//! What is stored is found again as it was, or named as changed; a home that cannot be written to is
//! told, and left as it was.

use std::fs;
use std::path::{Path, PathBuf};

use crate::trips;

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn a_changed_byte_in_a_stored_blob_is_found_and_named() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    let shown = project
        .trueline("package show trips --json")
        .exits(0)
        .json()
        .to_string();
    let parts: Vec<PathBuf> = files(&project.path(".trueline"))
        .into_iter()
        .filter(|file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            // A blob is called by its digest, and these are what the package consists of.
            name.len() >= 60 && shown.contains(name)
        })
        .collect();
    assert!(
        !parts.is_empty(),
        "no part of the package is large enough to be a file"
    );
    for part in parts {
        let good = fs::read(&part).unwrap();
        let mut changed = good.clone();
        changed[good.len() / 3] ^= 4;
        let writable = |path: &Path| {
            // A store may protect its files; whoever breaks one would do this, too.
            let mut permissions = fs::metadata(path).unwrap().permissions();
            #[expect(
                clippy::permissions_set_readonly_false,
                reason = "a file of this test's own"
            )]
            permissions.set_readonly(false);
            fs::set_permissions(path, permissions).unwrap();
        };
        writable(&part);
        fs::write(&part, &changed).unwrap();
        let digest = &part.file_name().unwrap().to_str().unwrap()[..12];
        project
            .trueline("predict trips --input trips.csv")
            .exits(1)
            .says(&[digest]);
        project.trueline("verify trips").exits(1).says(&[digest]);
        fs::write(&part, &good).unwrap();
    }
    project.trueline("predict trips --input trips.csv").exits(0);
}

#[test]
fn a_changed_byte_in_a_package_file_is_found_and_named() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    project
        .trueline("package export trips it.trueline")
        .exits(0);
    let mut bytes = fs::read(project.path("it.trueline")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    project.write("it.trueline", bytes);
    let predict = "predict it.trueline --input trips.csv";
    project
        .trueline(predict)
        .exits(1)
        .says(&["it.trueline", "were changed"]);
}

#[test]
fn a_home_that_cannot_be_made_is_told() {
    let project = trips::project();
    project.write("home", "a file, not a folder");
    let answer = project
        .trueline("run trips.toml --home home")
        .exits(1)
        .says(&["home"]);
    assert!(answer.stderr.starts_with("error: "), "{answer}");
    assert_eq!(
        fs::read_to_string(project.path("home")).unwrap(),
        "a file, not a folder"
    );
    // No file can be made here, whoever asks.
    if Path::new("/proc/self").exists() {
        project
            .trueline("run trips.toml --home /proc/trueline")
            .exits(1)
            .says(&["/proc/trueline"]);
    }
}

#[cfg(unix)]
#[test]
fn a_read_only_home_is_told_and_nothing_is_half_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = trips::project();
    let home = project.path("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(home.join("probe"), "").is_ok() {
        // Nothing is read-only for root.
        return;
    }
    project
        .trueline("run trips.toml --home home")
        .exits(1)
        .says(&["home", "hint: "]);
    assert_eq!(files(&home), Vec::<PathBuf>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    use std::process::{Command, Stdio};
    let project = trips::project();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_trueline"))
        .args(["plugin", "list"])
        .current_dir(project.path(""))
        .stdout(Stdio::from(full))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot write to standard output"), "{said}");
}
