//! Pipeline files: each `x.toml` in `tests/files` has an `x.json`, its plan, or an `x.err`, what is
//! said about it. `UPDATE_EXPECTED=1` writes them anew.
#![allow(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use trueline_pipeline::{Plugins, check};
use trueline_runtime::{Backend, Runtime};

struct Standard;

impl Plugins for Standard {
    fn find(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        trueline_stages::find(name).map(|stage| Cow::Borrowed(stage.bytes()))
    }

    fn names(&self) -> Vec<String> {
        trueline_stages::standard()
            .iter()
            .map(|stage| stage.name.to_owned())
            .collect()
    }
}

fn runtime() -> Runtime {
    let code = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code");
    Runtime::new(Backend::default(), Some(code)).unwrap()
}

#[test]
fn files_are_planned_or_explained() {
    let runtime = runtime();
    let mut files: Vec<PathBuf> = std::fs::read_dir("tests/files")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let (extension, text) = match check(file, &runtime, &Standard) {
            Ok(plan) => (
                "json",
                without_digests(&serde_json::to_string_pretty(&plan).unwrap()),
            ),
            Err(diagnostics) => ("err", diagnostics.to_string()),
        };
        let (path, text) = (file.with_extension(extension), text + "\n");
        let other = file.with_extension(if extension == "err" { "json" } else { "err" });
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&path, text).unwrap();
            let _ = std::fs::remove_file(other);
        } else if other.exists() || std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            wrong.push(format!("{} should now be:\n{text}", path.display()));
        }
    }
    assert!(files.len() > 9, "{files:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Components differ from one compiler to the next.
fn without_digests(json: &str) -> String {
    let mut pieces = json.split("sha256:");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + "sha256:…" + &piece[64..])
}

/// The examples must plan on whatever machine, so only that they do is looked at.
#[test]
fn examples_are_planned() {
    let runtime = runtime();
    for name in ["pipeline", "rolling", "strict"] {
        let file = Path::new("../../examples/flights")
            .join(name)
            .with_extension("toml");
        let plan = check(&file, &runtime, &Standard);
        let plan = plan.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        assert_eq!(plan.package.unwrap().pipe.dataset, "flights");
        assert_eq!(plan.notes, Vec::<String>::new());
    }
}
