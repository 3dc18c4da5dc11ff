//! Checks that the documents still say what is there. Tests only: `cargo xtask test` runs them.

use std::fs;
use std::path::Path;

use crate::repository;

const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "docs/pipeline-file.md",
    "docs/serving.md",
    "docs/tabular.md",
];

/// A file whose text, up to its tests and without its front page, README.md shows.
const SHOWN: &str = "examples/first-stage/src/lib.rs";

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn links_lead_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = repository().join(document);
        let folder = folder.parent().unwrap_or(Path::new(""));
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("http")) {
            let file = target.split('#').next().unwrap_or(target);
            assert!(folder.join(file).exists(), "{document} links to {target}");
        }
    }
}

#[test]
fn the_readme_shows_the_first_stage_as_it_is() {
    let stage = read(SHOWN);
    let tests = stage.find("#[cfg(test)]").unwrap_or(stage.len());
    let code = &stage[stage.find("use ").unwrap_or(0)..tests];
    assert!(
        read("README.md").contains(code.trim_end()),
        "copy {SHOWN} into README.md"
    );
}

#[test]
fn the_readme_shows_the_lines_of_the_pipeline_of_the_first_stage() {
    let pipeline = read("examples/first-stage/pipeline.toml");
    let section = pipeline
        .split("\n\n")
        .find(|section| section.starts_with("[stage.clip]"));
    assert!(section.is_some_and(|section| read("README.md").contains(section)));
}
