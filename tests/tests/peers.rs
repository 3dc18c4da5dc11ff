//! The standard stages beside scikit-learn and pandas: a Python script makes tables and says what is to
//! come of them, and each stage is run on them as the component that ships.
//!
//! It needs the Python environment of `cargo xtask setup`, which `cargo xtask test` makes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value as Json;
use trueline_runtime::table::arrow::array::RecordBatch;
use trueline_runtime::{Backend, Bound, Input, Limits, Outcome, Reading, Runtime, Stage};
use trueline_sdk::testing::{Cell, Table};
use trueline_sdk::{DataType, Field, Role};
use trueline_tests::{repository, rows};

/// What `tests/python/peers/case.py` writes.
#[derive(Deserialize)]
struct Case {
    name: String,
    columns: Columns,
    params: Json,
    /// Relative to the larger of what is expected and 1.
    tolerance: f64,
    metrics: BTreeMap<String, Json>,
    report: BTreeMap<String, Json>,
    /// What is mapped; none for what was learned from.
    rows: Option<Columns>,
    mapped: BTreeMap<String, Json>,
}

type Columns = serde_json::Map<String, Json>;

#[test]
fn steps_are_those_of_scikit_learn_and_pandas() {
    check("tabular");
}

#[test]
fn linear_models_are_those_of_scikit_learn() {
    check("linear");
}

#[test]
fn metrics_are_those_of_scikit_learn() {
    check("metrics");
}

#[test]
fn expectations_count_as_pandas() {
    check("expect");
}

#[test]
fn profiles_are_those_of_pandas() {
    check("profile");
}

