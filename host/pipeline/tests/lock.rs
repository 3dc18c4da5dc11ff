//! Which component a name stands for, before and after there is a lock file.
#![allow(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::borrow::Cow;
use std::path::Path;

use tempfile::TempDir;
use trueline_pipeline::{Diagnostics, LOCK_FILE, Lock, Plan, Plugins, check, check_unlocked};
use trueline_runtime::{Backend, Runtime};
use trueline_table::Digest;

/// A Trueline whose `validate` is one of two components, and perhaps a store that has the other.
struct Build {
    validate: &'static [u8],
    stored: Option<&'static [u8]>,
}

impl Plugins for Build {
    fn find(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        (name == "validate").then_some(Cow::Borrowed(self.validate))
    }

    fn names(&self) -> Vec<String> {
        vec!["validate".to_owned()]
    }

    fn by_digest(&self, digest: Digest) -> Option<Cow<'static, [u8]>> {
        self.stored
            .filter(|bytes| Digest::of(bytes) == digest)
            .map(Cow::Borrowed)
    }
}

struct Fixture {
    folder: TempDir,
    runtime: Runtime,
    old: Build,
    new: Build,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("trips.csv"),
            "late,prediction\ntrue,0.5\n",
        )
        .unwrap();
        let pipeline = "
            [pipeline]
            name = 'p'
            [dataset.trips]
            path = 'trips.csv'
            label = { name = 'late' }
            [stage.look]
            use = 'validate'
            in = 'trips'
        ";
        std::fs::write(folder.path().join("pipeline.toml"), pipeline).unwrap();
        let bytes = |name| trueline_stages::find(name).unwrap().bytes();
        let code = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code");
        Self {
            folder,
            runtime: Runtime::new(Backend::default(), Some(code)).unwrap(),
            old: Build {
                validate: bytes("expect"),
                stored: None,
            },
            new: Build {
                validate: bytes("metrics"),
                stored: None,
            },
        }
    }

    fn check(&self, build: &Build) -> Result<Plan, Diagnostics> {
        check(
            &self.folder.path().join("pipeline.toml"),
            &self.runtime,
            build,
        )
    }
}

#[test]
fn the_first_plan_is_pinned() {
    let fixture = Fixture::new();
    let plan = fixture.check(&fixture.old).unwrap();
    assert_eq!(plan.plugins["validate"], Digest::of(fixture.old.validate));
    assert!(Lock::pin(&plan).unwrap() && !Lock::pin(&plan).unwrap());
    assert_eq!(Lock::read(&plan.file).unwrap(), Lock::of(&plan));
    assert!(fixture.check(&fixture.old).unwrap().notes.is_empty());
}

#[test]
fn another_build_takes_the_locked_component_or_says_what_to_do() {
    let fixture = Fixture::new();
    Lock::pin(&fixture.check(&fixture.old).unwrap()).unwrap();

    let error = fixture.check(&fixture.new).unwrap_err().to_string();
    let (old, new) = (
        Digest::of(fixture.old.validate).short(),
        Digest::of(fixture.new.validate).short(),
    );
    assert!(
        error.contains(&format!(
            "`validate` is locked to the component {old}, and this one is {new}"
        )),
        "{error}"
    );
    assert!(
        error.contains("hint: `trueline run --update-lock ") && error.contains("pipeline.toml`"),
        "{error}"
    );

    let with_store = Build {
        stored: Some(fixture.old.validate),
        ..fixture.new
    };
    let plan = fixture.check(&with_store).unwrap();
    assert_eq!(plan.plugins["validate"], Digest::of(fixture.old.validate));
    assert_eq!(plan.notes.len(), 1, "{:?}", plan.notes);

    let plan = check_unlocked(
        &fixture.folder.path().join("pipeline.toml"),
        &std::collections::BTreeMap::new(),
        &fixture.runtime,
        &with_store,
    )
    .unwrap();
    assert_eq!(plan.plugins["validate"], Digest::of(with_store.validate));
    assert!(Lock::pin(&plan).unwrap());
    assert_eq!(Lock::read(&plan.file).unwrap(), Lock::of(&plan));
}

#[test]
fn a_broken_lock_file_is_named() {
    let fixture = Fixture::new();
    std::fs::write(fixture.folder.path().join(LOCK_FILE), "<<<<<<< HEAD").unwrap();
    let error = fixture.check(&fixture.old).unwrap_err().to_string();
    assert!(
        error.contains("not a lock file") && error.contains(LOCK_FILE),
        "{error}"
    );
}

#[test]
fn a_component_of_ones_own_is_not_locked() {
    let fixture = Fixture::new();
    let path = fixture.folder.path().join("pipeline.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("'validate'", "'./mine.wasm'");
    std::fs::write(&path, text).unwrap();
    let error = fixture.check(&fixture.old).unwrap_err().to_string();
    assert!(
        error.contains("mine.wasm` cannot be read") && error.contains("trueline plugin build"),
        "{error}"
    );
    for bytes in [fixture.old.validate, fixture.new.validate] {
        std::fs::write(fixture.folder.path().join("mine.wasm"), bytes).unwrap();
        let plan = fixture.check(&fixture.old).unwrap();
        assert!(plan.plugins.is_empty() && !Lock::pin(&plan).unwrap());
    }
    std::fs::write(fixture.folder.path().join("mine.wasm"), "no component").unwrap();
    let error = fixture.check(&fixture.old).unwrap_err().to_string();
    assert!(
        error.contains("`./mine.wasm` cannot be used: not a component"),
        "{error}"
    );
}
