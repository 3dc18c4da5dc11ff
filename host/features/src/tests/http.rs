//! Requests as Feast's client and others send them.

use std::sync::Arc;

use arrow::array::Float32Array;
use arrow::ipc::writer::StreamWriter;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::support::{HOUR, Project, ints, table, texts, times};
use crate::http::router;

const DRIVERS: &str = "
[entity.driver]
keys = { driver_id = 'int64' }
[source.stats]
columns = { driver_id = 'int64', at = 'timestamp', rate = 'float32', trips = 'int64', name = 'utf8' }
event_time = 'at'
[view.stats]
entity = 'driver'
source = 'stats'
features = ['rate', 'trips', 'name']
[view.old]
entity = 'driver'
source = 'stats'
features = { old_rate = 'rate' }
ttl = '1h'
[service.s]
features = ['stats:trips', 'old']
";

struct Client {
    project: Project,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let client = Self {
            project: Project::new(DRIVERS),
            runtime,
        };
        let push = json!({
            "push_source_name": "stats",
            "df": {
                "driver_id": [1001, 1002], "at": ["2026-01-01T00:00:00.25", "2026-01-01T00:00:00"],
                "rate": [0.10000000149011612, "NaN"], "trips": [7, null], "name": ["ä", "b"],
            },
            "allow_registry_cache": true, "to": "online_and_offline", "transform_on_write": true,
        });
        assert_eq!(client.post("/push", &push), (StatusCode::OK, Value::Null));
        client
    }

    fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.post_text(path, "application/json", body.to_string())
    }

    fn post_text(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header("content-type", content_type)
            .header("idempotency-key", "a")
            .body(body.into())
            .unwrap();
        let app = router(Arc::new(self.project.reopen()));
        self.runtime.block_on(async {
            let response = app.oneshot(request).await.unwrap();
            let status = response.status();
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
        })
    }
}

#[test]
fn feasts_answer_is_column_major() {
    let client = Client::new();
    let request = json!({
        "features": ["stats:rate", "stats:trips", "old:old_rate"],
        "entities": { "driver_id": [1001, 1002, 9999] },
        "full_feature_names": false, "include_feature_view_version_metadata": false,
    });
    let epoch = "1970-01-01T00:00:00Z";
    let (first, second) = ("2026-01-01T00:00:00.250Z", "2026-01-01T00:00:00Z");
    let expected = json!({
        "metadata": { "feature_names": ["driver_id", "rate", "trips", "old_rate"] },
        "results": [
            { "values": [1001, 1002, 9999], "statuses": ["PRESENT", "PRESENT", "PRESENT"], "event_timestamps": [epoch, epoch, epoch] },
            { "values": [0.10000000149011612, null, null], "statuses": ["PRESENT", "PRESENT", "NOT_FOUND"], "event_timestamps": [first, second, epoch] },
            { "values": [7, null, null], "statuses": ["PRESENT", "NULL_VALUE", "NOT_FOUND"], "event_timestamps": [first, second, epoch] },
            { "values": [null, null, null], "statuses": ["OUTSIDE_MAX_AGE", "OUTSIDE_MAX_AGE", "NOT_FOUND"], "event_timestamps": [first, second, epoch] },
        ],
    });
    assert_eq!(
        client.post("/get-online-features", &request),
        (StatusCode::OK, expected)
    );

    let by_service = json!({ "feature_service": "s", "entities": { "driver": [1001] }, "full_feature_names": true });
    let (_, answer) = client.post("/get-online-features", &by_service);
    let names = json!(["driver_id", "stats__trips", "old__old_rate"]);
    assert_eq!(
        answer["metadata"]["feature_names"], names,
        "an entity's name stands for its key"
    );
}

#[test]
fn feasts_errors_are_json_in_a_text() {
    let client = Client::new();
    let check = |path: &str, body: Value, status: u16, class: &str, message: &str| {
        let (found, body) = client.post(path, &body);
        let detail: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
        let expected = json!({ "module": "feast.errors", "class": class, "message": message });
        assert_eq!((found.as_u16(), detail), (status, expected));
    };
    let entities = || json!({ "driver_id": [1] });
    let path = "/get-online-features";
    check(
        path,
        json!({ "feature_service": "x", "entities": entities() }),
        404,
        "FeatureServiceNotFoundException",
        "there is no feature service `x`",
    );
    check(
        path,
        json!({ "features": ["stat:rate"], "entities": entities() }),
        404,
        "FeatureViewNotFoundException",
        "there is no feature view `stat`",
    );
    check(
        path,
        json!({ "features": ["stats:rate"], "entities": { "driver_id": ["a"] } }),
        422,
        "FeastError",
        "the request: `driver_id` is int64, and value 1 of it is \"a\"",
    );
    check(
        "/push",
        json!({ "push_source_name": "x", "df": {} }),
        422,
        "PushSourceNotFoundException",
        "there is no source `x`",
    );
    let (status, body) = client.post(path, &json!({ "entities": entities() }));
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        body["detail"][0]["msg"]
            .as_str()
            .unwrap()
            .contains("exactly one of")
    );
}

#[test]
fn feasts_client_writes_under_its_own_names() {
    let client = Client::new();
    let write = json!({
        "feature_view_name": "old",
        "df": { "driver_id": [1001], "old_rate": [0.5], "event_timestamp": ["2026-02-01T00:00:00"], "created": ["2026-02-01T00:00:00"] },
        "allow_registry_cache": true,
    });
    // A column that the source has not is left out, one that was not sent is null.
    assert_eq!(
        client.post("/write-to-online-store", &write),
        (StatusCode::OK, Value::Null)
    );
    let request =
        json!({ "features": ["stats:rate", "stats:trips"], "entities": { "driver_id": [1001] } });
    let (_, answer) = client.post("/get-online-features", &request);
    assert_eq!(
        (
            &answer["results"][1]["values"][0],
            &answer["results"][2]["values"][0]
        ),
        (&json!(0.5), &Value::Null)
    );
}

