//! Every point at which a process can die between two states of the disk: killed there, and asked again.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{LazyLock, Mutex};

use trueline_store::{Store, SystemClock};
use trueline_table::Digest;
use trueline_tests::project::{Answer, Project};

use crate::ledger::Ledger;
use crate::outcome::Outcome;
use crate::pipelines;

/// What is typed in the same folder, one after the other. Each is killed at each of its points, and typed
/// again.
const COMMANDS: &[&str] = &[
    "run p.toml",
    "run p.toml --set depth=4 --no-cache",
    "package promote trips --reason good",
    "package export trips@1 trips.trueline",
    "predict trips@1 --input trips.csv --output answers.csv",
    "store backup copy",
    "store restore copy --home second",
    "cache purge --all",
    "store gc --runs-older-than 0s",
    "run p.toml --update-lock",
];

/// Points that one of the commands has to pass, so that none is lost from sight.
const KNOWN: &[&str] = &[
    "backup.rename",
    "blob.begin",
    "blob.remove",
    "blob.rename",
    "blob.sync",
    "boot.lock",
    "boot.remove",
    "code.begin",
    "code.rename",
    "commit",
    "database.begin",
    "database.rename",
    "database.sync",
    "folder.sync",
    "key.lock",
    "key.remove",
    "lock.begin",
    "lock.rename",
    "lock.sync",
    "migrate",
    "migrate.step",
    "package.begin",
    "package.rename",
    "package.sync",
    "result.begin",
    "result.rename",
    "result.sync",
];

/// One death, or one fault of the disk.
struct Case<'a> {
    scene: &'a Scene,
    /// `abort`, `error` or `full`.
    action: &'static str,
    /// Such as `before commit`.
    point: String,
    /// At which passing of the point, from 1.
    time: u64,
}

/// The folder before a command, and what is there after it if nobody dies.
struct Scene {
    line: &'static str,
    before: Project,
    after: Outcome,
    points: BTreeMap<String, u64>,
}

#[test]
fn a_death_at_any_point_is_made_up_for() {
    let scenes = scenes();
    let passed = scenes.iter().flat_map(|scene| scene.points.keys());
    let mut passed: Vec<_> = passed
        .filter_map(|point| point.strip_prefix("after "))
        .collect();
    passed.sort_unstable();
    passed.dedup();
    assert_eq!(passed, KNOWN);
    check_all(scenes.iter().flat_map(|scene| scene.cases("abort")));
}

#[test]
fn a_disk_that_fails_at_any_point_is_told_and_made_up_for() {
    let cases = scenes().iter().flat_map(|scene| {
        // What fails behind a step fails before it as well, for all that the caller can see.
        let error = scene.cases("error").into_iter();
        let error = error.filter(|case| case.point.starts_with("before "));
        let full = scene
            .cases("full")
            .into_iter()
            .filter(|case| case.point == "before commit");
        error.chain(full).collect::<Vec<_>>()
    });
    check_all(cases);
}

fn check_all<'a>(cases: impl Iterator<Item = Case<'a>>) {
    // Opening and closing a home is the same for every command.
    let is_like = |case: &Case<'_>| case.point.contains(" boot.") && case.scene.line != COMMANDS[0];
    let mut cases: Vec<Case<'_>> = cases.filter(|case| !is_like(case)).collect();
    eprintln!("{} cases", cases.len());
    cases.reverse();
    let cases = Mutex::new(cases);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = cases.lock().unwrap().pop();
                    let Some(case) = next else { return };
                    case.check();
                }
            });
        }
    });
}

/// The commands, typed undisturbed once for all tests of this process.
fn scenes() -> &'static [Scene] {
    static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(type_all);
    &SCENES
}

