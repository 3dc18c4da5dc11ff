//! Packages, verdicts and aliases: only what passed its gate can be promoted.

use serde_json::json;
use trueline_table::Digest;

use crate::testing::{open, running};
use crate::{Error, NewPackage, PackageSummary, RunId, Store, Verdict};

fn put(store: &Store, run: &RunId, name: &str, content: &str, verdict: Verdict) -> PackageSummary {
    let package = NewPackage {
        name: name.to_owned(),
        digest: Digest::of(content.as_bytes()),
        manifest: json!({ "chain": [content] }),
        run: run.clone(),
        verdict,
        message: "score.auc >= 0.88 (0.898)".into(),
    };
    store.put_package(package).unwrap()
}

#[test]
fn packages_get_versions_and_are_found() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let (first, second) = (running(&store, &[]), running(&store, &[]));
    let a = put(&store, &first, "flights", "a", Verdict::Accepted);
    let b = put(&store, &first, "flights", "b", Verdict::Refused);
    let again = put(&store, &second, "flights", "a", Verdict::Accepted);
    let other = put(&store, &second, "trips", "a", Verdict::Refused);
    assert_eq!(
        (a.version, b.version, again.version, other.version),
        (1, 2, 1, 1)
    );
    assert_eq!(
        (&again.run, again.created_us),
        (&second, a.created_us),
        "the same package, one more verdict"
    );
    store
        .set_alias("flights", "champion", &a.digest, "first of all")
        .unwrap();

    let cases = [
        ("flights", "flights", 2),
        ("flights@1", "flights", 1),
        ("flights@champion", "flights", 1),
        (&b.digest.to_string(), "flights", 2),
        (&b.digest.short(), "flights", 2),
        (&b.digest.short().to_uppercase(), "flights", 2),
        (&a.digest.hex(), "trips", 1),
    ];
    for (reference, name, version) in cases {
        let found = store.package(reference).unwrap().summary;
        assert_eq!(
            (found.name.as_str(), found.version),
            (name, version),
            "{reference}"
        );
    }
    for empty in ["", "sha256:"] {
        let error = store.package(empty).unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{empty}: {error}");
    }
    let found = store.package("flights@champion").unwrap();
    assert_eq!(
        (found.message.as_str(), found.manifest),
        ("score.auc >= 0.88 (0.898)", json!({ "chain": ["a"] }))
    );
    assert_eq!(
        (found.summary.verdict, found.summary.aliases),
        (Verdict::Accepted, vec!["champion".to_owned()])
    );
    for reference in [
        "boats",
        "flights@3",
        "flights@challenger",
        "boats@1",
        "ffffff",
    ] {
        let error = store.package(reference).unwrap_err().to_string();
        assert_eq!(error, format!("there is no package `{reference}`"));
    }

    let key = |package: &PackageSummary| (package.name.clone(), package.version);
    let all = store.packages(None, 10).unwrap();
    let expected = [("flights", 1), ("flights", 2), ("trips", 1)]
        .map(|(name, version)| (name.to_owned(), version));
    assert_eq!(all.iter().map(key).collect::<Vec<_>>(), expected);
    assert_eq!(store.packages(Some(("flights", 1)), 1).unwrap(), all[1..2]);
}

#[test]
fn an_alias_moves_only_to_what_its_gate_accepted() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &[]);
    let good = put(&store, &run, "flights", "good", Verdict::Accepted);
    let bad = put(&store, &run, "flights", "bad", Verdict::Refused);
    let better = put(&store, &run, "flights", "better", Verdict::Accepted);
    assert_eq!(store.alias("flights", "champion").unwrap(), None);

    store
        .set_alias("flights", "champion", &good.digest, "first of all")
        .unwrap();
    for reason in ["", " \t"] {
        let error = store
            .set_alias("flights", "champion", &better.digest, reason)
            .unwrap_err();
        assert!(error.to_string().contains("say why"), "{error}");
    }
    let error = store
        .set_alias("flights", "champion", &bad.digest, "why not")
        .unwrap_err();
    let expected = format!(
        "alias `champion` of `flights` cannot move to version 2 ({}): its gate refused it: score.auc >= 0.88 (0.898)",
        bad.digest
    );
    assert_eq!(error.to_string(), expected);
    store
        .set_alias("flights", "champion", &better.digest, "auc 0.91")
        .unwrap();
    let again = store
        .set_alias("flights", "champion", &better.digest, "again")
        .unwrap();
    assert_eq!(
        (again.sequence, again.reason.as_str()),
        (2, "auc 0.91"),
        "it stands there already"
    );

    // What is judged anew and refused cannot be gone back to.
    put(&store, &run, "flights", "good", Verdict::Refused);
    let error = store
        .set_alias("flights", "champion", &good.digest, "back")
        .unwrap_err();
    assert!(
        matches!(error, Error::Refused { version: 1, .. }),
        "{error}"
    );

    let versions: Vec<_> = store
        .alias_history("flights")
        .unwrap()
        .iter()
        .map(|step| (step.sequence, step.version))
        .collect();
    assert_eq!(versions, [(1, 1), (2, 3)]);
}

