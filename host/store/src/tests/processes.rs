//! Several processes in one home, and processes that die or meet a bad disk.
//!
//! The other processes are this very test program, asked for [`child`] with a task and a home in the
//! environment.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::testing::{attempt, open, running};
use crate::{
    AttemptFailure, AttemptOutcome, AttemptState, Error, Output, Results, RunFailure, RunOutcome,
    RunPage, RunState, StageState, Store, SystemClock,
};

const TASK: &str = "TRUELINE_STORE_TEST_TASK";
const HOME: &str = "TRUELINE_STORE_TEST_HOME";

/// How many runs each process makes when several write at once.
const RUNS: usize = 20;

#[test]
#[ignore = "what the other tests start as a process of its own"]
fn child() {
    let (Ok(task), Some(home)) = (std::env::var(TASK), std::env::var_os(HOME)) else {
        return;
    };
    let home = Path::new(&home);
    match task.as_str() {
        "die" => die(&open(home)),
        "write" => (0..RUNS).for_each(|_| write_a_run(&open(home))),
        "open" => say(&Store::open(home, SystemClock).unwrap_err()),
        "fill" => fill(&open(home)),
        other => panic!("no task {other}"),
    }
}

/// Begins a run and a blob, and waits to be killed.
fn die(store: &Store) {
    let run = running(store, &["a", "b"]);
    attempt(store, &run, "a");
    let mut blob = store.blobs().writer().unwrap();
    blob.write_all(b"half a blob").unwrap();
    println!("\nready {run}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn write_a_run(store: &Store) {
    let run = running(store, &["a"]);
    let id = attempt(store, &run, "a");
    let outputs = vec![
        Output::new("state", "state", run.as_str()),
        Output::new("table", "table", vec![7; 70_000]),
    ];
    store
        .finish_attempt(
            &id,
            AttemptOutcome::Succeeded(Results {
                outputs,
                ..Results::default()
            }),
        )
        .unwrap();
    store.finish_run(&run, RunOutcome::Succeeded).unwrap();
}

/// Stores more than the files of this process may hold, then something small.
fn fill(store: &Store) {
    say(&store.put_artifact("state", vec![1; 4 << 20]).unwrap_err());
    let digest = store.put_artifact("state", b"small".as_slice()).unwrap();
    assert_eq!(store.artifact(&digest).unwrap(), b"small");
}

fn say(error: &Error) {
    println!(
        "\nerror: {error}\nhint: {}",
        error.hint().unwrap_or_default()
    );
}

fn command(program: &Path, task: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args([
            "--exact",
            "tests::processes::child",
            "--ignored",
            "--nocapture",
        ])
        .env(TASK, task)
        .env(HOME, home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn spawn(task: &str, home: &Path) -> Child {
    command(&std::env::current_exe().unwrap(), task, home)
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_process_loses_its_run_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let mut child = spawn("die", home.path());
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let ready = lines
        .into_iter()
        .find_map(|line| line.strip_prefix("ready ").map(str::to_owned))
        .unwrap();

    let store = open(home.path());
    assert_eq!(
        store.run(&ready).unwrap().summary.state,
        RunState::Running,
        "its process is alive"
    );
    let ours = running(&store, &["a"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        fs::read_dir(home.path().join("blobs/temporary"))
            .unwrap()
            .count(),
        1
    );

    let other = open(home.path());
    let run = other.run(&ready).unwrap();
    assert_eq!(
        (run.summary.state, run.summary.failure),
        (RunState::Failed, Some(RunFailure::Lost))
    );
    assert_eq!(
        run.message.as_deref(),
        Some("the process that ran it has ended")
    );
    let attempt = &other.attempts(&run.summary.id).unwrap()[0];
    assert_eq!(
        (attempt.state, attempt.failure),
        (AttemptState::Failed, Some(AttemptFailure::Lost))
    );
    let states: Vec<_> = other
        .stages(&run.summary.id)
        .unwrap()
        .iter()
        .map(|stage| stage.state)
        .collect();
    assert_eq!(states, [StageState::Failed, StageState::Blocked]);
    assert_eq!(
        fs::read_dir(home.path().join("blobs/temporary"))
            .unwrap()
            .count(),
        0,
        "its half blob is gone"
    );
    assert_eq!(
        fs::read_dir(home.path().join("boots")).unwrap().count(),
        2,
        "its lock file is gone"
    );
    assert_eq!(
        store.run(ours.as_str()).unwrap().summary.state,
        RunState::Running,
        "ours goes on"
    );

    let events = other.events(&run.summary.id, 0, 100).unwrap();
    assert_eq!(events.last().unwrap().kind, "run.failed");
    drop(other);
    let other = open(home.path());
    assert_eq!(
        other.events(&run.summary.id, 0, 100).unwrap(),
        events,
        "a run is lost once"
    );
}

#[test]
fn a_store_that_is_dropped_loses_its_run_too() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let run = running(&store, &["a"]);
    let clone = store.clone();
    drop(store);
    assert_eq!(
        open(home.path()).run(run.as_str()).unwrap().summary.state,
        RunState::Running,
        "a clone holds it open"
    );
    drop(clone);
    assert_eq!(
        open(home.path()).run(run.as_str()).unwrap().summary.failure,
        Some(RunFailure::Lost)
    );
}

#[test]
fn processes_and_threads_write_at_once() {
    let home = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..2).map(|_| spawn("write", home.path())).collect();
    let store = open(home.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..RUNS).for_each(|_| write_a_run(&store)));
        }
    });
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    let runs = store
        .runs(&RunPage {
            limit: 1000,
            ..RunPage::default()
        })
        .unwrap();
    assert_eq!(runs.len(), 6 * RUNS);
    for run in runs {
        assert_eq!(run.state, RunState::Succeeded);
        let sequences: Vec<_> = store
            .events(&run.id, 0, 100)
            .unwrap()
            .iter()
            .map(|event| event.sequence)
            .collect();
        assert_eq!(sequences, (1..=8).collect::<Vec<_>>());
        for output in store.outputs(&run.id).unwrap() {
            assert_eq!(
                store.artifact(&output.digest).unwrap().len() as u64,
                output.size_bytes
            );
        }
    }
}

