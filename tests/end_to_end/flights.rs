//! The proof on real data: `examples/flights` in empty homes, its gate, its bits, and the real XGBoost.
//!
//! It needs the Python environment of `cargo xtask setup`, which `cargo xtask test` makes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::borrow::Cow;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Field, Float32Type};
use serde_json::{Value as Json, json};
use trueline_dataset::{Part, ScanOptions};
use trueline_pipeline::Plugins;
use trueline_runtime::{
    Applied, Backend, Bound, Limits, Loaded, Manifest, Mapper, Package, Runtime,
};
use trueline_table::{Digest, Schema};
use trueline_tests::project::Project;
use trueline_tests::repository;
use trueline_tests::server::Server;

/// All departures that arrived.
const ROWS: u64 = 327_346;

#[test]
fn the_flights_pipeline_keeps_its_promises() {
    let project = project();
    let run = project
        .trueline("run pipeline.toml --home first --json")
        .exits(0)
        .json();
    let metrics = &stage(&run, "score")["metrics"];
    let metric = |name: &str| metrics[name].as_f64().unwrap();
    assert!(metric("auc") >= 0.898, "{metrics}");
    assert!(metric("accuracy") >= 0.892, "{metrics}");
    let digest = run["package"]["digest"].as_str().unwrap();

    let line = "run pipeline.toml --home second --threads 1 --batch-rows 10007 --json";
    let again = project.trueline(line).exits(0).json();
    assert_eq!(again["package"]["digest"], digest);
    assert_eq!(&stage(&again, "score")["metrics"], metrics);

    let proof = project
        .trueline("verify pipeline.toml --home first --json")
        .exits(0)
        .json();
    assert_eq!(proof["package"], digest);
    assert_eq!(proof["bits_differing"], 0);
    let ways = proof["ways"].as_array().unwrap();
    let over_all_rows = |way: &&Json| way["what"] == "package" && way["rows"] == ROWS;
    assert!(ways.iter().filter(over_all_rows).count() >= 4, "{ways:?}");

    a_second_run_is_all_hits_and_a_third_is_made_again(&project, digest);
    its_provenance_fits_the_schema(&project, digest);

    project
        .trueline("package export flight-delays it.trueline --home first")
        .exits(0);
    real_xgboost_answers_alike(&project);
    real_clients_get_the_bits_of_batch(&project);

    let refused = project
        .trueline("run strict.toml --home first --json")
        .exits(3)
        .json();
    let verdicts = refused["gates"][0]["verdicts"].as_array().unwrap();
    let short = verdicts
        .iter()
        .find(|verdict| verdict["passed"] == false)
        .unwrap();
    assert!(short["text"].as_str().unwrap().contains("0.95"), "{short}");
    let fell_short = short["values"][0][1].as_f64().unwrap();
    assert!((0.88..0.95).contains(&fell_short), "{short}");
}

/// With what the feature store knows at each departure the same model reaches what the gate asks for, and
/// without it does not.
#[test]
fn features_of_flights_that_had_arrived_make_the_gate_pass() {
    let project = project();
    let run = project
        .trueline("run rolling.toml --home first --json")
        .exits(0)
        .json();
    let metrics = &stage(&run, "score")["metrics"];
    assert!(metrics["accuracy"].as_f64().unwrap() >= 0.905, "{metrics}");
    assert!(metrics["auc"].as_f64().unwrap() >= 0.9355, "{metrics}");
    // The same columns, of which the windows are left out.
    let text = fs::read_to_string(project.path("rolling.toml")).unwrap();
    let is_window = |line: &&str| {
        !line.trim_start().starts_with("\"")
            || !["carrier", "route", "airport", "flight"]
                .iter()
                .any(|of| line.contains(&format!("\"{of}_flights_")))
    };
    let without: Vec<&str> = text.lines().filter(is_window).collect();
    project.write("without.toml", without.join("\n"));
    let run = project
        .trueline("run without.toml --home first --json")
        .exits(3)
        .json();
    let accuracy = stage(&run, "score")["metrics"]["accuracy"]
        .as_f64()
        .unwrap();
    assert!(accuracy < 0.9, "{accuracy}");
}

/// The second run takes no second, and the package can be made again when the cache and the data are gone.
fn a_second_run_is_all_hits_and_a_third_is_made_again(project: &Project, digest: &str) {
    let again = project
        .trueline("run pipeline.toml --home first --json")
        .exits(0)
        .json();
    for stage in again["stages"].as_array().unwrap() {
        let is_hit = stage["state"] == "cached" || stage["plugin"] == "gate";
        assert!(is_hit, "{stage}");
    }
    assert_eq!(again["package"]["digest"], digest);
    let elapsed = again["elapsed_ms"].as_u64().unwrap();
    assert!(elapsed < 1000, "{elapsed} ms");

    project.trueline("cache purge --all --home first").exits(0);
    let data = project.path("data");
    fs::rename(&data, project.path("elsewhere")).unwrap();
    let line = "reproduce flight-delays --home first --threads 1 --batch-rows 20011 --json";
    let made = project.trueline(line).exits(0).json();
    fs::rename(project.path("elsewhere"), &data).unwrap();
    let compared = made["ways"][0]["compared"].as_array().unwrap();
    assert!(compared.len() > 10, "{compared:?}");
    for one in compared {
        assert_eq!(one["found"], one["expected"], "{one}");
    }
}