#[test]
fn the_database_itself_keeps_the_gate_and_the_history() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &[]);
    let good = put(&store, &run, "flights", "good", Verdict::Accepted);
    put(&store, &run, "flights", "bad", Verdict::Refused);
    store
        .set_alias("flights", "champion", &good.digest, "first of all")
        .unwrap();

    let database = rusqlite::Connection::open(home.path().join("trueline.db")).unwrap();
    let gate = "an alias moves only to a package that its gate accepted";
    let cases = [
        (
            "INSERT INTO alias_moves VALUES ('default', 'flights', 'champion', 2, 2, 'sneak', 1, 'promote')",
            gate,
        ),
        (
            "INSERT INTO alias_moves VALUES ('default', 'flights', 'champion', 2, 9, 'sneak', 1, 'promote')",
            gate,
        ),
        (
            "UPDATE alias_moves SET version = 2",
            "alias moves are append-only",
        ),
        ("DELETE FROM alias_moves", "alias moves are append-only"),
        (
            "UPDATE verdicts SET verdict = 'accepted'",
            "verdicts are append-only",
        ),
        (
            "DELETE FROM verdicts WHERE verdict = 'refused'",
            "verdicts are append-only",
        ),
        (
            "UPDATE package_versions SET digest = 'x'",
            "package versions are append-only",
        ),
        (
            "DELETE FROM package_versions",
            "package versions are append-only",
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(
            database.execute(sql, []).unwrap_err().to_string(),
            expected,
            "{sql}"
        );
    }
}

#[test]
fn names_have_to_be_names() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &[]);
    let good = put(&store, &run, "flights-v2.1_é", "good", Verdict::Accepted);
    for (alias, problem) in [
        ("", "is not made of"),
        ("a b", "is not made of"),
        ("a@b", "is not made of"),
        ("12", "is a number"),
    ] {
        let error = store
            .set_alias(&good.name, alias, &good.digest, "x")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(&format!("alias `{alias}` {problem}")),
            "{error}"
        );
    }
    let package = NewPackage {
        name: "a@b".into(),
        digest: good.digest,
        manifest: json!({}),
        run,
        verdict: Verdict::Accepted,
        message: String::new(),
    };
    assert!(matches!(
        store.put_package(package),
        Err(Error::Invalid {
            what: "package name",
            ..
        })
    ));
    let error = store
        .set_alias("flights", "champion", &good.digest, "x")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!(
            "there is no package `flights` with digest `{}`",
            good.digest
        )
    );
}

#[test]
fn a_rollback_goes_back_and_a_second_one_further() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &[]);
    let versions =
        ["a", "b", "c"].map(|content| put(&store, &run, "flights", content, Verdict::Accepted));
    let back = || store.roll_back_alias("flights", "champion", "worse in the field");
    assert!(
        matches!(back(), Err(Error::NotFound { .. })),
        "it never stood anywhere"
    );
    for version in &versions {
        store
            .set_alias("flights", "champion", &version.digest, "better")
            .unwrap();
    }
    assert_eq!(back().unwrap().version, 2);
    assert_eq!(back().unwrap().version, 1);
    let error = back().unwrap_err();
    assert!(
        error.hint().is_some() && error.to_string().contains("flights@champion"),
        "{error}"
    );
    store
        .set_alias("flights", "champion", &versions[2].digest, "again")
        .unwrap();
    assert_eq!(back().unwrap().version, 1, "where it stood before that");
    let kinds = store.alias_history("flights").unwrap();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|step| (step.kind.as_str(), step.version))
        .collect();
    assert_eq!(
        kinds,
        [
            ("promote", 1),
            ("promote", 2),
            ("promote", 3),
            ("rollback", 2),
            ("rollback", 1),
            ("promote", 3),
            ("rollback", 1)
        ]
    );

    store
        .set_alias("flights", "champion", &versions[1].digest, "once more")
        .unwrap();
    put(&store, &run, "flights", "a", Verdict::Refused);
    assert!(
        matches!(back(), Err(Error::Refused { version: 1, .. })),
        "its gate has thought again"
    );
}
