//! Every input of the fuzzers' corpora, through the parser that it is for. `fuzz/` runs the same functions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use trueline_table::Schema;

mod parsers;
#[path = "../../../../fuzz/schema.rs"]
mod schema;

type Parser = fn(&Schema, &[u8]);

#[test]
fn every_input_is_rows_or_an_error() {
    let parsers: [(&str, Parser); 4] = [
        ("native", parsers::native),
        ("csv", parsers::csv),
        ("invocations", parsers::invocations),
        ("oip", parsers::oip),
    ];
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, parser) in parsers {
        let inputs = inputs(&corpora.join(name));
        assert!(inputs.len() > 3, "{name} has {} inputs", inputs.len());
        for input in inputs {
            eprintln!("{}", input.display());
            let bytes = fs::read(&input).unwrap();
            parser(&schema::schema(), &bytes);
            // What is cut anywhere is what a client that vanishes sends.
            for length in 0..bytes.len().min(400) {
                parser(&schema::schema(), &bytes[..length]);
            }
        }
    }
}

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut inputs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}
