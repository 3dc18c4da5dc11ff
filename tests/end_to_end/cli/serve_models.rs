//! `trueline serve` as a container of SageMaker: its environment, batch transforms, endpoints of many models.

use std::fs;
use std::process::Command;

use serde_json::{Value as Json, json};
use trueline_tests::project::Project;
use trueline_tests::repository;
use trueline_tests::server::Server;

use crate::serve::{Answer, JSON, agent, get, packed, post};

/// Packages as the platform unpacks them, below a folder `models`; another one lies outside of it.
fn unpacked() -> Project {
    let project = packed();
    project
        .trueline("package export trips outside.trueline")
        .exits(0);
    for name in ["a", "b"] {
        let folder = project.path("models").join(name).join("model/trueline");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(
            project.path("outside.trueline"),
            folder.join("package.trueline"),
        )
        .unwrap();
    }
    project
}

struct Models<'a> {
    project: &'a Project,
    server: &'a Server,
}

impl Models<'_> {
    fn load(&self, name: &str, path: &str) -> Answer {
        let url = self.project.path(path);
        let body = json!({ "model_name": name, "url": url }).to_string();
        post(&agent(), &self.server.url("/models"), JSON, body.as_bytes())
    }

    fn ask(&self, name: &str) -> Answer {
        let url = self.server.url(&format!("/models/{name}/invoke"));
        post(&agent(), &url, "text/csv", b"A,70\n")
    }

    fn get(&self, path: &str) -> Answer {
        get(&agent(), &self.server.url(path))
    }

    fn unload(&self, name: &str) -> u16 {
        let url = self.server.url(&format!("/models/{name}"));
        agent().delete(url).call().unwrap().status().as_u16()
    }
}

