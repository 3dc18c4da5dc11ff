//! Rows that come in a stream of a Redis: each once, whoever dies, and what cannot be read apart.

use trueline_tests::redis::Redis;

use super::support::{HOUR, Project, column, ints, table, times};
use crate::Ingested;

struct Stream {
    redis: Redis,
    project: Project,
}

impl Stream {
    fn new(more: &str) -> Self {
        let redis = Redis::start_with(&["--appendonly", "yes"]);
        let project = Project::new(&file(&redis, more));
        Self { redis, project }
    }

    fn add(&self, fields: &str) {
        let id = self.redis.command(&format!("XADD clicks * {fields}"));
        assert!(id.starts_with('$'), "{id}");
    }

    fn ingest(&self) -> Ingested {
        let done = self.project.store.ingest(HOUR).unwrap();
        done.get("clicks").copied().unwrap_or_default()
    }

    /// What both stores have of users 0 to 3, and how many rows the log has.
    fn held(&self) -> (Vec<Option<f64>>, usize) {
        let users = table(vec![("user", ints(0..4))]);
        let online = self.project.online("clicks", &users, HOUR);
        let online: Vec<_> = online.into_iter().map(|cell| cell.0).collect();
        let spine = table(vec![
            ("user", ints(0..4)),
            ("event_timestamp", times([HOUR; 4])),
        ]);
        let (manifest, made) = self.project.history("clicks", &spine);
        assert_eq!(column(&made, "count"), online, "offline beside online");
        (online, manifest.views[0].rows)
    }
}

fn file(redis: &Redis, more: &str) -> String {
    format!(
        "
[entity.user]
keys = {{ user = 'int64' }}
[source.clicks]
columns = {{ user = 'int64', at = 'timestamp', count = 'float64', what = 'utf8', is_new = 'boolean' }}
event_time = 'at'
stream = {{ redis = '{}', key = 'clicks' {more} }}
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count']
",
        redis.url()
    )
}

#[test]
fn entries_are_taken_in_once_in_their_order() {
    let stream = Stream::new("");
    assert_eq!(stream.ingest(), Ingested::default(), "no stream yet");
    stream.add("user 1 at 1970-01-01T00:00:01Z count 1.5 what a is_new true");
    stream.add("user 2 at 2 count 0.1");
    stream.add("user 1 at 1970-01-01T00:00:02 count 2.5");
    let rows = |rows| Ingested {
        rows,
        quarantined: 0,
    };
    assert_eq!(stream.ingest(), rows(3));
    assert_eq!(stream.ingest(), rows(0));
    let expected = vec![None, Some(2.5), Some(0.1), None];
    assert_eq!(stream.held(), (expected, 3));
    // Another process goes on where this one stopped; so does one after a new start of the server.
    stream.add("user 3 at 3 count -1");
    let done = stream.project.reopen().materialize(HOUR).unwrap();
    assert_eq!(done.streamed["clicks"], rows(1));
    assert_eq!(stream.ingest(), rows(0));
    assert_eq!(stream.held().1, 4);
}

#[test]
fn what_cannot_be_read_goes_to_quarantine_alone() {
    let stream = Stream::new("");
    stream.add("user 1 at 1 count 1");
    stream.add("user one at 1 count 1");
    stream.add("user 2 at 1 cuont 2");
    stream.add("user 3 at 1 count 3");
    stream.add("at 1 count 3");
    stream.add("user 2 count 3");
    let expected = Ingested {
        rows: 2,
        quarantined: 4,
    };
    assert_eq!(stream.ingest(), expected);
    assert_eq!(stream.held(), (vec![None, Some(1.0), None, Some(3.0)], 2));
    let held = stream.project.store.quarantined(false).unwrap();
    let reasons: Vec<&str> = held
        .iter()
        .map(|batch| batch.reasons[0].message.split_once(": ").unwrap().1)
        .collect();
    assert_eq!(
        reasons,
        [
            "`user` is int64, and not `one`",
            "the source has no column `cuont`",
            "row 1 has a null in `user`, the join key of view `clicks`",
            "row 1 has no time (`at` is null)",
        ]
    );
    let (_, rows) = stream.project.store.quarantined_rows(2).unwrap();
    let names: Vec<_> = rows[0]
        .schema()
        .fields()
        .iter()
        .map(|one| one.name().clone())
        .collect();
    assert_eq!(names, ["user", "at", "cuont"]);
    // It cannot be taken in as it is, unless the source gets such a column.
    let error = stream
        .project
        .store
        .release(2, HOUR)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("the source has no column `cuont`"),
        "{error}"
    );
    let wider = file(&stream.redis, "").replace("what =", "cuont = 'float64', what =");
    stream.project.apply(&wider).unwrap();
    stream.project.store.release(2, HOUR).unwrap();
    assert_eq!(stream.held().1, 3);
}