/// A window is checked, and a wider one is what is brought online: nothing late is left behind.
#[test]
fn feasts_windows_and_places_mean_something_or_are_refused() {
    let client = Client::new();
    let (from, to) = ("2026-02-01T00:00:00", "2026-03-01T00:00:00+01:00");
    let check = |path: &str, body: Value, status: u16, expected: &str| {
        let (found, body) = client.post(path, &body);
        let said = body.to_string();
        assert!(
            found.as_u16() == status && said.contains(expected),
            "{path}: {found} {said}"
        );
    };
    let incremental = "/materialize-incremental";
    check(
        incremental,
        json!({ "end_ts": to, "feature_views": null }),
        200,
        "null",
    );
    check(incremental, json!({}), 422, "`end_ts` is needed");
    check(
        "/materialize",
        json!({ "start_ts": from, "end_ts": to, "feature_views": ["old"] }),
        200,
        "null",
    );
    let accepted = r#""feature_views":["old","stats"],"status":"accepted""#;
    check(
        "/materialize?async=true",
        json!({ "start_ts": from, "end_ts": to }),
        202,
        accepted,
    );
    check(
        "/materialize",
        json!({ "start_ts": to, "end_ts": from }),
        422,
        "`end_ts` is before `start_ts`",
    );
    check(
        "/materialize",
        json!({ "start_ts": "May", "end_ts": to }),
        422,
        "`May` is no ISO 8601 time",
    );
    let unknown = json!({ "start_ts": from, "end_ts": to, "feature_views": ["x"] });
    check("/materialize", unknown, 404, "there is no feature view `x`");
    let versioned = json!({ "end_ts": to, "version": "v2" });
    check(incremental, versioned, 422, "`version` cannot be chosen");
    let push = |to: &str| json!({ "push_source_name": "stats", "df": {}, "to": to });
    check(
        "/push",
        push("offline"),
        422,
        "cannot go to the offline store alone",
    );
    check("/push", push("nowhere"), 422, "unknown variant");
}

#[test]
fn the_stores_own_answer_has_rows_and_versions() {
    let client = Client::new();
    let lines = "{\"driver_id\": 1, \"at\": \"2026-01-01T00:00:00Z\", \"trips\": 3}\n\n{\"driver_id\": 1, \"at\": \"2026-01-02T00:00:00Z\", \"trips\": 4}\n";
    let push = || {
        client.post_text(
            "/v1/sources/stats/rows",
            "application/x-ndjson",
            lines.to_owned(),
        )
    };
    let (status, receipt) = push();
    assert_eq!(
        (status, &receipt["rows"], &receipt["repeated"]),
        (StatusCode::OK, &json!(2), &json!(false))
    );
    assert_eq!(push().1["repeated"], json!(true));

    let request =
        json!({ "features": ["stats:trips", "stats:name"], "entities": { "driver_id": [1, 2] } });
    let (status, answer) = client.post("/v1/features", &request);
    let view = &client.project.store.revision().unwrap().definitions.views["stats"];
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["views"],
        json!([{ "name": "stats", "version": view.version() }])
    );
    assert_eq!(
        answer["rows"],
        json!([
            { "values": [4, null], "statuses": ["PRESENT", "NULL_VALUE"], "event_times": ["2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"] },
            { "values": [null, null], "statuses": ["NOT_FOUND", "NOT_FOUND"], "event_times": [null, null] },
        ])
    );
    let (status, error) = client.post("/v1/features", &json!({ "service": "t", "entities": {} }));
    assert_eq!(
        (status, &error["error"]),
        (
            StatusCode::NOT_FOUND,
            &json!("there is no feature service `t`")
        )
    );
    let wrong = client.post_text(
        "/v1/sources/stats/rows",
        "application/x-ndjson",
        "{\"x\": 1}".to_owned(),
    );
    assert_eq!(
        wrong.1["error"],
        json!("line 1 of the push: the source has no column `x`")
    );
}

#[test]
fn rows_come_as_an_arrow_stream_too() {
    let client = Client::new();
    let rows = table(vec![
        ("driver_id", ints([1, 2])),
        ("at", times([HOUR, HOUR])),
        ("rate", Arc::new(Float32Array::from(vec![0.5, -0.0]))),
        ("trips", ints([Some(3), None])),
        ("name", texts(&["a", "b"])),
    ]);
    let mut stream = StreamWriter::try_new(Vec::new(), rows.schema_ref()).unwrap();
    stream.write(&rows).unwrap();
    stream.write(&rows).unwrap();
    let stream = stream.into_inner().unwrap();
    let push = |stream: &[u8]| {
        let kind = "application/vnd.apache.arrow.stream";
        client.post_text("/v1/sources/stats/rows", kind, stream.to_vec())
    };
    let (status, receipt) = push(&stream);
    assert_eq!((status, &receipt["rows"]), (StatusCode::OK, &json!(4)));
    let asked =
        json!({ "features": ["stats:rate", "stats:trips"], "entities": { "driver_id": [1, 2] } });
    let (_, answer) = client.post("/get-online-features", &asked);
    assert_eq!(answer["results"][1]["values"], json!([0.5, -0.0]));
    assert_eq!(answer["results"][2]["values"], json!([3, null]));
    let (status, refused) = push(&stream[..9]);
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let told = refused["error"].as_str().unwrap();
    assert!(told.starts_with("the push is no Arrow stream: "), "{told}");
}
