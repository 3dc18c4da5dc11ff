//! Disks that lose the last of what they held, and logs that were restored from a backup.

use std::path::{Path, PathBuf};

use trueline_tests::redis::Redis;

use super::support::{HOUR, Project, column, floats, ints, numbers, read, table, times};
use super::twin;
use crate::online::Environment;
use crate::{FeatureStore, Selection};

const CLICKS: &str = "
[entity.user]
keys = { user = 'int64' }
[source.clicks]
columns = { user = 'int64', at = 'timestamp', count = 'float64' }
event_time = 'at'
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count']
[view.sums]
entity = 'user'
source = 'clicks'
[view.sums.aggregate]
total = { sum = 'count', over = ['1h'] }
[service.s]
features = ['clicks', 'sums']
";
const USERS: i64 = 3;
/// When all of it is asked for.
const NOW: i64 = 50;

fn clicks(rows: &[(i64, i64, f64)]) -> arrow::array::RecordBatch {
    table(vec![
        ("user", ints(rows.iter().map(|row| row.0))),
        ("at", times(rows.iter().map(|row| row.1))),
        ("count", numbers(rows.iter().map(|row| row.2))),
    ])
}

/// Pushes a row of each of two users, under the number as its name; answers whether it had been there.
fn push(store: &FeatureStore, number: i64) -> bool {
    let count = number as f64;
    let rows = clicks(&[(0, number, count), (1 + number % 2, number, count)]);
    let receipt = store.push("clicks", &rows, Some(&number.to_string()), NOW);
    receipt.unwrap().repeated
}

/// What both stores answer after these pushes.
fn expected(pushes: &[i64]) -> [Vec<Option<f64>>; 2] {
    let of = |user: i64| {
        let pushes = pushes.iter();
        pushes.filter(move |&&number| user == 0 || user == 1 + number % 2)
    };
    let last = |user| of(user).max().map(|&number| number as f64);
    let total = |user| {
        of(user)
            .map(|&number| number as f64)
            .reduce(|sum, one| sum + one)
    };
    [
        (0..USERS).map(last).collect(),
        (0..USERS).map(total).collect(),
    ]
}

/// What the online store answers at an instant, and the offline store alike.
fn held(project: &Project, store: &FeatureStore, now_us: i64) -> [Vec<Option<f64>>; 2] {
    let selection = Selection::Service("s".to_owned());
    let users = table(vec![("user", ints(0..USERS))]);
    let answer = store.get_features(&selection, &users, now_us).unwrap();
    let online = [0, 1].map(|index| floats(answer.rows.column(index)));
    let instants = times((0..USERS).map(|_| now_us));
    let spine = table(vec![
        ("user", ints(0..USERS)),
        ("event_timestamp", instants),
    ]);
    project.write("spine.parquet", &spine);
    let output = project.path("training.parquet");
    store
        .history(&project.request(selection), &output, 0)
        .unwrap();
    let made = read(&output);
    let offline = [0, 1].map(|index| column(&made, &answer.features[index].name));
    assert_eq!(online, offline, "online beside offline");
    online
}

fn last_sequence(store: &FeatureStore) -> i64 {
    crate::log::last_sequence(&store.connection()).unwrap()
}

/// Puts what the log's write-ahead log holds into its database.
fn checkpoint(store: &FeatureStore) {
    let connection = store.connection();
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
}

/// The files of a home as they are, without what SQLite keeps in memory: as after a loss of power.
fn copy(home: &Path, to: &Path) -> PathBuf {
    let _ = std::fs::remove_dir_all(to);
    for folder in ["features", "features/segments"] {
        std::fs::create_dir_all(to.join(folder)).unwrap();
        for file in std::fs::read_dir(home.join(folder)).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if file.file_type().unwrap().is_file() && !name.ends_with("-shm") {
                std::fs::copy(file.path(), to.join(folder).join(name)).unwrap();
            }
        }
    }
    to.join("features")
}

fn hinted(error: &crate::Error) -> String {
    format!("{error}; {}", error.hint().unwrap_or("-"))
}