#[test]
fn each_entry_is_looked_at_by_itself() {
    let stream = Stream::new("");
    let expecting = file(&stream.redis, "").replace(
        "[view.",
        "[source.clicks.expect]\ncolumns.count = { min = 0 }\n[view.",
    );
    stream.project.apply(&expecting).unwrap();
    for (user, count) in [(0, 1), (1, -1), (2, 2), (3, -2)] {
        stream.add(&format!("user {user} at 1 count {count}"));
    }
    let expected = Ingested {
        rows: 2,
        quarantined: 2,
    };
    assert_eq!(stream.ingest(), expected);
    assert_eq!(stream.held(), (vec![Some(1.0), None, Some(2.0), None], 2));
    stream.project.store.release(2, HOUR).unwrap();
    assert_eq!(stream.held().0[3], Some(-2.0));
}

#[test]
fn a_row_may_be_an_object_in_one_field() {
    let stream = Stream::new(", field = 'payload'");
    stream.add(r#"trace 7 payload '{"user":1,"at":"1970-01-01T00:00:01Z","count":0.25}'"#);
    stream.add("trace 8 payload nonsense");
    stream.add("trace 9");
    let expected = Ingested {
        rows: 1,
        quarantined: 2,
    };
    assert_eq!(stream.ingest(), expected);
    assert_eq!(stream.held().0[1], Some(0.25));
}

#[test]
fn a_server_that_goes_away_loses_and_doubles_nothing() {
    let mut stream = Stream::new("");
    stream.add("user 1 at 1 count 1");
    assert_eq!(stream.ingest().rows, 1);
    stream.add("user 2 at 1 count 2");
    stream.redis.kill();
    let error = stream.project.store.ingest(HOUR).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the stream `clicks` of source `clicks` at redis+unix://"),
        "{text}"
    );
    assert!(error.hint().unwrap().contains("features materialize"));
    stream.redis.start_again();
    assert_eq!(stream.ingest().rows, 1);
    assert_eq!(stream.held(), (vec![None, Some(1.0), Some(2.0), None], 2));
    // Something else under the name of the stream.
    let error = {
        stream.redis.command("DEL clicks");
        stream.redis.command("SET clicks 1");
        stream.project.store.ingest(HOUR).unwrap_err().to_string()
    };
    assert!(error.contains("WRONGTYPE"), "{error}");
}

#[test]
fn several_readers_lose_and_double_nothing() {
    let stream = Stream::new("");
    let stores: Vec<_> = (0..4).map(|_| stream.project.reopen()).collect();
    std::thread::scope(|scope| {
        for store in &stores {
            scope.spawn(move || {
                for _ in 0..40 {
                    store.ingest(HOUR).unwrap();
                }
            });
        }
        for index in 0..2_500 {
            stream.add(&format!("user {} at {index} count {index}", index % 4));
        }
    });
    stream.ingest();
    let newest = vec![Some(2496.0), Some(2497.0), Some(2498.0), Some(2499.0)];
    assert_eq!(stream.held(), (newest, 2_500));
}

#[test]
fn a_password_is_no_part_of_the_file() {
    let stream = Stream::new("");
    let file = file(&stream.redis, "").replace(&stream.redis.url(), "redis://:s3cret@localhost");
    let error = stream.project.apply(&file).unwrap_err().to_string();
    assert!(
        error.contains("source `clicks`: the address of the stream has a password in it")
            && error.contains("TRUELINE_STREAM_PASSWORD"),
        "{error}"
    );
}
