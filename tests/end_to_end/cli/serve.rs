//! `trueline serve`: what it answers, and with which bits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use trueline_runtime::{Backend, Package, Runtime};
use trueline_store::{Store, SystemClock};
use trueline_tests::guests;
use trueline_tests::project::Project;
use trueline_tests::server::Server;

use crate::trips::{self, edited};

/// A package of the trips, in use.
pub(crate) fn packed() -> Project {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    project
        .trueline("package promote trips@1 --reason first")
        .exits(0);
    project
}

/// An answer over HTTP, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) package: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) fn post(agent: &ureq::Agent, url: &str, content_type: &str, body: &[u8]) -> Answer {
    let request = agent.post(url).content_type(content_type);
    answer(request.send(body).unwrap())
}

pub(crate) fn get(agent: &ureq::Agent, url: &str) -> Answer {
    answer(agent.get(url).call().unwrap())
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let package = response.headers().get("trueline-package");
    Answer {
        status: response.status().as_u16(),
        package: package.map_or_else(String::new, |value| value.to_str().unwrap().to_owned()),
        body: response.body_mut().read_to_string().unwrap(),
    }
}

pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.build().into()
}

pub(crate) const ROW: &str = r#"{"distance": 70, "city": "A"}"#;
pub(crate) const JSON: &str = "application/json";