fn its_provenance_fits_the_schema(project: &Project, digest: &str) {
    let statement = project
        .trueline("package provenance flight-delays --home first")
        .exits(0)
        .stdout;
    assert!(statement.contains(digest.strip_prefix("sha256:").unwrap()));
    for named in [
        "dataset flights: data/flights.parquet",
        "dataset weather",
        "component gbdt",
    ] {
        assert!(statement.contains(named), "{named}: {statement}");
    }
    let parsed: Json = serde_json::from_str(&statement).unwrap();
    let version = &parsed["predicate"]["runDetails"]["builder"]["version"];
    let engines = version["engines"].as_str().unwrap();
    assert!(!engines.is_empty(), "no engine is named: {version}");
    project.write("provenance.json", &statement);
    let schema = repository().join("tests/schemas/slsa-provenance-v1.json");
    let output = Command::new(repository().join("target/venv/bin/python"))
        .arg(repository().join("tests/python/check_schema.py"))
        .args([schema, project.path("provenance.json")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The example's pipelines in a folder of their own, so that neither homes nor a lock file stay.
fn project() -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    let example = repository().join("examples/flights");
    for file in [
        "features.toml",
        "pipeline.toml",
        "rolling.toml",
        "strict.toml",
    ] {
        project.write(file, fs::read(example.join(file)).unwrap());
    }
    fs::create_dir(project.path("data")).unwrap();
    for file in fs::read_dir(example.join("data")).unwrap() {
        let file = file.unwrap();
        fs::hard_link(file.path(), project.path("data").join(file.file_name()))
            .or_else(|_| {
                fs::copy(file.path(), project.path("data").join(file.file_name())).map(drop)
            })
            .unwrap();
    }
    project
}

fn stage<'j>(run: &'j Json, name: &str) -> &'j Json {
    let stages = run["stages"].as_array().unwrap();
    stages.iter().find(|stage| stage["stage"] == name).unwrap()
}