#[test]
fn many_models_come_and_go() {
    let project = unpacked();
    let server = Server::start(&project, "--multi-model --models models");
    let models = Models {
        project: &project,
        server: &server,
    };
    assert_eq!(models.get("/ping").status, 200);
    assert_eq!(models.get("/models").json(), json!({ "models": [] }));
    assert_eq!(models.ask("a").status, 404);

    for name in ["a", "b"] {
        let loaded = models.load(name, &format!("models/{name}/model"));
        assert_eq!(loaded.status, 200, "{}", loaded.body);
    }
    assert_eq!(models.load("a", "models/a/model").status, 409);
    let listed = models.get("/models").json();
    let names: Vec<_> = listed["models"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2, "{listed}");
    assert_eq!(*names[0], models.get("/models/a").json());
    assert_eq!(names[0]["modelName"], "a");
    let url = names[0]["modelUrl"].as_str().unwrap();
    assert!(url.ends_with("models/a/model"), "{url}");

    let answer = models.ask("b");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(
        answer.body.trim_end().parse::<f64>().is_ok(),
        "{}",
        answer.body
    );
    // As boto3 asks an endpoint of many models.
    let endpoint = server.url("/endpoints/any/invocations");
    let asked = |target: &str| {
        let request = agent().post(&endpoint).content_type("text/csv");
        let request = request.header("X-Amzn-SageMaker-Target-Model", target);
        request.send("A,70\n").unwrap().status().as_u16()
    };
    assert_eq!((asked("b"), asked("c")), (200, 400));

    assert_eq!((models.unload("b"), models.unload("b")), (200, 404));
    assert_eq!(models.ask("b").status, 404);
    assert_eq!(models.ask("a").status, 200);
    let metrics = models.get("/metrics").body;
    assert!(
        metrics.contains(r#"name="a""#) && !metrics.contains(r#"name="b""#),
        "{metrics}"
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_clients_of_each_protocol_ask_one_of_many_models() {
    let project = unpacked();
    let server = Server::start(&project, "--multi-model --models models");
    let models = Models {
        project: &project,
        server: &server,
    };
    for name in ["a", "b"] {
        let loaded = models.load(name, &format!("models/{name}/model"));
        assert_eq!(loaded.status, 200, "{}", loaded.body);
    }
    let output = Command::new(repository().join("target/venv/bin/python"))
        .arg(repository().join("tests/python/multi_model.py"))
        .args([server.address(), "A,70", "a", "b"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let answered = models.ask("a").body;
    assert!(
        said.contains(&format!("a: {} ", answered.trim_end())),
        "{said}"
    );

    // The same row in the server's own protocol, with the package that answered.
    let package = models.get("/v1/models/b/package").json();
    let fields = package["manifest"]["input"].as_array().unwrap();
    let names = fields.iter().map(|field| field["name"].clone());
    let row: serde_json::Map<_, _> = names
        .map(|name| name.as_str().unwrap().to_owned())
        .zip([json!("A"), json!(70)])
        .collect();
    let body = json!({ "records": [row] }).to_string();
    let predict = |name: &str| {
        let url = server.url(&format!("/v1/models/{name}/predict"));
        post(&agent(), &url, JSON, body.as_bytes())
    };
    let native = predict("b");
    assert_eq!(native.status, 200, "{}", native.body);
    assert_eq!(native.package, package["digest"]);
    assert!(native.body.contains(answered.trim_end()), "{}", native.body);
    assert_eq!(predict("absent").status, 404);
    assert_eq!(models.get("/v2/models/absent").status, 404);
}

#[test]
fn a_model_that_cannot_be_loaded_is_refused() {
    let project = unpacked();
    let server = Server::start(&project, "--multi-model --models models");
    let models = Models {
        project: &project,
        server: &server,
    };
    let check = |path: &str, said: &str| {
        let answer = models.load("x", path);
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
    };
    check("models/c/model", "No such file");
    check("outside.trueline", "does not lie below");
    check("models/../outside.trueline", "does not lie below");
    let changed = project.path("models/a/model/trueline/package.trueline");
    let mut bytes = fs::read(&changed).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&changed, bytes).unwrap();
    check("models/a/model", "were changed");
    let wrong = post(&agent(), &server.url("/models"), JSON, b"{}");
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    drop(server);

    // Two of them are more than there is room for.
    let bytes = fs::metadata(project.path("outside.trueline"))
        .unwrap()
        .len();
    let limit = bytes.div_ceil(1 << 20);
    assert!(2 * bytes > limit << 20, "{bytes} bytes");
    let line = format!("--multi-model --models models --models-limit {limit}");
    let server = Server::start(&project, &line);
    let models = Models {
        project: &project,
        server: &server,
    };
    assert_eq!(models.load("first", "models/b/model").status, 200);
    assert_eq!(models.load("second", "models/b/model").status, 507);
    assert_eq!(models.unload("first"), 200);
    assert_eq!(models.load("second", "models/b/model").status, 200);
}

#[test]
fn the_environment_of_a_container_is_heeded() {
    let project = packed();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let environment = [
        ("SAGEMAKER_BIND_TO_PORT", port.as_str()),
        ("SAGEMAKER_BATCH", "true"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "9"),
        (
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
            "application/jsonlines; charset=utf-8",
        ),
        ("TRUELINE_PACKAGE", "trips@champion"),
    ];
    let server = Server::within(&project, "", &environment);
    assert!(server.address().ends_with(&format!(":{port}")));
    let parameters: Json = get(&agent(), &server.url("/execution-parameters")).json();
    assert_eq!(parameters["MaxPayloadInMB"], 9);
    assert_eq!(parameters["BatchStrategy"], "MULTI_RECORD");
    assert!(parameters["MaxConcurrentTransforms"].as_u64() > Some(0));
    // A batch transform sends many lines and wants as many, in their order.
    let lines: String = (0..50_000)
        .map(|row| format!("B,{}\n", row % 100))
        .collect();
    let answer = post(
        &agent(),
        &server.url("/invocations"),
        "text/csv",
        lines.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(
        answer.body.ends_with("}\n"),
        "the last line has an end as well"
    );
    let scores: Vec<_> = answer.body.lines().collect();
    assert_eq!(scores.len(), 50_000);
    assert!(
        scores[100..]
            .iter()
            .zip(&scores)
            .all(|(later, earlier)| later == earlier)
    );
    drop(server);

    let many = [
        ("SAGEMAKER_MULTI_MODEL", "true"),
        ("TRUELINE_PACKAGE", "/opt/ml/model"),
    ];
    let server = Server::within(&project, "--models .", &many);
    assert_eq!(get(&agent(), &server.url("/models")).status, 200);
}
