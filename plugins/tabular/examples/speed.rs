//! How fast the map is, natively: `cargo run --release -p tabular --example speed`.
//!
//! A batch of 65,536 rows and a single row go through a pipeline of ten number columns and one text
//! column, as the component's exported functions would take them.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::time::{Duration, Instant};

use tabular::Tabular;
use trueline_sdk::testing::{Table, describe};
use trueline_sdk::{Input, Reduction, Result, Stage, glue};

const ROWS: usize = 65_536;

fn main() -> Result<()> {
    let columns: Vec<String> = (0..10).map(|column| format!("\"x{column}\"")).collect();
    let columns = columns.join(", ");
    let scale = format!(r#"{{"op": "standard-scale", "columns": [{columns}]}}"#);
    let assemble = r#"{"op": "assemble", "into": "features"}"#;
    for (name, steps) in [
        ("standard-scale", scale.clone()),
        ("standard-scale, assemble", format!("{scale}, {assemble}")),
        (
            "log1p, assemble",
            format!(r#"{{"op": "log1p", "columns": [{columns}]}}, {assemble}"#),
        ),
        (
            "impute, standard-scale, one-hot, assemble",
            format!(
                r#"{{"op": "impute", "columns": [{columns}], "with": "median"}}, {scale},
                   {{"op": "one-hot", "columns": "carrier"}}, {assemble}"#
            ),
        ),
    ] {
        measure(name, &format!(r#"{{"steps": [{steps}]}}"#))?;
    }
    Ok(())
}

fn measure(name: &str, params: &str) -> Result<()> {
    let table = table(ROWS);
    let signature = describe::<Tabular>(params, &[("rows", &table)], Some(&table))?;
    let (state, fitted) = match signature.reduction {
        Some(reduction) => fit(params, &table, &reduction)?,
        None => (Vec::new(), Duration::ZERO),
    };
    let rows = match signature.mapping {
        Some(mapping) => table.select(&mapping.reads)?,
        None => table,
    };
    let schema = rows.schema().clone();
    let loaded = glue::Mapping::<<Tabular as Stage>::Map>::load(params, schema, state)?;
    let (batch, row) = (rows.frame(), rows.take(&[0]).frame());
    let of_batch = fastest(20, || loaded.map(&batch))?;
    let of_row = fastest(20_000, || loaded.map(&row))?;
    println!(
        "{name}: {:.1} ns a row in a batch, {of_row:?} a single row; learned in {:.1} ns a row",
        of_batch.as_secs_f64() * 1e9 / ROWS as f64,
        fitted.as_secs_f64() * 1e9 / ROWS as f64,
    );
    Ok(())
}

/// The state, and how long all passes took.
fn fit(params: &str, table: &Table, reduction: &Reduction) -> Result<(Vec<u8>, Duration)> {
    let rows = table.select(&reduction.reads[0])?;
    let frame = rows.frame();
    let mut state = Vec::new();
    let start = Instant::now();
    for pass in 0..reduction.passes {
        let inputs = vec![Input {
            name: Input::ROWS.into(),
            schema: rows.schema().clone(),
        }];
        let mut reducing =
            glue::Reducing::<<Tabular as Stage>::Reduce>::begin(params, inputs, pass, &state)?;
        reducing.update(0, &frame)?;
        state = reducing.finish()?.state;
    }
    Ok((state, start.elapsed()))
}

fn fastest(times: usize, mut call: impl FnMut() -> Result<Vec<u8>>) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..times {
        let start = Instant::now();
        std::hint::black_box(call()?);
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn table(rows: usize) -> Table {
    let number =
        |row: usize, column: usize| ((row * 7919 + column * 104_729) % 10_007) as f64 / 13.0;
    let carriers = [
        "9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX",
    ];
    let numbers = |table: Table, column| {
        table.with_column(
            &format!("x{column}"),
            (0..rows).map(|row| number(row, column)),
        )
    };
    let table = (0..10).fold(Table::new(), numbers);
    table.with_column(
        "carrier",
        (0..rows).map(|row| carriers[row * 31 % carriers.len()]),
    )
}
