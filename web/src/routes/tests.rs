use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use trueline_runtime::{Backend, Runtime};
use trueline_store::{
    AttemptFailure, AttemptOutcome, EngineIdentity, NewRun, NewStage, Output, Results, RunFailure,
    RunId, RunOutcome, StageState, Store, SystemClock,
};
use trueline_table::Digest;

use super::*;
use crate::app::Config;

struct NoPlugins;

impl trueline_pipeline::Plugins for NoPlugins {
    fn find(&self, _: &str) -> Option<std::borrow::Cow<'static, [u8]>> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

struct Site {
    _home: tempfile::TempDir,
    store: Store,
    router: Router,
}

impl Site {
    fn new(pipelines: Vec<PathBuf>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), SystemClock).unwrap();
        let app = App::new(Config {
            store: store.clone(),
            runtime: Runtime::new(Backend::default(), None).unwrap(),
            plugins: Arc::new(NoPlugins),
            pipelines,
            hosts: Vec::new(),
            clock: Arc::new(SystemClock),
        });
        let router = router(app);
        Self {
            _home: home,
            store,
            router,
        }
    }

    async fn request(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::HOST, "localhost:8421");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let headers = answer.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let kind = headers
            .get(header::CONTENT_TYPE)
            .or(headers.get(header::LOCATION));
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (
            status,
            kind.unwrap_or_default(),
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    async fn get(&self, path: &str) -> (u16, String, String) {
        self.request("GET", path, "").await
    }

    async fn json(&self, path: &str) -> Value {
        let (status, _, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// A run of two stages: one that made something, and one that failed. Their names need care in HTML and in paths.
fn a_run(store: &Store) -> RunId {
    let run = store
        .create_run(NewRun {
            pipeline: "a&b".to_owned(),
            pipeline_digest: Digest::of(b"file"),
            lock_digest: Digest::of(b"lock"),
            seed: u64::MAX,
            params: json!({ "params": { "rate": 0.5 } }),
        })
        .unwrap();
    let mut second = NewStage::new("<second>[1]", "gbdt");
    second.depends_on = vec!["first".to_owned()];
    store
        .add_stages(&run, vec![NewStage::new("first", "tabular"), second])
        .unwrap();
    store.start_run(&run).unwrap();
    let results = Results {
        outputs: vec![
            Output::new("state", "state", vec![0_u8, 159, 146]),
            Output::new(
                "report",
                "report",
                r#"{"curve":[1,2,3,4,5,6,7,8.5],"x":"<script>"}"#,
            ),
        ],
        metrics: vec![("auc".to_owned(), f64::NAN)],
        findings: vec![json!({ "severity": "warn", "subject": "s", "message": "m", "count": 2 })],
    };
    let message = "it `trapped`".to_owned();
    let failed = AttemptOutcome::Failed {
        failure: AttemptFailure::Trap,
        message: message.clone(),
        retry: false,
    };
    for (stage, outcome) in [
        ("first", AttemptOutcome::Succeeded(results)),
        ("<second>[1]", failed),
    ] {
        store
            .set_stage(&run, stage, StageState::Ready, None)
            .unwrap();
        let engine = EngineIdentity {
            profile: "pure@1".to_owned(),
            fingerprint: "f".to_owned(),
        };
        let attempt = store.start_attempt(&run, stage, engine).unwrap();
        store.finish_attempt(&attempt, outcome).unwrap();
    }
    let failure = RunFailure::Stage;
    store
        .finish_run(&run, RunOutcome::Failed { failure, message })
        .unwrap();
    run
}

#[tokio::test]
async fn every_page_and_its_twin_say_the_same() {
    let site = Site::new(Vec::new());
    let run = a_run(&site.store);
    let state = Digest::of(&[0, 159, 146]);
    for (path, says) in [
        ("/pipelines/a%26b".to_owned(), "a&amp;b"),
        ("/runs".to_owned(), "failed"),
        (format!("/runs/{run}"), "&lt;second&gt;[1]"),
        (format!("/runs/{run}/stages/first"), "&lt;script&gt;"),
        (
            format!("/runs/{run}/stages/%3Csecond%3E%5B1%5D"),
            "<code>trapped</code>",
        ),
        (format!("/artifacts/{state}"), "00 9f 92"),
        (format!("/lineage/{state}"), "state of first"),
        ("/packages".to_owned(), "none yet"),
    ] {
        let (status, kind, page) = site.get(&path).await;
        assert_eq!(
            (status, kind.as_str()),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(page.contains(says), "{path} does not say {says}: {page}");
        assert!(
            !page.contains("style=") && !page.contains("<script>"),
            "{path}"
        );
        let twin = format!("/v1{path}");
        assert!(
            page.contains(&format!("href=\"{twin}\"")),
            "{path} does not name {twin}"
        );
        site.json(&twin).await;
    }
    let shown = site.json(&format!("/v1/runs/{run}")).await;
    assert_eq!(shown["seed"], json!(u64::MAX));
    assert_eq!(shown["stages"][0]["metrics"][0]["value"], "NaN");
    assert_eq!(shown["stages"][1]["depends_on"], json!(["first"]));
}

#[tokio::test]
async fn what_cannot_be_answered_says_what_to_do() {
    let site = Site::new(vec![Path::new("/nowhere/p.toml").to_owned()]);
    let run = a_run(&site.store);
    a_run(&site.store);
    for (path, status) in [
        ("/nowhere".to_owned(), 404),
        ("/runs/run_zzz".to_owned(), 404),
        ("/runs/run_".to_owned(), 409),
        ("/runs?before=7".to_owned(), 400),
        ("/runs?limit=0".to_owned(), 400),
        ("/runs?before=a&before=b".to_owned(), 400),
        (format!("/runs/{run}/stages/frist"), 404),
        (format!("/runs/{run}/datasets/d"), 404),
        ("/artifacts/ffff".to_owned(), 404),
        ("/lineage/ffff".to_owned(), 404),
        ("/pipelines/c".to_owned(), 404),
        ("/packages/p".to_owned(), 404),
        ("/packages/p/1".to_owned(), 404),
        ("/search?q=".to_owned(), 400),
        ("/search?q=nothing".to_owned(), 404),
        ("/runs/%ff".to_owned(), 400),
    ] {
        let (found, _, page) = site.get(&path).await;
        assert_eq!(found, status, "{path}");
        assert!(page.contains("<h1>"), "{path}: {page}");
        let (found, kind, body) = site.get(&format!("/v1{path}")).await;
        assert_eq!(
            (found, kind.as_str()),
            (status, "application/problem+json"),
            "{path}"
        );
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert!(problem["detail"].is_string(), "{path}: {body}");
        if status == 409 {
            assert_eq!(problem["candidates"].as_array().unwrap().len(), 2);
        }
    }
    let (_, _, page) = site.get(&format!("/runs/{run}/stages/frist")).await;
    assert!(page.contains("did you mean <code>first</code>"), "{page}");
    for (path, body, status) in [
        ("/pipelines/a%26b/runs", "", 404),
        ("/v1/pipelines/a%26b/runs", "{\"sets\":{}}", 400),
        ("/v1/runs/run_/cancel", "", 409),
        ("/runs", "", 405),
    ] {
        assert_eq!(site.request("POST", path, body).await.0, status, "{path}");
    }
    let path = format!("/v1/runs/{run}/cancel");
    let (status, _, body) = site.request("POST", &path, "").await;
    assert_eq!(status, 409);
    assert!(body.contains("has failed already"), "{body}");
}

#[tokio::test]
async fn lists_go_from_page_to_page() {
    let site = Site::new(Vec::new());
    let mut ids: Vec<String> = (0..5).map(|_| a_run(&site.store).to_string()).collect();
    ids.reverse();
    for path in ["/v1/runs", "/v1/pipelines/a%26b"] {
        let mut found = Vec::new();
        let mut next = String::new();
        loop {
            let page = site.json(&format!("{path}?limit=2{next}")).await;
            let runs = page["runs"].as_array().unwrap();
            found.extend(
                runs.iter()
                    .map(|run| run["id"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(last) => next = format!("&before={last}"),
                None => break,
            }
        }
        assert_eq!(found, ids, "{path}");
    }
}

#[tokio::test]
async fn assets_are_part_of_the_binary() {
    let site = Site::new(Vec::new());
    let (_, _, page) = site.get("/").await;
    let addresses: Vec<&str> = page
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .collect();
    assert_eq!(addresses.len(), 6, "{addresses:?}");
    for address in addresses {
        let (status, kind, body) = site.get(address).await;
        assert_eq!(status, 200, "{address}");
        assert!(!kind.is_empty() && !body.is_empty(), "{address}");
    }
    for missing in ["/assets/000000000000/trueline.css", "/assets/x/y"] {
        assert_eq!(site.get(missing).await.0, 404);
    }
}

/// Whatever is in the router under `/v1` is described, and whatever is described answers.
#[tokio::test]
async fn the_interface_is_described() {
    let site = Site::new(Vec::new());
    let document = site.json("/v1/openapi.json").await;
    let described: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let routes = include_str!("../routes.rs");
    let routed: Vec<&str> = routes
        .split('"')
        .filter(|text| text.starts_with("/v1/") && !text.ends_with(".json") && !text.contains(' '))
        .collect();
    assert_eq!(described.len(), routed.len());
    for path in routed {
        assert!(
            described.iter().any(|known| *known == path),
            "{path} is not described"
        );
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