/// Types the commands undisturbed, and writes down the points that they pass.
fn type_all() -> Vec<Scene> {
    let project = pipelines::everything();
    // What this home runs is compiled in it.
    fs::remove_file(project.path(".trueline/code")).unwrap();
    let scene = |line: &&'static str| {
        if line.starts_with("store gc") {
            let stray = Digest::of(b"stray").hex();
            let folder = project.path(".trueline/blobs/sha256").join(&stray[..2]);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(&stray[2..]), "stray").unwrap();
        }
        let before = project.copy();
        let log = project.path("points");
        typed(
            &project,
            line,
            ("TRUELINE_FAULT_LOG", &log.to_string_lossy()),
        )
        .exits(0);
        let mut points = BTreeMap::new();
        for point in fs::read_to_string(&log).unwrap().lines() {
            *points.entry(point.to_owned()).or_default() += 1;
        }
        fs::remove_file(log).unwrap();
        Scene {
            line,
            before,
            after: outcome(&project),
            points,
        }
    };
    COMMANDS.iter().map(scene).collect()
}

impl Scene {
    /// At each point when it is passed first, and in the middle and at the end of all commits.
    fn cases(&self, action: &'static str) -> Vec<Case<'_>> {
        let mut cases = Vec::new();
        for (point, passed) in &self.points {
            let mut times = vec![1];
            if point.ends_with(" commit") {
                times.extend([passed.div_ceil(2), *passed]);
            }
            times.dedup();
            cases.extend(times.into_iter().map(|time| Case {
                scene: self,
                action,
                point: point.clone(),
                time,
            }));
        }
        cases
    }
}

impl Case<'_> {
    /// Asserts that the command died, or said what is wrong with the disk and what to do; some steps it can do
    /// without.
    #[track_caller]
    fn is_well_told(&self, answer: &Answer, what: &str) {
        match (self.action, answer.code()) {
            ("abort", code) => assert_eq!(code, None, "{what}: {answer}"),
            (_, Some(0)) => {}
            (action, code) => {
                assert_eq!(code, Some(1), "{what}: {answer}");
                let is_told =
                    answer.stderr.starts_with("error: ") || answer.stderr.contains("\nerror: ");
                assert!(
                    is_told && !answer.stderr.contains("panicked"),
                    "{what}: {answer}"
                );
                if action == "full" {
                    assert!(answer.stderr.contains("no space left"), "{what}: {answer}");
                }
            }
        }
    }

    fn check(&self) {
        let Scene {
            line,
            before,
            after,
            ..
        } = self.scene;
        let project = before.copy();
        if !self.point.contains(" code.") {
            project.share_compiled_code(".trueline");
        }
        let fault = format!("{} {} {}", self.action, self.point, self.time);
        let what = format!("`{line}` with {fault}");
        let killed = typed(&project, line, ("TRUELINE_FAULT", &fault));
        if killed.code() == Some(0) && self.time > 1 {
            // Writes that come together share a commit, so that there may have been fewer.
            return;
        }
        self.is_well_told(&killed, &what);

        let again = project.trueline(line);
        // What came to its end before the death can be there already, and then it is whole.
        let is_there = again.stderr.contains("exists and is not empty");
        assert!(again.code() == Some(0) || is_there, "{what}: {again}");
        assert_eq!(outcome(&project), *after, "{what}");
        for home in [".trueline", "copy", "second"] {
            if project.path(home).join("trueline.db").exists() {
                Ledger::default().inspect(&project.path(home));
            }
        }
        let left = fs::read_dir(project.path("")).unwrap();
        let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = left
            .filter(|name| name.contains("-") || name.contains("unfinished"))
            .collect();
        assert_eq!(left, [""; 0], "{what}");
    }
}

fn typed(project: &Project, line: &str, (variable, value): (&str, &str)) -> Answer {
    let mut command = project.command(&line.split_whitespace().collect::<Vec<_>>());
    command.env(variable, value);
    project.answer(command)
}

fn outcome(project: &Project) -> Outcome {
    Outcome::latest(&Store::open(&project.path(".trueline"), SystemClock).unwrap())
}
