//! Feature files: what is wrong with them, what applying them changes, and old versions.

use super::support::{Project, ints, numbers, table, times};
use crate::{Change, Selection, check};

const GOOD: &str = "[entity.user]
keys = { user = 'int64' }
[source.clicks]
columns = { user = 'int64', at = 'timestamp', count = 'float64', cost = 'float64' }
event_time = 'at'
[view.clicks]
entity = 'user'
source = 'clicks'
features = ['count', 'cost']
ttl = '1d'
[service.s]
features = ['clicks:count']
";

fn wrong(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("features.toml");
    std::fs::write(&file, text).unwrap();
    let error = check(&file).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let check = |old: &str, new: &str, expected: &[&str]| {
        assert!(GOOD.contains(old), "{old}");
        let found = wrong(&GOOD.replace(old, new));
        let problems: Vec<String> = found
            .split("\n\n")
            .map(|problem| {
                let mut lines = problem.lines();
                let message = lines
                    .next()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                let line = lines
                    .next()
                    .and_then(|place| place.split(':').nth(1))
                    .unwrap_or("?");
                let hint = lines
                    .find_map(|line| line.strip_prefix("hint: "))
                    .unwrap_or("-");
                format!("{line}: {message}; {hint}")
            })
            .collect();
        assert_eq!(problems, expected, "{found}");
    };
    check(
        "[service.s]",
        "[servce.s]",
        &["11: unknown section `servce`; did you mean `service`?"],
    );
    check(
        "ttl = '1d'",
        "tll = '1d'",
        &["10: unknown key `tll` in view `clicks`; did you mean `ttl`?"],
    );
    check(
        "ttl = '1d'",
        "ttl = '1 day'",
        &[
            "10: view `clicks`: `1 day` is not a duration; write a whole number with its unit: us, ms, s, min, h, d or w, as in 24h",
        ],
    );
    check(
        "entity = 'user'",
        "entity = 'usr'",
        &["7: view `clicks` is of `usr`, which is no entity; did you mean `user`?"],
    );
    check(
        "source = 'clicks'",
        "source = 'click'",
        &["8: view `clicks` reads `click`, which is no source; did you mean `clicks`?"],
    );
    check(
        "['count', 'cost']",
        "['count', 'costs']",
        &[
            "9: view `clicks`, feature `costs`: source `clicks` has no column `costs`; did you mean `cost`?",
        ],
    );
    check(
        "['clicks:count']",
        "['clicks:coumt', 'click']",
        &[
            "12: service `s` reads feature `coumt`, which view `clicks` does not define; did you mean `count`?",
            "12: service `s` reads `click`, which is no feature view; did you mean `clicks`?",
        ],
    );
    check(
        "['clicks:count']",
        "['clicks', 'clicks:cost']",
        &["12: service `s` has `clicks:cost` twice; take one of them out"],
    );
    check(
        "{ user = 'int64' }\n",
        "{ user = 'float64' }\n",
        &[
            "2: entity `user`: `user` cannot be a key, as it is float64; keys are boolean, int32, int64, utf8, binary, timestamp or date: equal keys must have equal bytes",
            "7: view `clicks`, join key `user`: column `user` of source `clicks` is int64, the entity's key is float64; make the two types equal",
        ],
    );
    check(
        "event_time = 'at'",
        "event_time = 'cost'",
        &[
            "5: source `clicks`: `cost` is float64, not a time; declare it: columns = { cost = \"timestamp\" }",
        ],
    );
    check(
        "columns = {",
        "path = 'nothing.parquet'\ncolumns = {",
        &[&format!("4: source `clicks`: {}", missing())],
    );
}

#[test]
fn mistakes_in_aggregates_are_shown_where_they_are() {
    let check = |entry: &str, expected: &str| {
        let text = format!(
            "[entity.user]
keys = {{ user = 'int64' }}
[source.clicks]
columns = {{ user = 'int64', name = 'utf8', cost = 'float64', at = 'timestamp', minutes = 'int64' }}
event_time = 'at + minutes(minutes)'
[view.w]
entity = 'user'
source = 'clicks'
[view.w.aggregate]
{entry}"
        );
        let project = Project::new("");
        let file = project.path("features.toml");
        std::fs::write(&file, text).unwrap();
        let found = crate::check(&file).map_err(|problems| {
            let problem = problems.0.first().unwrap();
            let hint = problem.hint.as_deref().unwrap_or_default();
            format!("{}; {hint}", problem.message)
        });
        assert_eq!(
            found.err().as_deref().unwrap_or("fine"),
            expected,
            "{entry}"
        );
    };
    check("m = { mean = 'cost * 2.0', over = ['3h', '24h'] }", "fine");
    check(
        "m = { mean = 'name', over = '3h' }",
        "view `w`, feature `m`: there is no mean of utf8; count, distinct, first and last are of any values, min and max of what has an order, the others of numbers",
    );
    check(
        "m = { mean = 'cst', over = '3h' }",
        "view `w`, feature `m`: `cst`, character 1: there is no column `cst`; did you mean `cost`?",
    );
    check(
        "m = { over = '3h' }",
        "view `w`, feature `m` has 0 functions, not one; name one of count, sum, mean, min, max, first, last, distinct and quantile, with what it is of: { mean = \"delay\", over = \"3h\" }",
    );
    check(
        "m = { sum = '*', over = '3h' }",
        "view `w`, feature `m`: there is no sum of whole rows; name a column, or count = \"*\"",
    );
    check(
        "m = { count = '*', over = '3 hours' }",
        "view `w`, feature `m`: `3 hours` is not a window; write a whole number with its unit: us, ms, s, min, h, d or w, as in 24h",
    );
    check(
        "m = { quantile = 'cost', q = 1.5, over = '3h' }",
        "view `w`, feature `m`: there is no quantile 1.5; q is from 0 to 1",
    );
    check(
        "m = { quantile = 'cost', over = '3h' }",
        "view `w`, feature `m`: which quantile is not said; add q = 0.9, or q = 0.5 for the median",
    );
    check(
        "user = { count = '*', over = '3h' }",
        "view `w`: `user` is a join key and a feature; rename the feature",
    );
}