#[test]
fn every_protocol_answers_with_the_bits_of_batch() {
    let project = packed();
    let server = Server::start(&project, "trips@champion");
    let agent = agent();
    let digest = server.said["digest"].as_str().unwrap();
    project.write("rows.csv", "distance,city\n70,A\n,Z\n3,C\n");
    let batch = project
        .trueline("predict trips@champion --input rows.csv --format json")
        .exits(0)
        .stdout;
    let expected: Vec<f32> = batch
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap()["prediction"].to_string())
        .map(|number| number.parse().unwrap())
        .collect();
    let check = |path: &str, content_type: &str, body: &str, find: &dyn Fn(&Json) -> Json| {
        let answer = post(&agent, &server.url(path), content_type, body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.package, digest);
        let found: Json = match serde_json::from_str(&answer.body) {
            Ok(body) => find(&body),
            Err(_) => answer
                .body
                .lines()
                .map(|line| line.parse::<f64>().unwrap())
                .collect(),
        };
        let numbers = found.as_array().unwrap().iter();
        let bits: Vec<u32> = numbers
            .map(|number| number.to_string().parse::<f32>().unwrap().to_bits())
            .collect();
        let expected: Vec<u32> = expected.iter().map(|number| number.to_bits()).collect();
        assert_eq!(bits, expected, "{path} {body}");
    };
    let each = |key: &'static str, name: &'static str| {
        move |body: &Json| {
            body[key]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row[name].clone())
                .collect()
        }
    };
    let columns = json!({"columns": {"distance": [70, null, 3], "city": ["A", "Z", "C"]}});
    check("/v1/predict", JSON, &columns.to_string(), &|body| {
        assert_eq!(body["package"], digest);
        body["columns"]["prediction"].clone()
    });
    let rows = json!([{"distance": 70, "city": "A"}, {"distance": null, "city": "Z"}, {"city": "C", "distance": 3}]);
    check(
        "/v1/predict",
        JSON,
        &json!({"records": rows}).to_string(),
        &each("records", "prediction"),
    );
    check(
        "/invocations",
        JSON,
        &json!({"instances": rows}).to_string(),
        &each("predictions", "score"),
    );
    check(
        "/endpoints/trips/invocations",
        "text/csv",
        "A,70\nZ,\nC,3\n",
        &|_| panic!("not JSON"),
    );
    check(
        "/invocations",
        "text/csv; header=present",
        "distance,city\n70,A\n,Z\n3,C\n",
        &|_| panic!("not JSON"),
    );
    let tensors = json!({"inputs": [
        {"name": "distance", "shape": [3], "datatype": "INT64", "data": [70, 0, 3]},
        {"name": "distance.valid", "shape": [3], "datatype": "BOOL", "data": [true, false, true]},
        {"name": "city", "shape": [3], "datatype": "BYTES", "data": ["A", "Z", "C"]},
    ]});
    check(
        "/v2/models/trips/infer",
        JSON,
        &tensors.to_string(),
        &|body| {
            assert_eq!(body["parameters"]["package"], digest);
            body["outputs"][0]["data"].clone()
        },
    );

    for path in [
        "/health",
        "/ready",
        "/ping",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/trips/ready",
        "/v2",
        "/version",
    ] {
        assert_eq!(get(&agent, &server.url(path)).status, 200, "{path}");
    }
    let package = get(&agent, &server.url("/v1/package")).json();
    assert_eq!(package["digest"], digest);
    assert_eq!(package["manifest"]["chain"].as_array().unwrap().len(), 3);
    assert_eq!(package["origin"]["verdict"], "accepted");
    assert!(
        package["origin"]["run"]
            .as_str()
            .unwrap()
            .starts_with("run_")
    );
    let metadata = get(&agent, &server.url("/v2/models/trips/versions/1")).json();
    assert_eq!(metadata["inputs"][0]["name"], "city");
    let openapi = get(&agent, &server.url("/openapi.json")).json();
    assert_eq!(
        openapi["components"]["schemas"]["Row"]["required"],
        json!(["city", "distance"])
    );
    let metrics = get(&agent, &server.url("/metrics")).body;
    assert!(
        metrics.contains("trueline_predicted_rows_total 18\n"),
        "{metrics}"
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_wrong_request_is_told_what_is_wrong() {
    let project = packed();
    let server = Server::start(&project, "trips@1 --body-limit 1");
    let agent = agent();
    let check = |path: &str, content_type: &str, body: &[u8], status: u16, said: &str| {
        let answer = post(&agent, &server.url(path), content_type, body);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
    };
    let misnamed = br#"{"records": [{"distances": 70, "city": "A"}]}"#;
    check(
        "/v1/predict",
        JSON,
        misnamed,
        400,
        "did you mean `distance` (int64)?",
    );
    check(
        "/v1/predict",
        "text/csv",
        b"1,A",
        415,
        "application/json is understood",
    );
    check(
        "/v1/predict",
        JSON,
        &vec![b' '; (1 << 20) + 1],
        413,
        "longer than 1048576 bytes",
    );
    check(
        "/v1/predict",
        JSON,
        &[b'['; 100_000],
        400,
        "an object is expected",
    );
    check("/v1/prediction", JSON, b"", 404, "not_found");
    let got = get(&agent, &server.url("/v1/predict"));
    assert_eq!(got.status, 405);
    assert!(got.body.contains("not asked with GET"), "{}", got.body);
    check(
        "/invocations",
        "text/csv",
        b"A\n",
        400,
        "column `distance` is missing in row 1",
    );
    check(
        "/invocations",
        "image/png",
        b"70\n",
        415,
        "text/csv, application/json",
    );
    check(
        "/v2/models/other/infer",
        JSON,
        b"{}",
        404,
        r#"{"error":"there is no model `other` here"#,
    );
    let refused = post(
        &agent,
        &server.url("/endpoints/trips/invocations"),
        "text/csv",
        b"x,A",
    );
    assert_eq!(refused.status, 424, "AWS wraps the errors of a container");
    assert_eq!(refused.json()["OriginalStatusCode"], 400);
    // A good request after all that.
    let good = format!("{{\"records\": [{ROW}]}}");
    check("/v1/predict", JSON, good.as_bytes(), 200, "prediction");

    let changed = project.path("changed.trueline");
    project
        .trueline("package export trips changed.trueline")
        .exits(0);
    let mut bytes = std::fs::read(&changed).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&changed, bytes).unwrap();
    project
        .trueline("serve changed.trueline --listen 127.0.0.1:0")
        .exits(1)
        .says(&["were changed"]);
}