/// A home that this process cannot write to. Root can write anywhere, so the child then runs as nobody, from
/// a copy of the program that nobody can reach.
#[cfg(unix)]
#[test]
fn a_read_only_home_is_named() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();

    let directory = tempfile::tempdir().unwrap();
    mode(directory.path(), 0o755);
    let program = directory.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let home = directory.path().join("home");
    fs::create_dir(&home).unwrap();
    mode(&home, 0o555);

    for home in [home.clone(), home.join("below")] {
        let mut command = command(&program, "open", &home);
        if fs::metadata(directory.path()).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(
            output.contains(&format!("error: cannot write to {}", home.display())),
            "{output}"
        );
        assert!(
            output.contains("hint: make it writable, or set TRUELINE_HOME"),
            "{output}"
        );
    }
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
    mode(&home, 0o755);
}

/// A limit on the size of files stands in for a full disk: the write fails half-way in the same place.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let home = tempfile::tempdir().unwrap();
    let shell = "trap '' XFSZ; ulimit -f 4096; exec \"$0\" --exact tests::processes::child --ignored --nocapture";
    let mut command = Command::new("sh");
    command
        .args(["-c", shell])
        .arg(std::env::current_exe().unwrap())
        .env(TASK, "fill")
        .env(HOME, home.path());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let blobs = home.path().join("blobs/");
    assert!(
        output.status.success() && text.contains("hint: free some space"),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "error: no space left to write {}",
            blobs.display()
        )),
        "{text}"
    );
    assert_eq!(fs::read_dir(blobs.join("temporary")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(blobs.join("sha256")).unwrap().count(), 0);
}