/// What the system says of a file that is not there.
fn missing() -> &'static str {
    "nothing.parquet: cannot be opened: No such file or directory (os error 2); paths are relative to the feature file"
}

#[test]
fn a_plan_says_what_changes_and_what_breaks() {
    let project = Project::new(GOOD);
    let plan = |text: &str| {
        let file = project.path("other.toml");
        std::fs::write(&file, text).unwrap();
        let plan = project.store.plan(&check(&file).unwrap()).unwrap();
        let changed = plan
            .into_iter()
            .filter(|planned| planned.change != Change::Same);
        changed
            .map(|planned| {
                (
                    planned.name,
                    planned.change,
                    planned.details,
                    planned.breaks,
                )
            })
            .collect::<Vec<_>>()
    };
    let text = |words: &[&str]| {
        words
            .iter()
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(plan(GOOD), []);
    assert_eq!(plan(&format!("{GOOD}description = 'new words'")), []);
    let service = (
        "s".to_owned(),
        Change::Changed,
        text(&["view `clicks` has a new version"]),
        text(&[]),
    );
    let view = |details: &[&str], breaks: &[&str]| {
        (
            "clicks".to_owned(),
            Change::Changed,
            text(details),
            text(breaks),
        )
    };
    assert_eq!(
        plan(&GOOD.replace("'1d'", "'90min'")),
        [view(&["ttl 90 min, was 1 d"], &[]), service.clone(),]
    );
    assert_eq!(
        plan(&GOOD.replace("['count', 'cost']", "['count']")),
        [view(&[], &["feature `cost` goes"]), service,]
    );
    let (without, _) = GOOD.split_once("[service.s]").unwrap();
    assert_eq!(
        plan(without),
        [(
            "s".to_owned(),
            Change::Removed,
            text(&[]),
            text(&["nobody can read this service by its name"]),
        )]
    );
}

#[test]
fn an_old_version_stays_readable() {
    let project = Project::new(GOOD);
    let old = project.store.revision().unwrap().definitions.services["s"].version();
    assert_eq!(project.apply(GOOD).unwrap(), 1, "nothing changes");
    let changed = GOOD
        .replace("'1d'", "'1h'")
        .replace("clicks:count", "clicks:cost");
    assert_eq!(project.apply(&changed).unwrap(), 2);
    let rows = table(vec![
        ("user", ints([1])),
        ("at", times([5])),
        ("count", numbers([3.0])),
        ("cost", numbers([0.5])),
    ]);
    project.store.push("clicks", &rows, None, 5).unwrap();
    let check = |service: &str, expected: (&str, f64)| {
        let selection = Selection::Service(service.to_owned());
        let users = table(vec![("user", ints([1]))]);
        let answer = project.store.get_features(&selection, &users, 5).unwrap();
        let value = super::support::floats(answer.rows.column(0))[0];
        assert_eq!(
            (answer.features[0].name.as_str(), value),
            (expected.0, Some(expected.1))
        );
    };
    check("s", ("cost", 0.5));
    check(&format!("s@{old}"), ("count", 3.0));
    check(&format!("s@{}", &old.hex()[..8]), ("count", 3.0));
}

#[test]
fn a_source_with_rows_keeps_its_meaning() {
    let project = Project::new(GOOD);
    project
        .apply(&GOOD.replace("cost = 'float64'", "cost = 'float32'"))
        .unwrap();
    project.apply(GOOD).unwrap();
    let rows = table(vec![
        ("user", ints([1])),
        ("at", times([5])),
        ("count", numbers([3.0])),
        ("cost", numbers([0.5])),
    ]);
    project.store.push("clicks", &rows, None, 5).unwrap();
    let error = project
        .apply(&GOOD.replace("cost = 'float64'", "cost = 'float32'"))
        .unwrap_err();
    let expected = "source `clicks` has rows, and column `cost` would become float32";
    assert_eq!(error.to_string(), expected);
    // A column that comes later is null in what was taken in before.
    project
        .apply(
            &GOOD
                .replace("cost = 'float64'", "cost = 'float64', more = 'float64'")
                .replace("'cost']", "'more']"),
        )
        .unwrap();
    let users = table(vec![("user", ints([1]))]);
    assert_eq!(
        project.get("clicks", &users, 5).status(1, 0),
        crate::Status::NullValue
    );
}
