//! The online store in a real Redis: what is special about it.

use trueline_tests::redis::Redis;

use super::support::{HOUR, ints, numbers, table, times};
use crate::online::Environment;
use crate::{Error, FeatureStore, Selection, check};

struct Project {
    folder: tempfile::TempDir,
    redis: Redis,
}

impl Project {
    fn new(options: &[&str]) -> Self {
        let project = Self::without_definitions(options);
        project.apply("home", &project.redis.url()).unwrap();
        project
    }

    fn without_definitions(options: &[&str]) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            redis: Redis::start_with(options),
        }
    }

    fn apply(&self, home: &str, online: &str) -> Result<(), Error> {
        let file = self.folder.path().join("features.toml");
        let text = format!(
            "[online]
            store = '{online}'
            [entity.user]
            keys = {{ user = 'int64' }}
            [source.clicks]
            columns = {{ user = 'int64', at = 'timestamp', count = 'float64' }}
            event_time = 'at'
            [view.clicks]
            entity = 'user'
            source = 'clicks'
            features = ['count']"
        );
        std::fs::write(&file, text).unwrap();
        let definitions = check(&file)?;
        let store = self.open(home);
        store.apply(&definitions, self.folder.path(), 0).map(drop)
    }

    /// The store as another process would open it.
    fn open(&self, home: &str) -> FeatureStore {
        FeatureStore::open_in(&self.folder.path().join(home), Environment::default()).unwrap()
    }
}

fn clicks(rows: impl IntoIterator<Item = (i64, i64, f64)>) -> arrow::array::RecordBatch {
    let rows: Vec<_> = rows.into_iter().collect();
    table(vec![
        ("user", ints(rows.iter().map(|row| row.0))),
        ("at", times(rows.iter().map(|row| row.1))),
        ("count", numbers(rows.iter().map(|row| row.2))),
    ])
}

fn get(store: &FeatureStore, users: i64, now_us: i64) -> Result<Vec<Option<f64>>, Error> {
    let selection = Selection::Features(vec!["clicks".to_owned()]);
    let users = table(vec![("user", ints(0..users))]);
    let answer = store.get_features(&selection, &users, now_us)?;
    Ok(super::support::floats(answer.rows.column(0)))
}

#[test]
fn the_feature_file_says_where_it_is_and_no_file_is_made() {
    let project = Project::new(&[]);
    let store = project.open("home");
    store
        .push("clicks", &clicks([(1, 5, 1.0)]), None, 5)
        .unwrap();
    assert_eq!(get(&store, 2, 5).unwrap(), [None, Some(1.0)]);
    // The store of another home in the same Redis has rows of its own.
    project.apply("other", &project.redis.url()).unwrap();
    assert_eq!(get(&project.open("other"), 2, 5).unwrap(), [None, None]);
    let command = format!("SET another {}", project.redis.url());
    assert_eq!(project.redis.command(&command), "+OK");
}

#[test]
fn when_it_goes_away_nothing_is_lost_and_it_catches_up() {
    let mut project = Project::new(&[]);
    let store = project.open("home");
    let push = |index: i64, id: &str| {
        let rows = clicks([(index % 3, index, index as f64)]);
        store.push("clicks", &rows, Some(id), 100)
    };
    push(0, "a").unwrap();
    project.redis.kill();
    let error = push(1, "b").unwrap_err();
    assert!(
        matches!(&error, Error::NotOnline { receipt, .. } if receipt.rows == 1),
        "{error}"
    );
    let text = format!("{error}; {}", error.hint().unwrap());
    let expected = format!(
        "1 rows are in the log, but not online yet: the online store at {}?db=0: ",
        project.redis.url()
    );
    assert!(
        text.starts_with(&expected) && text.contains("do not push them again"),
        "{text}"
    );
    assert!(matches!(push(2, "c"), Err(Error::NotOnline { .. })));
    assert!(matches!(get(&store, 3, 100), Err(Error::Online { .. })));

    // It comes back empty: all that it ever had is written again.
    project.redis.start_again();
    assert!(push(3, "d").is_ok());
    let expected = [Some(3.0), Some(1.0), Some(2.0)];
    assert_eq!(get(&store, 3, 100).unwrap(), expected);
    assert!(push(1, "b").unwrap().repeated);
    assert_eq!(get(&project.open("home"), 3, 100).unwrap(), expected);
}