/// The model of `it.trueline`, loaded by the `xgboost` of PyPI, has the same float32 margins and
/// predictions on every row of the test split.
fn real_xgboost_answers_alike(project: &Project) {
    let python = repository().join("target/venv/bin/python");
    assert!(
        python.exists(),
        "there is no {}; type `cargo xtask setup`",
        python.display()
    );
    let runtime = Runtime::new(Backend::Cranelift, None).unwrap();
    let package = Package::open(&project.path("it.trueline")).unwrap();
    let model = package.manifest().chain.last().unwrap();
    project.write("model.json", package.part(model.state).unwrap());
    let rows = write_rows(project, &runtime, &package, &project.path("rows.csv"));
    assert!(rows > 80_000, "{rows} rows of October to December");

    // The model alone, and in the archive that SageMaker's image is given.
    project
        .trueline("package export flight-delays model.tar.gz --as sagemaker --home first")
        .exits(0);
    for (what, model) in [("margins", "model.json"), ("sagemaker", "model.tar.gz")] {
        let output = Command::new(&python)
            .arg(repository().join("tests/python/xgboost_parity.py"))
            .arg(what)
            .args([project.path(model), project.path("rows.csv")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains(&format!("0 of {rows} rows differ")), "{said}");
    }
}

/// The clients that people use send 10,000 rows of the test split to a server, one by one and in mixed
/// batches, through each protocol, and get the bits of the batch.
fn real_clients_get_the_bits_of_batch(project: &Project) {
    const SENT: usize = 10_000;
    let runtime = Runtime::new(Backend::Cranelift, None).unwrap();
    let model = Package::open(&project.path("it.trueline"))
        .unwrap()
        .load(&runtime)
        .unwrap();
    let plan =
        trueline_pipeline::check(&project.path("pipeline.toml"), &runtime, &Standard).unwrap();
    let test = ScanOptions {
        part: Some(Part::Test),
        columns: Some(model.input().names().map(str::to_owned).collect()),
        ..ScanOptions::default()
    };
    let flights = &plan.dataset("flights").unwrap().dataset;
    let batches: Vec<_> = flights
        .scan(&test)
        .unwrap()
        .map(|batch| batch.unwrap())
        .collect();
    let rows = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    // In the package's order, which CSV without a header has to keep.
    let places: Vec<_> = model
        .input()
        .names()
        .map(|name| rows.schema().index_of(name).unwrap())
        .collect();
    let rows = rows.project(&places).unwrap().slice(0, SENT);
    let expected = model.predict(&rows).unwrap();
    let fields = rows.schema().fields().iter().cloned().collect::<Vec<_>>();
    let field = Field::new("expected", arrow::datatypes::DataType::Float32, false);
    let schema = arrow::datatypes::Schema::new([fields, vec![field.into()]].concat());
    let columns = [rows.columns(), &[expected.column(0).clone()]].concat();
    let sent = RecordBatch::try_new(schema.into(), columns).unwrap();
    let path = project.path("rows.arrow");
    let file = fs::File::create(&path).unwrap();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(file, &sent.schema()).unwrap();
    writer.write(&sent).unwrap();
    writer.finish().unwrap();

    // MLflow's own server has other answers and another CSV, so it is another flavour of ours.
    for (flavour, protocols, of_all) in [("sagemaker", None, 10), ("mlflow", Some("mlflow"), 1)] {
        let line = format!("flight-delays --home first --invocations {flavour}");
        let server = Server::start(project, &line);
        let output = Command::new(repository().join("target/venv/bin/python"))
            .arg(repository().join("tests/python/serving_clients.py"))
            .args([server.address(), "flight-delays"])
            .arg(&path)
            .args(protocols)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let equal = said
            .lines()
            .filter(|line| line.ends_with(": 0 of 10000 rows differ"));
        assert_eq!(equal.count(), of_all, "{said}");
    }
}

/// Writes the model's features of every row of the test split, with margin and prediction. Answers with
/// the number of rows.
fn write_rows(project: &Project, runtime: &Runtime, package: &Package, path: &Path) -> usize {
    let plan =
        trueline_pipeline::check(&project.path("pipeline.toml"), runtime, &Standard).unwrap();
    let flights = &plan.dataset("flights").unwrap().dataset;
    let test = ScanOptions {
        part: Some(Part::Test),
        ..ScanOptions::default()
    };
    let before = before_model(runtime, package);
    let mut model = None;
    let mut file = BufWriter::new(fs::File::create(path).unwrap());
    let mut count = 0;
    for batch in flights.scan(&test).unwrap() {
        let table = before.apply(&batch.unwrap()).unwrap();
        let (applied, mapper) = model.get_or_insert_with(|| {
            let schema = Schema::from_arrow(&table.schema()).unwrap();
            let (bound, mapper) = with_margin(runtime, package, &schema);
            writeln!(file, "{}", header(&bound)).unwrap();
            (Applied::new(&bound.mapping, &schema).unwrap(), mapper)
        });
        let features = applied.select(&table).unwrap();
        let answers = mapper.map(&features).unwrap();
        write_batch(&mut file, &features, &answers);
        count += table.num_rows();
    }
    file.flush().unwrap();
    count
}

/// The package without its last link, the model.
fn before_model(runtime: &Runtime, package: &Package) -> Loaded {
    let chain = &package.manifest().chain;
    let manifest = Manifest::new(chain[..chain.len() - 1].to_vec());
    let part = |digest| package.part(digest).map(<[u8]>::to_vec);
    Package::new(manifest, part).unwrap().load(runtime).unwrap()
}

/// The package's model with the one parameter more that makes it tell its margins.
fn with_margin(runtime: &Runtime, package: &Package, table: &Schema) -> (Bound, Mapper) {
    let link = package.manifest().chain.last().unwrap();
    let mut params = link.params.clone();
    params["margin_into"] = json!("margin");
    let params = params.to_string();
    let stage = runtime
        .admit(package.part(link.component).unwrap())
        .unwrap();
    let signature = stage.describe(&params, &[], Some(table)).unwrap();
    let bound = Bound::new(&signature.mapping.unwrap(), table).unwrap();
    let state = package.part(link.state).unwrap();
    let mapper = stage
        .map(&params, &bound, state, &Limits::default())
        .unwrap();
    (bound, mapper)
}

/// The names of the features, which are the elements of the one vector that the model reads.
fn header(bound: &Bound) -> String {
    let [features] = bound.reads.fields.as_slice() else {
        panic!("the model reads {:?}", bound.reads);
    };
    let quoted = features.elements.iter().map(|name| format!("\"{name}\","));
    quoted.collect::<String>() + "prediction,margin"
}

fn write_batch(file: &mut impl std::io::Write, features: &RecordBatch, answers: &RecordBatch) {
    let vectors = features.column(0).as_fixed_size_list();
    let width = usize::try_from(vectors.value_length()).unwrap();
    let values = vectors.values().as_primitive::<Float32Type>().values();
    let number = |name: &str, row: usize| {
        let column = answers.column_by_name(name).unwrap();
        column.as_primitive::<Float32Type>().value(row)
    };
    for (row, vector) in values.chunks(width).enumerate() {
        for value in vector {
            if value.is_nan() {
                write!(file, ",").unwrap();
            } else {
                write!(file, "{value},").unwrap();
            }
        }
        writeln!(
            file,
            "{},{}",
            number("prediction", row),
            number("margin", row)
        )
        .unwrap();
    }
}

/// The stages that come with Trueline.
struct Standard;

impl Plugins for Standard {
    fn find(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        trueline_stages::find(name).map(|stage| Cow::Borrowed(stage.bytes()))
    }

    fn names(&self) -> Vec<String> {
        let names = trueline_stages::standard().iter().map(|stage| stage.name);
        names.map(str::to_owned).collect()
    }

    fn by_digest(&self, _: Digest) -> Option<Cow<'static, [u8]>> {
        None
    }
}
