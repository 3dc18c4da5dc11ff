//! Views that components compute: of the rows of a source, of other views, and of requests.

use std::sync::Arc;

use arrow::array::RecordBatch;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::support::{Project, check_file, column, floats, ints, numbers, table, times};
use crate::{Selection, Status};

/// `raw` as it comes, `clipped` of the same rows, `ratio` of both and of the request, `twice` of `ratio`.
const VIEWS: &str = r#"
[entity.user]
keys = { user = "int64" }

[source.clicks]
columns = { user = "int64", at = "timestamp", count = "float64", cost = "float64" }
event_time = "at"

[view.raw]
entity = "user"
source = "clicks"
features = ["count", "cost"]
ttl = "50us"

[view.clipped]
entity = "user"
source = "clicks"
use = "tabular"
params.steps = [
  { op = "clip", columns = "count", min = 2, max = 6 },
  { op = "compute", into = "each", value = "cost / count" },
]
features = ["count", "each", "cost"]

[view.ratio]
views = { raw = "raw:count", clipped = "clipped:count" }
request = { factor = "float64" }
use = "tabular"
params.steps = [
  { op = "compute", into = "ratio", value = "coalesce(raw, 100) * factor - coalesce(clipped, 0)" },
  { op = "select", columns = ["ratio"] },
]
features = ["ratio"]

[view.twice]
views = ["ratio"]
use = "tabular"
params.steps = [{ op = "compute", into = "twice", value = "2 * ratio" }]

[service.all]
features = ["clipped", "twice:twice", "ratio", "raw:cost"]
"#;

fn clicks(rows: &[(i64, i64, Option<f64>, f64)]) -> RecordBatch {
    table(vec![
        ("user", ints(rows.iter().map(|row| row.0))),
        ("at", times(rows.iter().map(|row| row.1))),
        ("count", numbers(rows.iter().map(|row| row.2))),
        ("cost", numbers(rows.iter().map(|row| row.3))),
    ])
}

fn request(users: &[i64], factor: f64) -> RecordBatch {
    table(vec![
        ("user", ints(users.iter().copied())),
        ("factor", numbers(users.iter().map(|_| factor))),
    ])
}

fn service() -> Selection {
    Selection::Service("all".to_owned())
}

const NAMES: [&str; 6] = [
    "clipped__count",
    "clipped__each",
    "clipped__cost",
    "twice__twice",
    "ratio__ratio",
    "raw__cost",
];

/// The features of a user at an instant, by the plainest reading of the definitions.
fn expected(
    rows: &[(i64, i64, Option<f64>, f64)],
    user: i64,
    at: i64,
    factor: f64,
) -> [Option<f64>; 6] {
    let known = rows.iter().filter(|row| row.0 == user && row.1 <= at);
    // Of equal instants the one that was taken in last.
    let newest = known.max_by_key(|row| row.1);
    let clipped = newest
        .and_then(|row| row.2)
        .map(|count| count.clamp(2.0, 6.0));
    let fresh = newest.filter(|row| at - row.1 <= 50);
    let raw = fresh.and_then(|row| row.2);
    let ratio = raw.unwrap_or(100.0) * factor - clipped.unwrap_or(0.0);
    [
        clipped,
        newest.and_then(|row| Some(row.3 / clipped?)),
        newest.map(|row| row.3),
        Some(2.0 * ratio),
        Some(ratio),
        fresh.map(|row| row.3),
    ]
}

#[test]
fn columns_come_in_the_order_of_the_service_with_versions_and_statuses() {
    let project = Project::new(VIEWS);
    project
        .store
        .push("clicks", &clicks(&[(1, 10, Some(9.0), 3.0)]), None, 10)
        .unwrap();
    let answer = project
        .store
        .get_features(&service(), &request(&[1, 2], 0.5), 20)
        .unwrap();
    let names: Vec<_> = answer
        .features
        .iter()
        .map(|feature| feature.full_name.as_str())
        .collect();
    assert_eq!(names, NAMES);
    let row = |row| {
        (0..6)
            .map(|index| floats(answer.rows.column(index))[row])
            .collect::<Vec<_>>()
    };
    let first = [
        Some(6.0),
        Some(0.5),
        Some(3.0),
        Some(-3.0),
        Some(-1.5),
        Some(3.0),
    ];
    assert_eq!(row(0), first);
    assert_eq!(row(1), [None, None, None, Some(100.0), Some(50.0), None]);
    assert_eq!(answer.status(0, 1), Status::NotFound);
    let versions: std::collections::BTreeSet<_> =
        answer.views.iter().map(|view| view.version).collect();
    assert_eq!(versions.len(), 4, "each view has its own");
}