#[test]
fn an_alias_that_moves_under_load_drops_no_request() {
    let project = packed();
    project.write("trips.toml", edited("max_depth = 3", "max_depth = 2"));
    let second = project.trueline("run trips.toml --json").exits(0).json();
    let second = second["package"]["digest"].as_str().unwrap();
    let server = Server::start(&project, "trips@champion");
    let first = server.said["digest"].as_str().unwrap();
    assert_ne!(first, second);
    let body = format!("{{\"records\": [{ROW}]}}");
    let is_over = AtomicBool::new(false);
    let clients = std::thread::scope(|scope| {
        let client = || {
            let agent = agent();
            let mut seen: Vec<(String, String)> = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let answer = post(&agent, &server.url("/v1/predict"), JSON, body.as_bytes());
                assert_eq!(answer.status, 200, "{}", answer.body);
                assert_eq!(answer.json()["package"], answer.package.as_str());
                let score = answer.json()["records"][0]["prediction"].to_string();
                seen.push((answer.package, score));
            }
            seen
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(client)).collect();
        project
            .trueline("package promote trips@2 --reason second")
            .exits(0);
        let until = Instant::now() + Duration::from_secs(20);
        let asking = agent();
        while get(&asking, &server.url("/v1/package")).package != second {
            assert!(Instant::now() < until, "the alias is not followed");
        }
        std::thread::sleep(Duration::from_millis(50));
        is_over.store(true, Ordering::Relaxed);
        clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect::<Vec<_>>()
    });
    let mut answers = clients.clone();
    answers.sort();
    answers.dedup();
    // Two packages, and each has one answer.
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert!(answers.iter().any(|(package, _)| package == second));
}