fn check(name: &str) {
    let runtime = Runtime::new(Backend::Cranelift, None).unwrap();
    let stage = trueline_stages::find(name).unwrap();
    let stage = runtime.admit(stage.bytes()).unwrap();
    let cases = cases(name);
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for case in &cases {
        let failures = case.run(&stage);
        wrong.extend(
            failures
                .into_iter()
                .map(|failure| format!("{}: {failure}", case.name)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn cases(stage: &str) -> Vec<Case> {
    let python = repository().join("target/venv/bin/python");
    assert!(
        python.exists(),
        "there is no {}; type `cargo xtask setup`",
        python.display()
    );
    let output = Command::new(python)
        .current_dir(repository().join("tests/python"))
        // Everything is small, and other tests run beside.
        .env("OMP_NUM_THREADS", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", "peers", stage])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Case {
    /// What is not as expected, a line each.
    fn run(&self, stage: &Stage) -> Vec<String> {
        let params = self.params.to_string();
        let table = table(&self.columns);
        let input = Input::rows(rows::schema(table.schema()));
        let learned = Some(&self.columns).filter(|_| !self.mapped.is_empty());
        let to_map = self.rows.as_ref().or(learned).map(self::table);
        let schema = to_map.as_ref().map(|rows| rows::schema(rows.schema()));
        let signature = match stage.describe(&params, std::slice::from_ref(&input), schema.as_ref())
        {
            Ok(signature) => signature,
            Err(error) => return vec![error.to_string()],
        };
        let mut outcome = Outcome::default();
        // What learns nothing only maps.
        if let Some(reduction) = signature.reduction {
            let reading =
                Reading::new(reduction.reads[0].iter().map(String::as_str), &input.schema);
            let reading = reading.unwrap();
            let input = Input::rows(reading.schema().clone());
            let batch = reading.select(&rows::batch(&table), 0).unwrap();
            for pass in 0..reduction.passes {
                outcome = match reduce(stage, &params, &input, pass, &outcome.state, &batch) {
                    Ok(outcome) => outcome,
                    Err(error) => return vec![error.to_string()],
                };
            }
        }
        let mut wrong = self.compare_outcome(&outcome);
        if let (Some(mapping), Some(to_map)) = (&signature.mapping, &to_map) {
            let bound = Bound::new(mapping, schema.as_ref().unwrap()).unwrap();
            let mut mapper = stage
                .map(&params, &bound, &outcome.state, &Limits::default())
                .unwrap();
            match mapper.map(&project(to_map, &mapping.reads)) {
                Ok(mapped) => wrong.extend(self.compare_mapped(&mapped, mapper.writes())),
                Err(error) => wrong.push(error.to_string()),
            }
        }
        wrong
    }

    fn compare_outcome(&self, outcome: &Outcome) -> Vec<String> {
        let metrics: BTreeMap<&str, f64> = outcome
            .metrics
            .iter()
            .map(|metric| (metric.name.as_str(), metric.value))
            .collect();
        let of_metrics = self.metrics.iter().filter_map(|(name, expected)| {
            let found = metrics
                .get(name.as_str())
                .map_or(Json::Null, |value| Json::from(*value));
            self.compare(name, expected, &found)
        });
        let report: Json = outcome
            .report
            .as_ref()
            .map_or(Json::Null, |report| serde_json::from_str(report).unwrap());
        let of_report = self.report.iter().filter_map(|(pointer, expected)| {
            let found = report.pointer(pointer).unwrap_or(&Json::Null);
            self.compare(pointer, expected, found)
        });
        of_metrics.chain(of_report).collect()
    }

    fn compare_mapped(
        &self,
        mapped: &RecordBatch,
        writes: &trueline_runtime::table::Schema,
    ) -> Vec<String> {
        let frame = rows::bytes(mapped);
        let schema =
            trueline_sdk::Schema::new(writes.fields.iter().map(|field| {
                Field::new(&field.name, field.data_type.to_string().parse().unwrap())
            }));
        let mapped = Table::decode(&schema, &frame).unwrap();
        let mut wrong = Vec::new();
        for (name, expected) in &self.mapped {
            let expected = expected.as_array().unwrap();
            for (row, (expected, cell)) in expected.iter().zip(mapped.column(name)).enumerate() {
                let found = json(cell);
                wrong.extend(self.compare(&format!("{name} of row {row}"), expected, &found));
            }
        }
        wrong
    }

    fn compare(&self, what: &str, expected: &Json, found: &Json) -> Option<String> {
        let (number, tolerance) = match expected.as_array().map(Vec::as_slice) {
            // A pair has a tolerance of its own; a vector of two has none but numbers, as the other has.
            Some([number, tolerance]) if !found.is_array() => {
                (number.as_f64(), tolerance.as_f64().unwrap())
            }
            Some(elements) => {
                let found = found.as_array()?;
                let pairs = elements.iter().zip(found);
                let mut wrong =
                    pairs.filter_map(|(expected, found)| self.compare(what, expected, found));
                return wrong.next();
            }
            None => {
                let number = expected.as_f64();
                (
                    number,
                    self.tolerance * number.unwrap_or_default().abs().max(1.0),
                )
            }
        };
        let is_close = match (number, found.as_f64()) {
            (Some(number), Some(found)) => (number - found).abs() <= tolerance,
            _ => expected == found || expected == "nan" && found.is_null(),
        };
        (!is_close).then(|| format!("{what} is {found}, expected {expected}"))
    }
}

fn reduce(
    stage: &Stage,
    params: &str,
    input: &Input,
    pass: u32,
    state: &[u8],
    batch: &RecordBatch,
) -> trueline_runtime::Result<Outcome> {
    let inputs = std::slice::from_ref(input);
    let mut reduction = stage.reduce(params, inputs, pass, state, &Limits::default(), None)?;
    reduction.update(0, batch)?;
    reduction.finish()
}

fn project(table: &Table, names: &[String]) -> RecordBatch {
    rows::batch(&table.select(names).unwrap())
}

fn table(columns: &Columns) -> Table {
    columns.iter().fold(Table::new(), |table, (name, column)| {
        let data_type: DataType = column["type"].as_str().unwrap().parse().unwrap();
        let mut field = Field::new(name, data_type);
        field.role = match column.get("role").and_then(Json::as_str) {
            Some("label") => Role::Label,
            Some("weight") => Role::Weight,
            _ => Role::Feature,
        };
        if let Some(elements) = column.get("elements") {
            field.elements = serde_json::from_value(elements.clone()).unwrap();
        }
        let values = column["values"].as_array().unwrap();
        table.with_field(field, values.iter().map(|value| cell(data_type, value)))
    })
}

fn number(value: &Json) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the script wrote values of these types"
)]
fn cell(data_type: DataType, value: &Json) -> Cell {
    let vector = || value.as_array().unwrap().iter().map(number);
    match data_type {
        _ if value.is_null() => Cell::Null,
        DataType::Boolean => Cell::Boolean(value.as_bool().unwrap()),
        DataType::Int32 | DataType::Date => Cell::Int32(value.as_i64().unwrap() as i32),
        DataType::Int64 | DataType::Timestamp => Cell::Int64(value.as_i64().unwrap()),
        DataType::Float32 => Cell::Float32(number(value) as f32),
        DataType::Float64 => Cell::Float64(number(value)),
        DataType::Utf8 => Cell::from(value.as_str().unwrap()),
        DataType::Binary => panic!("no case has bytes"),
        DataType::Float32List(_) => Cell::Vector32(vector().map(|value| value as f32).collect()),
        DataType::Float64List(_) => Cell::Vector64(vector().collect()),
    }
}

fn json(cell: &Cell) -> Json {
    match cell {
        Cell::Float32(value) => float(f64::from(*value)),
        Cell::Float64(value) => float(*value),
        Cell::Int32(value) => (*value).into(),
        Cell::Int64(value) => (*value).into(),
        Cell::Boolean(value) => (*value).into(),
        Cell::Text(value) => value.as_str().into(),
        Cell::Vector64(values) => values.iter().map(|value| float(*value)).collect(),
        Cell::Vector32(values) => values
            .iter()
            .map(|value| float(f64::from(*value)))
            .collect(),
        Cell::Null | Cell::Bytes(_) => Json::Null,
    }
}

/// Infinities as Python writes them.
fn float(value: f64) -> Json {
    if value.is_infinite() {
        Json::from(value.to_string())
    } else {
        value.into()
    }
}