/// A computed value has the status of the first of its inputs that is not present, be there a value or not.
#[test]
fn a_computed_value_says_what_it_was_not_made_of() {
    use Status::{NotFound, NullValue, OutsideMaxAge, Present};
    let project = Project::new(VIEWS);
    let rows = [
        (1, 10, Some(9.0), 3.0),
        (2, 10, None, 3.0),
        (4, 60, Some(1.0), 1.0),
    ];
    project
        .store
        .push("clicks", &clicks(&rows), None, 60)
        .unwrap();
    let check = |now_us: i64, expected: [Status; 4]| {
        let request = request(&[1, 2, 3, 4], 0.5);
        let answer = project
            .store
            .get_features(&service(), &request, now_us)
            .unwrap();
        for (user, status) in expected.into_iter().enumerate() {
            // Of `twice`, which is made of `ratio`, and of `ratio`, which is made of `raw` and `clipped`.
            let found = [answer.status(3, user), answer.status(4, user)];
            assert_eq!(found, [status; 2], "entity {user} at {now_us}");
        }
        let twice = floats(answer.rows.column(3));
        assert!(twice.iter().all(Option::is_some), "{twice:?}");
    };
    check(60, [Present, NullValue, NotFound, Present]);
    // Inputs go by their names: `clipped` has no ttl, and `raw` comes after it.
    check(61, [OutsideMaxAge, NullValue, NotFound, Present]);
}

#[test]
fn one_entity_is_asked_for_in_few_words() {
    let project = Project::new(VIEWS);
    project
        .store
        .push("clicks", &clicks(&[(1, 10, Some(9.0), 3.0)]), None, 10)
        .unwrap();
    let ask = || project.store.service("all").of("user", 1).at_us(20);
    let features = ask().of("factor", 0.5).get().unwrap();
    assert_eq!(features.value("twice"), Some((-3.0).into()));
    assert_eq!(features.value("raw__cost"), Some(3.0.into()));
    assert_eq!(features.status("clipped__count"), Some(Status::Present));
    assert_eq!(features.value("nothing"), None);
    let error = ask().get().unwrap_err().to_string();
    assert_eq!(error, "the request: there is no list `factor`");
}

#[test]
fn what_does_not_fit_is_told() {
    let project = Project::new(VIEWS);
    let check = |result: crate::Result<()>, expected: &str| {
        let error = result.unwrap_err();
        assert_eq!(
            format!("{error}; {}", error.hint().unwrap_or("-")),
            expected
        );
    };
    let users = table(vec![("user", ints([1])), ("facto", numbers([1.0]))]);
    check(
        project.store.get_features(&service(), &users, 1).map(drop),
        "the request has no column `factor`, which view `ratio` reads; did you mean `facto`?",
    );
    let users = table(vec![("user", ints([1])), ("factor", ints([1]))]);
    check(
        project.store.get_features(&service(), &users, 1).map(drop),
        "the request: `factor` is int64, and view `ratio` reads it as float64; make the column's type the one that the feature file declares",
    );
    project.write(
        "spine.parquet",
        &table(vec![("user", ints([1])), ("event_timestamp", times([1]))]),
    );
    check(
        project.try_history(&project.request(service())).map(drop),
        "the spine has no column `factor`, which view `ratio` reads of a request; its columns are `user`, `event_timestamp`",
    );
}

