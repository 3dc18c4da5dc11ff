//! Trains and predicts natively on CSV files, to compare with XGBoost itself.
//!
//! ```text
//! train_csv train PARAMS.json TRAIN.csv MODEL.json [VALIDATION.csv]
//! train_csv predict MODEL.json ROWS.csv
//! ```
//!
//! CSV files have a header. The column `label` is learned, `weight` weighs, all others are features;
//! an empty cell is a missing value. `predict` prints margin and prediction of each row, with as many
//! digits as bring the float32 back.

mod csv;

use std::{fs, io::Write};

use csv::{Result, read_csv};
use gbdt::{Forest, Model, Objective, Params, train};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["train", params, rows, model] => train_model(params, rows, model, None),
        ["train", params, rows, model, validation] => train_model(params, rows, model, Some(validation)),
        ["predict", model, rows] => predict(model, rows),
        _ => Err("usage: train_csv train PARAMS.json TRAIN.csv MODEL.json [VALIDATION.csv] | predict MODEL.json ROWS.csv".into()),
    }
}

fn train_model(params: &str, rows: &str, model: &str, validation: Option<&str>) -> Result<()> {
    let params: Params = trueline_sdk::parse_params(&fs::read_to_string(params)?)?;
    let params = params.check(Objective::SquaredError)?;
    let (names, rows) = read_csv(rows)?;
    let validation = validation.map(read_csv).transpose()?.map(|(_, rows)| rows);
    let started = std::time::Instant::now();
    let mut trained = train(&params, rows, validation.as_ref(), &mut |round, metrics| {
        let metrics: Vec<_> = metrics
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        let _ = writeln!(std::io::stderr(), "[{round}] {}", metrics.join(" "));
        true
    })?;
    writeln!(std::io::stderr(), "trained in {:?}", started.elapsed())?;
    trained.model.feature_names = names;
    fs::write(model, trained.model.write())?;
    Ok(())
}

fn predict(model: &str, rows: &str) -> Result<()> {
    let model = Model::read(&fs::read(model)?)?;
    let (_, rows) = read_csv(rows)?;
    let forest = Forest::new(&model.trees);
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let started = std::time::Instant::now();
    for block in rows.blocks() {
        let mut margins =
            vec![model.objective.margin(model.base_score); block.len() / rows.feature_count()];
        forest.add_margins(block, rows.feature_count(), &mut margins);
        for margin in margins {
            writeln!(out, "{margin:e} {:e}", model.objective.predict(margin))?;
        }
    }
    writeln!(std::io::stderr(), "predicted in {:?}", started.elapsed())?;
    Ok(())
}
