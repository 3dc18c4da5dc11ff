//! Compiled code on disk is trusted only as long as nobody touched it.

use std::fs;
use std::path::{Path, PathBuf};

use trueline_runtime::{Backend, Limits, Runtime, World};
use trueline_tests::guests;

use crate::stage::Hostile;

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
fn changed_code_is_compiled_again_and_not_run() {
    let home = tempfile::tempdir().unwrap();
    let runtime = Runtime::new(Backend::Cranelift, Some(home.path().join("code"))).unwrap();
    let admit = || {
        let stage = runtime.admit(guests::hostile()).unwrap();
        assert_eq!(stage.world(), World::Transform);
        let signature = stage.describe("{}", &[], None).unwrap();
        assert!(signature.mapping.is_none());
    };
    admit();
    let cached = files(home.path());
    let [file] = cached.as_slice() else {
        panic!("one component, {} files", cached.len());
    };
    let good = fs::read(file).unwrap();
    let length = good.len();

    let changed_at = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let tampered = [
        changed_at(0),
        changed_at(40),
        changed_at(length / 2),
        changed_at(length - 1),
        good[..length / 2].to_vec(),
        good[..10].to_vec(),
        Vec::new(),
    ];
    for bytes in tampered {
        fs::write(file, &bytes).unwrap();
        admit();
        // Compiling is deterministic, so what was mended is what was there.
        assert!(fs::read(file).unwrap() == good);
    }
}

#[test]
fn code_of_another_back_end_is_kept_apart() {
    let home = tempfile::tempdir().unwrap();
    for backend in [Backend::Cranelift, Backend::Pulley] {
        let runtime = Runtime::new(backend, Some(home.path().to_owned())).unwrap();
        runtime.admit(guests::hostile()).unwrap();
    }
    assert_eq!(files(home.path()).len(), 2);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_or_write_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let runtime = Runtime::new(Backend::Cranelift, Some(home.path().join("code"))).unwrap();
    runtime.admit(guests::hostile()).unwrap();
    for file in files(home.path()) {
        let folder = file.parent().unwrap();
        for path in [&file, folder] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_costs_only_time() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("code");
    fs::write(&file, "not a folder").unwrap();
    let runtime = Runtime::new(Backend::Cranelift, Some(file)).unwrap();
    runtime.admit(guests::hostile()).unwrap();
}

#[test]
fn a_changed_bake_is_baked_again() {
    let home = tempfile::tempdir().unwrap();
    let runtime = Runtime::new(Backend::Cranelift, Some(home.path().join("code"))).unwrap();
    let hostile = Hostile(r#"{"mode": "count"}"#);
    let bound = hostile.bound().unwrap();
    let bake = || {
        let baked = runtime.bake(
            guests::hostile(),
            hostile.0,
            &bound,
            b"",
            &Limits::default(),
        );
        let (baked, bytes) = baked.unwrap();
        (baked.writes().clone(), baked.digest(), bytes)
    };
    let first = bake();
    let kept = files(home.path());
    let kept = kept
        .iter()
        .find(|file| {
            file.extension()
                .is_some_and(|extension| extension == "baked")
        })
        .unwrap();
    let good = fs::read(kept).unwrap();
    let mut changed = good.clone();
    changed[good.len() / 2] ^= 1;
    for bytes in [changed, good[..20].to_vec(), good.clone()] {
        fs::write(kept, &bytes).unwrap();
        assert!(bake() == first);
        assert!(fs::read(kept).unwrap() == good);
    }
}