#[test]
fn mistakes_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("features.toml");
    let check = |old: &str, new: &str, expected: &[&str]| {
        assert!(VIEWS.contains(old), "{old}");
        std::fs::write(&file, VIEWS.replace(old, new)).unwrap();
        let said = check_file(&file).unwrap_err().to_string();
        for text in expected {
            assert!(said.contains(text), "{text} in {said}");
        }
    };
    check(
        "views = { raw = \"raw:count\", clipped = \"clipped:count\" }",
        "views = [\"raw:count\", \"twice\"]",
        &["view `ratio` is made of itself: ratio → twice → ratio"],
    );
    check(
        "raw:count",
        "raw:coumt",
        &[
            "feature `coumt`, which view `raw` does not define",
            "did you mean `count`?",
        ],
    );
    check(
        "clipped:count",
        "cliped:count",
        &[
            "made of `cliped`, which is no view",
            "did you mean `clipped`?",
        ],
    );
    check(
        "use = \"tabular\"",
        "use = \"tabula\"",
        &["there is no plugin `tabula`", "did you mean `tabular`?"],
    );
    check(
        "columns = \"count\", min = 2",
        "columns = \"cuont\", min = 2",
        &["view `clipped`: ", "`cuont`"],
    );
    check(
        "{ op = \"clip\", columns = \"count\", min = 2, max = 6 }",
        "{ op = \"standard-scale\", columns = \"count\" }",
        &[
            "has to learn from rows before it maps any",
            "package = \"name@champion\"",
        ],
    );
    check(
        "features = [\"ratio\"]",
        "features = [\"ratoi\"]",
        &["does not answer `ratoi`", "did you mean `ratio`?"],
    );
    check(
        "use = \"tabular\"\nparams.steps = [{ op",
        "package = \"x\"\nparams.steps = [{ op",
        &["a package has its own parameters"],
    );
}

#[test]
fn another_component_or_parameter_is_another_version_and_the_old_one_stays() {
    let project = Project::new(VIEWS);
    project
        .store
        .push("clicks", &clicks(&[(1, 10, Some(9.0), 3.0)]), None, 10)
        .unwrap();
    let old = project.store.revision().unwrap().definitions.services["all"].version();
    let plan = {
        let file = project.path("new.toml");
        std::fs::write(&file, VIEWS.replace("max = 6", "max = 7")).unwrap();
        project.store.plan(&check_file(&file).unwrap()).unwrap()
    };
    let changed: Vec<_> = plan
        .iter()
        .filter(|one| !one.details.is_empty())
        .map(|one| format!("{}: {}", one.name, one.details.join(", ")))
        .collect();
    assert_eq!(
        changed,
        [
            "clipped: its component has other parameters",
            "ratio: it is made of other features, or of other versions",
            "twice: it is made of other features, or of other versions",
            "all: view `clipped` has a new version, view `twice` has a new version, view `ratio` has a new version",
        ]
    );
    assert!(plan.iter().all(|one| one.breaks.is_empty()));
    project.apply(&VIEWS.replace("max = 6", "max = 7")).unwrap();
    let read = |name: String| {
        let selection = Selection::Service(name);
        let answer = project
            .reopen()
            .get_features(&selection, &request(&[1], 1.0), 20)
            .unwrap();
        floats(answer.rows.column(0))[0]
    };
    assert_eq!(read("all".to_owned()), Some(7.0));
    assert_eq!(read(format!("all@{}", old.hex())), Some(6.0));
}

#[test]
fn history_and_online_agree_on_a_batch() {
    let rows: Vec<_> = (0..500_i64)
        .map(|row| {
            (
                row % 7,
                row / 3,
                (row % 5 != 0).then_some(row as f64 / 8.0),
                row as f64,
            )
        })
        .collect();
    agree(
        &rows,
        &[(0, 100, 0.5), (3, 20, 2.0), (6, 166, -1.0), (9, 50, 1.0)],
    );
}