/// A log from a backup gives the numbers of the rows that it lost to other rows. They get online, and what was
/// lost is nowhere.
#[test]
fn a_log_of_a_backup_is_what_both_stores_hold() {
    let project = Project::new(CLICKS);
    for number in 1..=3 {
        push(&project.store, number);
    }
    checkpoint(&project.store);
    let database = std::fs::read(project.path("home/features/features.db")).unwrap();
    for number in 4..=6 {
        push(&project.store, number);
    }
    // One that waits: it is gone as well.
    let later = clicks(&[(2, HOUR, 9.0)]);
    project.store.push("clicks", &later, None, NOW).unwrap();

    let restored = |name: &str| {
        let home = project.path(name);
        let folder = copy(&project.path("home"), &home);
        std::fs::write(folder.join("features.db"), &database).unwrap();
        std::fs::remove_file(folder.join("features.db-wal")).unwrap();
        twin::open(&home)
    };
    // Whoever reads first does not see what was lost.
    let store = restored("read");
    assert_eq!(held(&project, &store, NOW), expected(&[1, 2, 3]));
    // The next rows take its numbers, and more.
    assert!(!push(&store, 5) && !push(&store, 8) && !push(&store, 9) && !push(&store, 10));
    assert!(push(&store, 3), "the log knows what it has");
    assert_eq!(
        held(&project, &store, NOW),
        expected(&[1, 2, 3, 5, 8, 9, 10])
    );

    // And whoever pushes first takes them without looking at what is online. The server of Redis is one for all
    // copies of a home, and ahead again.
    let store = restored("pushed");
    for number in [7, 8, 9, 10, 11, 12, 13] {
        assert!(!push(&store, number));
    }
    let all = [1, 2, 3, 7, 8, 9, 10, 11, 12, 13];
    assert_eq!(held(&project, &store, NOW), expected(&all));
    let [newest, _] = held(&project, &store, HOUR);
    assert_eq!(newest[2], Some(13.0), "what waited was lost");

    let store = restored("materialized");
    let seen = store.materialize(NOW).unwrap().seen;
    assert_eq!(
        (seen, held(&project, &store, NOW)),
        (Default::default(), expected(&[1, 2, 3]))
    );
}

/// The store takes rows in while Redis is away, and finds out later that it has rows of another log.
#[test]
fn a_redis_that_was_away_is_compared_with_the_log_when_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let options = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut redis = Redis::start_with(&options);
    let open = |home: &str| FeatureStore::open_in(&path(home), Environment::default()).unwrap();
    let file = path("features.toml");
    let online = format!("[online]\nstore = '{}'\n", redis.url());
    std::fs::write(&file, online + CLICKS).unwrap();
    let definitions = crate::check(&file).unwrap();
    let store = open("home");
    store.apply(&definitions, folder.path(), 0).unwrap();
    push(&store, 1);
    checkpoint(&store);
    copy(&path("home"), &path("restored"));
    push(&store, 2);
    drop(store);

    redis.kill();
    let store = open("restored");
    let rows = |number: i64| clicks(&[(0, number, number as f64), (1, number, number as f64)]);
    for number in [3, 4] {
        let refused = store.push("clicks", &rows(number), None, NOW).unwrap_err();
        assert!(
            matches!(refused, crate::Error::NotOnline { .. }),
            "{refused}"
        );
    }
    redis.start_again();
    store.push("clicks", &rows(5), None, NOW).unwrap();
    let selection = Selection::Service("s".to_owned());
    let users = table(vec![("user", ints(0..USERS))]);
    let answer = store.get_features(&selection, &users, NOW).unwrap();
    let found = [0, 1].map(|index| floats(answer.rows.column(index)));
    assert_eq!(found[0], [Some(5.0), Some(5.0), Some(1.0)]);
    assert_eq!(found[1], [Some(13.0), Some(12.0), Some(1.0)]);
}