#[test]
fn what_redis_forgets_is_written_again() {
    let project = Project::new(&[]);
    let store = project.open("home");
    let rows = clicks([(0, 1, 1.0), (1, 2, 2.0), (1, 3 * HOUR, 3.0)]);
    store.push("clicks", &rows, None, HOUR).unwrap();
    let kept = [Some(1.0), Some(2.0)];
    let view = store.view("clicks").unwrap().0.version().hex().to_string();
    let identity = crate::registry::identity(&store.connection()).unwrap();
    for forgotten in ["rows", "waiting"] {
        let key = format!("trueline:{identity}:{{{view}}}:{forgotten}");
        assert_eq!(project.redis.command(&format!("DEL {key}")), ":1", "{key}");
        store.materialize(2 * HOUR).unwrap();
        assert_eq!(
            get(&store, 2, 2 * HOUR).unwrap(),
            kept,
            "without the {forgotten}"
        );
    }
    assert_eq!(get(&store, 2, 3 * HOUR).unwrap(), [Some(1.0), Some(3.0)]);
}

/// A write that began before Redis lost what was written before it would hide the loss behind its cursor.
#[test]
fn a_write_into_a_redis_that_has_lost_rows_is_refused() {
    let mut project = Project::new(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = project.open("home");
    store
        .push("clicks", &clicks([(0, 1, 1.0)]), None, 5)
        .unwrap();
    let view = store.view("clicks").unwrap().0.version();
    let online = store.online();
    let refused = |what: &str| {
        let error = online.write(&view, Vec::new(), 5, Some(9)).unwrap_err();
        assert!(
            error.to_string().contains("it has lost rows"),
            "{what}: {error}"
        );
        assert!(online.cursor(&view).is_ok());
        online.write(&view, Vec::new(), 5, Some(1)).unwrap();
    };
    online.cursor(&view).unwrap();
    assert_eq!(project.redis.command("FLUSHALL"), "+OK");
    refused("emptied");
    project.redis.kill();
    project.redis.start_again();
    refused("started anew");
}

#[test]
fn many_rows_wait_and_count_when_they_are_due() {
    let project = Project::new(&[]);
    let store = project.open("home");
    let count = 5_000;
    let rows = clicks((0..count).flat_map(|user| [(user, 1, 1.0), (user, 10 + user, 2.0)]));
    store.push("clicks", &rows, None, 5).unwrap();
    let found = get(&store, count, 5).unwrap();
    assert!(found.iter().all(|value| *value == Some(1.0)));
    let found = get(&store, count, 10 + count).unwrap();
    assert!(found.iter().all(|value| *value == Some(2.0)));
}

#[test]
fn a_password_is_in_no_definition_and_in_no_message() {
    let project = Project::without_definitions(&["--requirepass", "s3cret"]);
    let error = project
        .apply("home", "redis://:s3cret@localhost")
        .unwrap_err();
    let text = format!("{error} {error:?} {}", error.hint().unwrap_or_default());
    assert!(text.contains("has a password in it"), "{text}");

    let with = |password: Option<&str>, online: Option<String>| {
        let environment = Environment {
            online,
            password: password.map(str::to_owned),
            ..Environment::default()
        };
        FeatureStore::open_in(&project.folder.path().join("home"), environment).unwrap()
    };
    // It is in force, although nothing is online yet.
    let refused = project.apply("home", &project.redis.url()).unwrap_err();
    assert!(refused.to_string().contains("NOAUTH"), "{refused}");
    let refused = get(&with(None, None), 1, 5).unwrap_err().to_string();
    assert!(refused.contains("NOAUTH"), "{refused}");
    let refused = get(&with(Some("wr0ng"), None), 1, 5).unwrap_err();
    assert!(
        !format!("{refused} {refused:?}").contains("wr0ng"),
        "{refused}"
    );
    let store = with(Some("s3cret"), None);
    store
        .push("clicks", &clicks([(0, 1, 1.0)]), None, 5)
        .unwrap();
    let url = format!("{}?pass=s3cret", project.redis.url());
    assert_eq!(get(&with(None, Some(url)), 1, 5).unwrap(), [Some(1.0)]);
}

/// Two processes write into one view, one of them in between the other's reading and writing.
#[test]
fn several_processes_lose_and_double_nothing() {
    let project = Project::new(&[]);
    std::thread::scope(|scope| {
        for user in 0..4 {
            let store = project.open("home");
            scope.spawn(move || {
                for index in 0..25 {
                    let rows = clicks([(user, index, index as f64), (9, index, user as f64)]);
                    store
                        .push("clicks", &rows, Some(&format!("{user}/{index}")), 100)
                        .unwrap();
                }
            });
        }
    });
    let store = project.open("home");
    assert_eq!(get(&store, 4, 100).unwrap(), [Some(24.0); 4]);
    assert_eq!(crate::log::last_sequence(&store.connection()).unwrap(), 200);
}