fn agree(rows: &[(i64, i64, Option<f64>, f64)], spine: &[(i64, i64, f64)]) {
    let project = Project::new(VIEWS);
    // One row each, in the order of their instants, so that online can be asked in between.
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| row.1);
    let mut asked = spine.to_vec();
    asked.sort_by_key(|row| row.1);
    let mut online = Vec::new();
    let mut pushed = 0;
    for &(user, at, factor) in &asked {
        let due = sorted.partition_point(|row| row.1 <= at);
        if due > pushed {
            // Known when it happened: a push a moment.
            let mut start = pushed;
            while start < due {
                let moment = sorted[start].1;
                let end = sorted.partition_point(|row| row.1 <= moment);
                project
                    .store
                    .push("clicks", &clicks(&sorted[start..end]), None, moment)
                    .unwrap();
                start = end;
            }
            pushed = due;
        }
        let answer = project
            .store
            .get_features(&service(), &request(&[user], factor), at)
            .unwrap();
        online.push(
            (0..6)
                .map(|index| floats(answer.rows.column(index))[0])
                .collect::<Vec<_>>(),
        );
    }
    project.write(
        "spine.parquet",
        &table(vec![
            ("user", ints(asked.iter().map(|row| row.0))),
            ("event_timestamp", times(asked.iter().map(|row| row.1))),
            ("factor", numbers(asked.iter().map(|row| row.2))),
        ]),
    );
    let mut history = project.request(service());
    history.full_names = true;
    let (made, offline) = project.try_history(&history).unwrap();
    let derived: Vec<_> = made
        .manifest
        .derived
        .iter()
        .map(|one| one.0.as_str())
        .collect();
    assert_eq!(derived, ["ratio", "twice"]);
    for (index, name) in NAMES.iter().enumerate() {
        let offline = column(&offline, name);
        for (row, (user, at, factor)) in asked.iter().enumerate() {
            let bits = |value: Option<f64>| value.map(f64::to_bits);
            let wanted = expected(&sorted[..pushed], *user, *at, *factor)[index];
            assert_eq!(
                bits(online[row][index]),
                bits(wanted),
                "{name} of {user} at {at}, online"
            );
            assert_eq!(
                bits(offline[row]),
                bits(wanted),
                "{name} of {user} at {at}, offline"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn both_paths_compute_what_is_defined(
        rows in prop::collection::vec(
            (0..3_i64, 0..90_i64, prop::option::of(1..80_i64), 0..80_i64), 0..20),
        spine in prop::collection::vec((0..4_i64, 0..160_i64, -8..8_i64), 1..8),
    ) {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(user, at, count, cost)| (user, at, count.map(|count| count as f64 / 8.0), cost as f64))
            .collect();
        let spine: Vec<_> = spine
            .into_iter()
            .map(|(user, at, factor)| (user, at, factor as f64 / 4.0))
            .collect();
        agree(&rows, &spine);
    }
}

/// Columns of the request come among the entities, as a Feast client sends them, and are not answered.
#[test]
fn requests_bring_their_columns_over_http() {
    let project = Project::new(VIEWS);
    let known = clicks(&[(1, 10, Some(9.0), 3.0)]);
    project.store.push("clicks", &known, None, 10).unwrap();
    let app = crate::http::router(Arc::new(project.store));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let post = |path: &str, body: Value| {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = runtime.block_on(app.clone().oneshot(request)).unwrap();
        let status = response.status().as_u16();
        let body = runtime.block_on(to_bytes(response.into_body(), 1 << 20));
        (
            status,
            serde_json::from_slice::<Value>(&body.unwrap()).unwrap(),
        )
    };
    let entities = json!({ "user": [1], "factor": [0.5] });
    let (status, answer) = post(
        "/v1/features",
        json!({ "service": "all", "entities": entities }),
    );
    let values = json!([6.0, 0.5, 3.0, 88.0, 44.0, null]);
    assert_eq!(
        (status, &answer["rows"][0]["values"]),
        (200, &values),
        "{answer}"
    );
    let body = json!({ "features": ["twice:twice", "raw:cost"], "entities": entities });
    let (status, answer) = post("/get-online-features", body);
    let names = &answer["metadata"]["feature_names"];
    assert_eq!(
        (status, names),
        (200, &json!(["user", "twice", "cost"])),
        "{answer}"
    );
    assert_eq!(answer["results"][1]["values"], json!([88.0]));
    assert_eq!(answer["results"][2]["statuses"], json!(["OUTSIDE_MAX_AGE"]));
    let (status, answer) = post(
        "/v1/features",
        json!({ "service": "all", "entities": { "user": [1] } }),
    );
    assert_eq!(status, 422, "{answer}");
    assert!(answer["error"].to_string().contains("`factor`"), "{answer}");
}
