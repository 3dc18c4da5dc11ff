//! A home that is checked, freed, copied and brought to a new version.

use std::fs;

use crate::trips::{self, edited};

#[test]
fn a_check_finds_what_has_changed_or_is_missing() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    let good = project.trueline("store check --json").exits(0).json();
    assert!(good["checked"].as_u64().unwrap() > 10, "{good}");
    assert_eq!(
        (&good["problems"], &good["unreferenced"]),
        (&serde_json::json!([]), &0.into())
    );
    let shown = project.trueline("show --json").exits(0).json();
    let file = shown["datasets"][0]["files"][0]["digest"].as_str().unwrap();
    let hex = file.strip_prefix("sha256:").unwrap();
    let blob = project.path(format!(
        ".trueline/blobs/sha256/{}/{}",
        &hex[..2],
        &hex[2..]
    ));
    let bytes = fs::read(&blob).unwrap();
    fs::write(&blob, "other").unwrap();
    project
        .trueline("store check")
        .exits(1)
        .says(&["1 problem", hex]);
    // What is read is checked, and mended from the file that it is a copy of.
    project.trueline("run trips.toml --no-cache").exits(0);
    assert_eq!(fs::read(&blob).unwrap(), bytes);
    project
        .trueline("store check")
        .exits(0)
        .says(&["everything is as it was written"]);
}

#[test]
fn what_nothing_needs_is_freed_and_nothing_else() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    let stray = project.path(".trueline/blobs/sha256/ab");
    fs::create_dir_all(&stray).unwrap();
    fs::write(stray.join("c".repeat(62)), "stray").unwrap();
    let would = project
        .trueline("store gc --dry-run --json")
        .exits(0)
        .json();
    assert_eq!(
        (&would["blobs"], &would["size_bytes"]),
        (&1.into(), &5.into())
    );
    project
        .trueline("store gc")
        .exits(0)
        .says(&["freed 1 blob"]);
    project
        .trueline("store gc")
        .exits(0)
        .says(&["freed 0 blobs"]);

    // Data that only a run without a package has read.
    project.write("trips.csv", trips::csv().replace(",A,", ",B,"));
    project.write(
        "trips.toml",
        edited(
            "chain = \"town | features | model\"\nafter = \"gate\"",
            "chain = \"town\"",
        ),
    );
    project.trueline("run trips.toml --only validate").exits(0);
    project.trueline("cache purge --all").exits(0);
    let freed = project
        .trueline("store gc --runs-older-than 0s --json")
        .exits(0)
        .json();
    assert!(freed["blobs"].as_u64().unwrap() >= 1, "{freed}");
    project.trueline("store check").exits(0);
    project.trueline("reproduce trips@1").exits(0);
    project
        .trueline("predict trips@1 --input trips.csv")
        .exits(0);
    project
        .trueline("store gc --runs-older-than soon")
        .exits(1)
        .says(&["hint: "]);
}

#[test]
fn a_backup_is_a_home_and_makes_one() {
    let project = trips::project();
    let run = project.trueline("run trips.toml --json").exits(0).json();
    project
        .trueline("package promote trips --reason x")
        .exits(0);
    project
        .trueline("store backup copy")
        .exits(0)
        .says(&["copy holds the database"]);
    project
        .trueline("store backup copy")
        .exits(1)
        .says(&["exists and is not empty", "hint: "]);
    fs::remove_dir_all(project.path(".trueline")).unwrap();
    project.trueline("store restore copy").exits(0);
    project
        .trueline("store restore copy")
        .exits(1)
        .says(&["exists and is not empty"]);
    let shown = project
        .trueline("package show trips@champion --json")
        .exits(0)
        .json();
    assert_eq!(shown["digest"], run["package"]["digest"]);
    project.trueline("reproduce trips").exits(0);
    let again = project.trueline("run trips.toml --json").exits(0).json();
    let stages = again["stages"].as_array().unwrap();
    assert!(
        stages
            .iter()
            .all(|stage| stage["state"] == "cached" || stage["stage"] == "gate"),
        "{stages:?}"
    );
    project
        .trueline("store restore nothing --home new")
        .exits(1)
        .says(&["there is no backup `nothing`"]);
    assert!(!project.path("new").exists());

    // A damaged backup makes no home.
    project.trueline("store backup other").exits(0);
    let blobs = project.path("other/blobs/sha256");
    let folder = fs::read_dir(blobs).unwrap().next().unwrap().unwrap().path();
    let blob = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(blob, "changed").unwrap();
    project
        .trueline("store restore other --home new")
        .exits(1)
        .says(&["have changed"]);
    assert!(!project.path("new").exists());
}

#[test]
fn a_home_that_is_no_home_is_told_and_left_as_it_was() {
    let project = trips::project();
    project.trueline("run trips.toml").exits(0);
    project
        .trueline("store upgrade")
        .exits(0)
        .says(&["already"]);
    let database = project.path(".trueline/trueline.db");
    let good = fs::read(&database).unwrap();
    let damaged = "trueline.db is damaged: ";
    let wrong: [&[u8]; 3] = [&good[..good.len() / 2], b"no database", b""];
    for bytes in wrong {
        fs::write(&database, bytes).unwrap();
        for command in [
            "runs",
            "run trips.toml",
            "store check",
            "store upgrade",
            "store gc",
            "store backup copy",
        ] {
            let answer = project.trueline(command).exits(1);
            answer.says(&[damaged, "hint: restore the home from a backup"]);
        }
        assert!(!project.path("copy").exists());
        assert_eq!(fs::read(&database).unwrap(), bytes);
    }
    // What is left of a home without its database is not taken for a new one.
    fs::remove_file(&database).unwrap();
    for command in ["runs", "run trips.toml"] {
        let answer = project.trueline(command).exits(1);
        answer.says(&[damaged, "blobs of earlier runs"]);
    }
    assert!(!database.exists());
}