/// Wherever the log is torn: what comes before it is there once in both stores, and what is pushed again too.
#[test]
fn a_torn_tail_of_the_log_ends_it_at_a_push() {
    const PUSHES: i64 = 5;
    /// What SQLite writes before all pages, and a page with what it writes before each.
    const HEAD: usize = 32;
    const FRAME: usize = 24 + 4096;
    let project = Project::new(CLICKS);
    checkpoint(&project.store);
    for number in 1..=PUSHES {
        push(&project.store, number);
    }
    let home = project.path("home");
    let log = std::fs::read(home.join("features/features.db-wal")).unwrap();
    let frames = (log.len() - HEAD) / FRAME;
    assert!(frames >= 10, "{frames} pages");
    let mut ends = std::collections::BTreeSet::new();
    let torn = |bytes: &[u8]| {
        let home = project.path("torn");
        let folder = copy(&project.path("home"), &home);
        std::fs::write(folder.join("features.db-wal"), bytes).unwrap();
        twin::open(&home)
    };
    let mut check = |what: &str, bytes: &[u8]| {
        let store = torn(bytes);
        let rows = last_sequence(&store);
        let kept: Vec<i64> = (1..=rows / 2).collect();
        assert_eq!(rows % 2, 0, "{what}: a push is there as a whole");
        assert_eq!(held(&project, &store, NOW), expected(&kept), "{what}");
        for number in (1..=PUSHES).rev() {
            assert_eq!(push(&store, number), number <= rows / 2, "{what}");
        }
        let all: Vec<i64> = (1..=PUSHES).collect();
        assert_eq!(held(&project, &store, NOW), expected(&all), "{what}");
        assert_eq!(last_sequence(&store), 2 * PUSHES, "{what}");
        ends.insert(rows / 2);
    };
    check("whole", &log);
    check("gone", &[]);
    check("cut off in its head", &log[..HEAD / 2]);
    for frame in 0..frames {
        let start = HEAD + frame * FRAME;
        check(&format!("cut off in page {frame}"), &log[..start + 1000]);
        let mut changed = log.clone();
        changed[start + 2000] ^= 1;
        check(&format!("another page {frame}"), &changed);
    }
    assert_eq!(ends.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_torn_segment_is_told_and_what_it_held_is_not_doubled() {
    let project = Project::new(CLICKS);
    let rows: Vec<_> = (0..20_000).map(|index| (index % 2, 1, 1.0)).collect();
    let big = clicks(&rows);
    project
        .store
        .push("clicks", &big, Some("big"), NOW)
        .unwrap();
    let segments = project.path("home/features/segments");
    let segment = std::fs::read_dir(&segments).unwrap().next().unwrap();
    let segment = segment.unwrap().path();
    let whole = std::fs::read(&segment).unwrap();
    let spine = table(vec![("user", ints([0])), ("event_timestamp", times([NOW]))]);
    project.write("spine.parquet", &spine);

    let refused = |problem: &str| {
        let expected = format!(
            "{}: {problem}; the file was changed or damaged: restore the folder from a backup",
            segment.display()
        );
        let request = project.request(Selection::Service("s".to_owned()));
        let error = project.try_history(&request).unwrap_err();
        assert_eq!(hinted(&error), expected);
        // What is online is made of it only if it has to be made again.
        let again = project.store.push("clicks", &big, Some("big"), NOW);
        assert!(again.unwrap().repeated);
        let copied = copy(&project.path("home"), &project.path("anew"));
        for file in ["online.db", "online.db-wal"] {
            let _ = std::fs::remove_file(copied.join(file));
        }
        let anew = FeatureStore::open_in(&project.path("anew"), Environment::default()).unwrap();
        let error = anew.materialize(NOW).unwrap_err().to_string();
        assert!(error.ends_with(problem), "{error}");
    };
    std::fs::write(&segment, &whole[..whole.len() / 2]).unwrap();
    refused("its bytes are not those of its name");
    std::fs::write(&segment, []).unwrap();
    refused("its bytes are not those of its name");
    std::fs::remove_file(&segment).unwrap();
    refused("it is missing");

    std::fs::write(&segment, &whole).unwrap();
    push(&project.store, 2);
    let ten_thousand = Some(10_002.0);
    assert_eq!(
        held(&project, &project.store, NOW),
        [
            vec![Some(2.0), Some(2.0), None],
            vec![ten_thousand, ten_thousand, None]
        ]
    );
}

#[test]
fn a_database_that_is_cut_off_is_named() {
    let project = Project::new(CLICKS);
    let rows: Vec<_> = (0..20_000).map(|index| (index % 2, 1, 1.0)).collect();
    project
        .store
        .push("clicks", &clicks(&rows), None, NOW)
        .unwrap();
    checkpoint(&project.store);
    let home = project.path("cut");
    let refused = |name: &str, damage: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let folder = copy(&project.path("home"), &home);
        let file = folder.join(name);
        let _ = std::fs::remove_file(folder.join(format!("{name}-wal")));
        std::fs::write(&file, damage(std::fs::read(&file).unwrap())).unwrap();
        let opened = FeatureStore::open_in(&home, Environment::default());
        let error = opened.and_then(|store| store.materialize(NOW)).unwrap_err();
        let text = hinted(&error);
        text.replace(&file.display().to_string(), name)
    };
    let restore = "the file was changed or damaged: restore the folder from a backup";
    let check = |name: &str, damage: &dyn Fn(Vec<u8>) -> Vec<u8>, expected: String| {
        assert_eq!(refused(name, damage), expected);
    };
    check(
        "features.db",
        &|bytes| bytes[..100].to_vec(),
        format!("features.db: it is cut off after 100 bytes; {restore}"),
    );
    check(
        "features.db",
        &|bytes| bytes[..8192].to_vec(),
        format!("features.db: database disk image is malformed; {restore}"),
    );
    check(
        "features.db",
        &|_| Vec::new(),
        format!(
            "features.db: nothing is in it, and beside it are 1 segments of the log; {restore}"
        ),
    );
    check(
        "features.db",
        &|mut bytes| {
            bytes[..16].fill(b'x');
            bytes
        },
        format!("features.db: file is not a database; {restore}"),
    );
    let again = "it was changed or damaged: remove it, and what is called `online.db-…` beside it; `trueline features materialize` makes it again from the log";
    check(
        "online.db",
        &|mut bytes| {
            bytes[..16].fill(b'x');
            bytes
        },
        format!("online.db: file is not a database; {again}"),
    );
}
