//! Trains and predicts natively on CSV files, to compare with XGBoost itself.
//!
//! ```text
//! train_csv train PARAMS.json TRAIN.csv MODEL [VALIDATION.csv]
//! train_csv predict MODEL ROWS.csv
//! train_csv explain MODEL ROWS.csv
//! train_csv convert MODEL TO
//! ```
//!
//! CSV files have a header. The column `label` is learned, `weight` weighs, `group` says what belongs
//! together, all others are features; an empty cell is a missing value. A model whose name ends in
//! `.ubj` is binary, any other JSON. `predict` prints the margins and then the predictions of each
//! row, `explain` what each feature adds to each margin, with as many digits as bring the float32
//! back. `convert` writes a file that XGBoost 1.7 reads as well.

mod csv;

use std::{fs, io::Write};

use csv::{Result, read_csv};
use gbdt::{Explainer, Forest, Format, Model, Objective, Params, train};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["train", params, rows, model] => train_model(params, rows, model, None),
        ["train", params, rows, model, validation] => {
            train_model(params, rows, model, Some(validation))
        }
        ["predict", model, rows] => predict(model, rows),
        ["explain", model, rows] => explain(model, rows),
        ["convert", model, to] => {
            let model = Model::read(&fs::read(model)?)?.portable();
            Ok(fs::write(to, model.write(format_of(to)))?)
        }
        _ => Err("usage: train_csv train PARAMS.json TRAIN.csv MODEL [VALIDATION.csv] | predict MODEL ROWS.csv \
                  | explain MODEL ROWS.csv | convert MODEL TO"
            .into()),
    }
}

fn format_of(path: &str) -> Format {
    if path.ends_with(".ubj") {
        Format::Ubj
    } else {
        Format::Json
    }
}

fn train_model(params: &str, rows: &str, model: &str, validation: Option<&str>) -> Result<()> {
    let params: Params = trueline_sdk::parse_params(&fs::read_to_string(params)?)?;
    let (names, rows) = read_csv(rows)?;
    let checked = params
        .check(Objective::SquaredError)?
        .with_features(&params, &names)?;
    let validation = validation.map(read_csv).transpose()?.map(|(_, rows)| rows);
    let started = std::time::Instant::now();
    let mut trained = train(
        &checked,
        rows,
        validation.as_ref(),
        &mut |round, metrics| {
            let metrics: Vec<_> = metrics
                .iter()
                .map(|measured| format!("{} {}", measured.name, measured.value))
                .collect();
            let _ = writeln!(std::io::stderr(), "[{round}] {}", metrics.join(" "));
            true
        },
    )?;
    writeln!(std::io::stderr(), "trained in {:?}", started.elapsed())?;
    trained.model.feature_names = names;
    fs::write(model, trained.model.write(format_of(model)))?;
    Ok(())
}

fn predict(model: &str, rows: &str) -> Result<()> {
    let model = Model::read(&fs::read(model)?)?;
    let (_, rows) = read_csv(rows)?;
    let outputs = model.loss.output_count();
    let forest = Forest::new(&model.trees, outputs);
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let started = std::time::Instant::now();
    for block in rows.blocks() {
        let mut margins = model.start().repeat(block.len() / rows.feature_count());
        forest.add_margins(block, rows.feature_count(), &mut margins);
        let mut predictions = margins.clone();
        model.loss.predict(&mut predictions);
        for (margins, predictions) in margins.chunks(outputs).zip(predictions.chunks(outputs)) {
            write_row(&mut out, margins.iter().chain(predictions))?;
        }
    }
    writeln!(std::io::stderr(), "predicted in {:?}", started.elapsed())?;
    Ok(())
}

fn explain(model: &str, rows: &str) -> Result<()> {
    let model = Model::read(&fs::read(model)?)?;
    let (_, rows) = read_csv(rows)?;
    let explainer = Explainer::new(&model);
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let mut contributions = vec![0.0; explainer.width()];
    for row in rows
        .blocks()
        .flat_map(|block| block.chunks(rows.feature_count()))
    {
        explainer.explain(row, &mut contributions);
        write_row(&mut out, contributions.iter())?;
    }
    Ok(())
}

fn write_row<'a>(out: &mut impl Write, values: impl Iterator<Item = &'a f32>) -> Result<()> {
    let values: Vec<String> = values.map(|value| format!("{value:e}")).collect();
    writeln!(out, "{}", values.join(" "))?;
    Ok(())
}
