//! Several processes in one home, or at one target.

use std::process::{Child, Stdio};

use trueline_store::{RunPage, RunState, StageState, Store, SystemClock};
use trueline_tests::project::{Answer, Project};

use crate::ledger::Ledger;
use crate::pipelines;

/// Types the same several times at once.
fn at_once(project: &Project, line: &str, times: usize) -> Vec<Answer> {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    std::thread::scope(|scope| {
        let typed = (0..times).map(|_| scope.spawn(|| project.trueline_with(&arguments)));
        let typed: Vec<_> = typed.collect();
        typed
            .into_iter()
            .map(|answer| answer.join().unwrap())
            .collect()
    })
}

#[test]
fn runs_in_one_home_share_what_they_compute() {
    let project = pipelines::everything();
    for answer in at_once(&project, "run p.toml", 4) {
        answer.exits(0);
    }
    let store = Ledger::default().inspect(&project.path(".trueline"));
    let runs = store.runs(&RunPage::default()).unwrap();
    assert_eq!(runs.len(), 4);
    let mut computed = Vec::new();
    for run in &runs {
        assert_eq!(run.state, RunState::Succeeded);
        let stages = store.stages(&run.id).unwrap().into_iter();
        let succeeded = stages
            .filter(|stage| stage.component.is_some() && stage.state == StageState::Succeeded);
        computed.extend(succeeded.map(|stage| stage.name));
    }
    computed.sort();
    let mut once = computed.clone();
    once.dedup();
    assert_eq!(computed, once, "each stage is computed by one of them");
    assert_eq!(store.packages(None, 10).unwrap().len(), 1);
}

#[test]
fn of_backups_to_one_folder_one_is_made() {
    let project = pipelines::everything();
    project.trueline("run p.toml").exits(0);
    let answers = at_once(&project, "store backup copy", 6);
    let made = answers.iter().filter(|answer| answer.code() == Some(0));
    assert_eq!(made.count(), 1, "{answers:?}");
    for answer in answers {
        if answer.code() != Some(0) {
            let answer = answer.exits(1).says(&["copy", "hint: "]);
            let is_told = answer.stderr.contains("another process is about to make")
                || answer.stderr.contains("exists and is not empty");
            assert!(is_told, "{answer}");
        }
    }
    Ledger::default().inspect(&project.path("copy"));
    assert!(!project.path("copy.unfinished").exists());
}

/// A run that goes on until it is killed.
fn endless(project: &Project) -> Child {
    let path = project.path("p.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    project.write("own.wasm", trueline_tests::guests::hostile());
    let stage = "\n[stage.endless]\nuse = \"./own.wasm\"\nfit = \"trips\"\nparams = { mode = \"loop\", at = \"update\" }\n";
    std::fs::write(project.path("endless.toml"), text + stage).unwrap();
    let mut command = project.command(&["run", "endless.toml"]);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().unwrap()
}

#[test]
fn a_home_that_is_in_use_is_not_freed_nor_taken_for_a_backup() {
    let project = pipelines::everything();
    project.trueline("run p.toml").exits(0);
    let mut child = endless(&project);
    let is_running = || {
        let runs = project.trueline("runs --json").exits(0);
        runs.stdout.contains("\"running\"")
    };
    while !is_running() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for line in ["store gc", "store restore .trueline --home new"] {
        let answer = project.trueline(line).exits(1);
        answer.says(&["is in use by another process", "hint: "]);
    }
    assert!(!project.path("new").exists());
    // What only reads, copies or runs beside it does.
    for line in ["store check", "store backup copy", "run p.toml", "show"] {
        project.trueline(line).exits(0);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    project.trueline("store gc").exits(0);
    project.trueline("store restore copy --home new").exits(0);
    // In the copy, nobody runs it.
    let copied = Store::open(&project.path("new"), SystemClock).unwrap();
    let runs = copied.runs(&RunPage::default()).unwrap();
    assert!(runs.iter().all(|run| run.state.is_final()), "{runs:?}");
    Ledger::default().inspect(&project.path(".trueline"));
}
