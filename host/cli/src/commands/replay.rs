//! `trueline replay LOG`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trueline_runtime::Loaded;
use trueline_table::{Digest, Schema, TableDigest, frame};
use trueline_wire::native;

use super::reference;
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What `trueline serve --record` wrote
    log: PathBuf,
    /// The package file to compute with [default: each line's own package, from the home]
    #[arg(long, value_name = "FILE")]
    package: Option<String>,
}

/// A line of the log.
#[derive(Deserialize)]
struct Line {
    package: Digest,
    input_digest: Digest,
    output_digest: Digest,
    input: Value,
    output: Value,
}

/// What came of computing a log again.
#[derive(Debug, Default, Serialize)]
struct Report {
    lines: usize,
    rows: usize,
    bits: u64,
    bits_differing: u64,
    /// Bits that differ, by column.
    columns: BTreeMap<String, u64>,
    /// The first lines that are not as they were, and why.
    differences: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Difference {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    bits: u64,
    cause: &'static str,
}

/// More differences than this tell nobody more.
const SHOWN: usize = 20;

const INPUT_CHANGED: &str = "the input is not what was recorded: the log was changed";
const OUTPUT_CHANGED: &str = "the answer is not what was recorded: the log was changed";
const COMPUTED: &str = "the package computes other bits now";

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let shown = arguments.log.display();
    let file = File::open(&arguments.log).with_context(|| format!("cannot read {shown}"))?;
    let mut by_package: BTreeMap<Digest, Vec<(usize, Line)>> = BTreeMap::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let number = index + 1;
        let line = line.with_context(|| format!("cannot read {shown}"))?;
        let line: Line = serde_json::from_str(&line).map_err(|error| {
            Problem::new(format!(
                "line {number} of {shown} is no line of a log: {error}"
            ))
        })?;
        by_package
            .entry(line.package)
            .or_default()
            .push((number, line));
    }
    let runtime = context.runtime(context.nearest_home().as_deref())?;
    let mut report = Report::default();
    for (digest, lines) in by_package {
        let named = digest.to_string();
        let reference = arguments.package.as_deref().unwrap_or(&named);
        let package = reference::find(reference, context)?.package;
        report.replay(&package.load(&runtime)?, &lines)?;
    }
    context.answer(&report, || view(&report))?;
    Ok(if report.differences.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

impl Report {
    /// Computes the rows of many lines as one batch, and compares line by line.
    fn replay(&mut self, model: &Loaded, lines: &[(usize, Line)]) -> anyhow::Result<()> {
        let mut read = Vec::new();
        for (number, line) in lines {
            let rows = rows(model.input(), &line.input, *number)?;
            let answers = rows_of_answer(model.output(), &line.output, *number)?;
            self.lines += 1;
            self.rows += rows.num_rows();
            let mut is_changed = false;
            let input: &Schema = model.input();
            for (schema, rows, recorded, cause) in [
                (input, &rows, line.input_digest, INPUT_CHANGED),
                (model.output(), &answers, line.output_digest, OUTPUT_CHANGED),
            ] {
                if digest(schema, rows)? != recorded {
                    is_changed = true;
                    self.tell(*number, None, 0, cause);
                }
            }
            // Of a line that was changed, nobody knows what it should give.
            if !is_changed {
                read.push((*number, rows, answers));
            }
        }
        let batches = read.iter().map(|(_, rows, _)| rows);
        let batch = concat_batches(&model.input().to_arrow(), batches)?;
        let computed = model.predict(&batch)?;
        let mut start = 0;
        for (number, rows, recorded) in read {
            let computed = computed.slice(start, rows.num_rows());
            start += rows.num_rows();
            self.compare(number, model.output(), &recorded, &computed)?;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        line: usize,
        schema: &Schema,
        recorded: &RecordBatch,
        computed: &RecordBatch,
    ) -> anyhow::Result<()> {
        for (index, field) in schema.fields.iter().enumerate() {
            let schema = Schema::new([field.clone()]);
            let frame = |rows: &RecordBatch| -> anyhow::Result<Vec<u8>> {
                let mut bytes = Vec::new();
                frame::encode(&schema, &rows.project(&[index])?, &mut bytes)?;
                Ok(bytes)
            };
            let (recorded, computed) = (frame(recorded)?, frame(computed)?);
            let differing = differing_bits(&recorded, &computed);
            self.bits += 8 * recorded.len() as u64;
            self.bits_differing += differing;
            *self.columns.entry(field.name.clone()).or_default() += differing;
            if differing > 0 {
                self.tell(line, Some(field.name.clone()), differing, COMPUTED);
            }
        }
        Ok(())
    }

    fn tell(&mut self, line: usize, column: Option<String>, bits: u64, cause: &'static str) {
        if self.differences.len() < SHOWN {
            self.differences.push(Difference {
                line,
                column,
                bits,
                cause,
            });
        }
    }
}

fn rows(schema: &Schema, value: &Value, line: usize) -> anyhow::Result<RecordBatch> {
    let read = native::read(schema, value.to_string().as_bytes());
    Ok(read
        .with_context(|| format!("line {line} holds no rows that the package reads"))?
        .1)
}

fn rows_of_answer(schema: &Schema, value: &Value, line: usize) -> anyhow::Result<RecordBatch> {
    native::read_answer(schema, value.to_string().as_bytes())
        .with_context(|| format!("line {line} holds no answer of the package"))
}

fn digest(schema: &Schema, rows: &RecordBatch) -> trueline_table::Result<Digest> {
    let mut digest = TableDigest::new(schema);
    digest.update(rows)?;
    digest.finish()
}

/// Bits that differ between two frames; what only one of them has counts in full.
fn differing_bits(left: &[u8], right: &[u8]) -> u64 {
    let pairs = left.iter().zip(right);
    let differing: u64 = pairs.map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
    differing + 8 * left.len().abs_diff(right.len()) as u64
}

fn view(report: &Report) -> String {
    let Report {
        lines,
        rows,
        bits,
        bits_differing,
        ..
    } = report;
    let mut text = format!(
        "{lines} requests of {rows} rows computed again in batch: {bits_differing} of {bits} bits differ\n"
    );
    for difference in &report.differences {
        let column = difference
            .column
            .as_ref()
            .map_or_else(String::new, |column| {
                format!(", column `{column}`, {} bits", difference.bits)
            });
        // Writing into a text does not fail.
        let _ = writeln!(
            text,
            "  line {}{column}: {}",
            difference.line, difference.cause
        );
    }
    text
}