#[test]
fn what_is_exported_is_served() {
    let project = packed();
    let digest = |server: &Server| server.said["digest"].as_str().unwrap().to_owned();
    project
        .trueline("package export trips it.trueline")
        .exits(0);
    project
        .trueline("package export trips model.tar.gz --as sagemaker")
        .exits(0);
    project
        .trueline("package export trips image --as docker")
        .exits(0);
    for file in ["Dockerfile", "trueline", "package.trueline"] {
        assert!(project.path("image").join(file).is_file(), "{file}");
    }

    // As SageMaker unpacks it.
    std::fs::create_dir(project.path("model")).unwrap();
    let unpacked = std::process::Command::new("tar")
        .args(["-xzf", "model.tar.gz", "-C", "model"])
        .current_dir(project.path(""))
        .status();
    assert!(unpacked.unwrap().success());
    let top = std::fs::read_dir(project.path("model")).unwrap();
    let top: Vec<_> = top
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(
        top,
        ["xgboost-model"],
        "SageMaker's image loads every file at the top"
    );
    let model = std::fs::read(project.path("model/xgboost-model")).unwrap();
    assert!(serde_json::from_slice::<Json>(&model).unwrap()["learner"].is_object());

    let servers = ["it.trueline", "model", "image/package.trueline"];
    let digests = servers.map(|package| digest(&Server::start(&project, package)));
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

#[test]
fn a_stage_that_would_remember_answers_the_thousandth_request_as_the_first() {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    let package = guests::hostile_package(r#"{"mode": "count"}"#);
    package.write(&project.path("counts.trueline")).unwrap();

    let server = Server::start(&project, "counts.trueline");
    let agent = agent();
    let ask = || {
        post(
            &agent,
            &server.url("/v1/predict"),
            JSON,
            br#"{"records": [{"x": 1}]}"#,
        )
        .body
    };
    let first = ask();
    assert!(first.contains(r#""records":[{"#), "{first}");
    for _ in 0..999 {
        assert_eq!(ask(), first);
    }
}

/// What a program that embeds the runtime gets, from JSON and from its own types.
#[test]
fn in_process_the_answers_are_the_same() {
    #[derive(serde::Serialize)]
    struct Trip {
        city: Option<&'static str>,
        distance: Option<i64>,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Late {
        prediction: f32,
    }
    let project = packed();
    project
        .trueline("package export trips it.trueline")
        .exits(0);
    let runtime = Runtime::new(Backend::default(), Some(project.path(".trueline/code"))).unwrap();
    let package = Package::open(&project.path("it.trueline")).unwrap();
    let model = package.load(&runtime).unwrap();
    let trips = [
        Trip {
            city: Some("A"),
            distance: Some(70),
        },
        Trip {
            city: Some("Z"),
            distance: None,
        },
    ];
    let typed: Vec<Late> = model.predict_rows(&trips).unwrap();
    let body = br#"{"records": [{"city": "A", "distance": 70}, {"city": "Z", "distance": null}]}"#;
    let answer: Json = serde_json::from_str(&model.predict_json(body).unwrap()).unwrap();
    let said: Vec<Late> = serde_json::from_value(answer["records"].clone()).unwrap();
    assert_eq!(typed, said);
    assert_eq!(answer["package"], package.digest().to_string());
    let server = Server::start(&project, "it.trueline");
    let served = post(&agent(), &server.url("/v1/predict"), JSON, body);
    assert_eq!(served.json(), answer);
    let error = model
        .predict_rows::<_, Late>(&[json!({"city": "A"})])
        .unwrap_err();
    assert!(
        error.to_string().contains("no column `distance`"),
        "{error}"
    );
}

#[test]
fn a_challenger_follows_its_alias() {
    let project = packed();
    for depth in 1..=2 {
        project.write(
            "trips.toml",
            edited("max_depth = 3", &format!("max_depth = {depth}")),
        );
        project.trueline("run trips.toml").exits(0);
    }
    let promote = |version: u32| {
        let line = format!("package promote trips@{version} --alias challenger --reason next");
        project.trueline(&line).exits(0);
    };
    promote(2);
    let server = Server::start(&project, "trips@champion --challenger trips@challenger");
    let agent = agent();
    let compared = || get(&agent, &server.url("/v1/challenger")).json();
    assert_eq!(compared()["challenger"]["version"], "2");
    promote(3);
    let until = Instant::now() + Duration::from_secs(20);
    while compared()["challenger"]["version"] != "3" {
        assert!(Instant::now() < until, "the alias is not followed");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The new one is counted for itself.
    assert_eq!(compared()["comparison"]["rows"], 0);
    let body = format!("{{\"records\": [{ROW}]}}");
    post(&agent, &server.url("/v1/predict"), JSON, body.as_bytes());
    while compared()["comparison"]["rows"] != 1 {
        assert!(Instant::now() < until, "it is not compared");
    }
}

#[test]
fn what_was_recorded_is_computed_again_and_a_challenger_is_compared() {
    let project = packed();
    project.write("trips.toml", edited("max_depth = 3", "max_depth = 2"));
    project.trueline("run trips.toml").exits(0);
    let line = "trips@1 --record asked.log --record-share 0.5 --challenger trips@2";
    let server = Server::start(&project, line);
    let agent = agent();
    for distance in 0..40 {
        let body = format!("{{\"records\": [{{\"distance\": {distance}, \"city\": \"B\"}}]}}");
        let answer = post(&agent, &server.url("/v1/predict"), JSON, body.as_bytes());
        assert_eq!(answer.status, 200);
    }
    let until = Instant::now() + Duration::from_secs(20);
    let compared = loop {
        let compared = get(&agent, &server.url("/v1/challenger")).json();
        if compared["comparison"]["rows"] == 40 {
            break compared;
        }
        assert!(Instant::now() < until, "{compared}");
    };
    let difference = &compared["comparison"]["columns"]["prediction"];
    assert!(
        difference["rows_differing"].as_u64().unwrap() > 0,
        "{compared}"
    );
    assert!(difference["largest"].as_f64().unwrap() > 0.0, "{compared}");
    let digest = |server: &str| project.trueline(server).exits(0).json()["digest"].clone();
    let (first, second) = (
        digest("package show trips@1 --json"),
        digest("package show trips@2 --json"),
    );
    assert_eq!(server.stop(), Some(0));
    // What was counted is in the home as well, for the page of the package.
    let store = Store::open(&project.path(".trueline"), SystemClock).unwrap();
    let [stored] = store
        .comparisons(&first.as_str().unwrap().parse().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!((stored.rows, stored.rows_failed), (40, 0));
    assert_eq!(json!(stored.challenger), second);
    assert_eq!(&json!(stored.columns["prediction"]), difference);

    let report = project.trueline("replay asked.log --json").exits(0).json();
    assert_eq!(report["rows"], 20);
    assert_eq!(report["bits_differing"], 0);
    project
        .trueline("replay asked.log")
        .exits(0)
        .says(&["20 requests of 20 rows", "0 of "]);

    let log = std::fs::read_to_string(project.path("asked.log")).unwrap();
    project.write("changed.log", log.replacen("\"B\"", "\"C\"", 1));
    project
        .trueline("replay changed.log")
        .exits(1)
        .says(&["line 1: the input is not what was recorded"]);
    project.write("torn.log", &log[..log.len() - 20]);
    project
        .trueline("replay torn.log")
        .exits(1)
        .says(&["line 20 of torn.log is no line of a log"]);
}
