//! Runs of random pipelines, killed at random moments and run again until they are done.
//!
//! `cargo xtask kill-loop --times 500 --seed 1` is this test with other numbers.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use trueline_tests::project::Project;

use crate::ledger::Ledger;
use crate::outcome::{Outcome, computed};
use crate::pipelines;
use crate::random::Random;

/// How often a process is killed, and where the random choices begin.
const TIMES: &str = "TRUELINE_KILLS";
const SEED: &str = "TRUELINE_KILLS_SEED";

#[test]
fn a_run_that_is_killed_and_taken_up_again_ends_as_if_nothing_had_been() {
    let number = |name: &str, usual| {
        let given = std::env::var(name).ok();
        given.map_or(usual, |text| text.parse::<u64>().unwrap())
    };
    let (times, first_seed) = (number(TIMES, 30), number(SEED, 1));
    let (seeds, kills) = (AtomicU64::new(first_seed), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while kills.load(Ordering::Relaxed) < times {
                    let seed = seeds.fetch_add(1, Ordering::Relaxed);
                    let count = Interrupted::of(seed).until_done();
                    let sum = count + kills.fetch_add(count, Ordering::Relaxed);
                    println!("pipeline {seed}: the same after {count} kills, {sum} in all");
                }
            });
        }
    });
    let kills = kills.into_inner();
    let pipelines = seeds.into_inner() - first_seed;
    println!("{kills} kills in {pipelines} pipelines, and every end was the same");
    assert!(kills >= times);
}

/// A run that is killed now and then.
struct Interrupted {
    seed: u64,
    project: Project,
    random: Random,
    /// How long nobody disturbed it.
    takes: Duration,
    expected: (Option<i32>, Outcome),
    ledger: Ledger,
}

/// Prints where to begin when something differs.
struct Tell(u64);

impl Drop for Tell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "it was pipeline {0}: cargo xtask kill-loop --times 1 --seed {0}",
                self.0
            );
        }
    }
}

impl Interrupted {
    /// Runs the pipeline of this seed once from end to end, for comparison.
    fn of(seed: u64) -> Self {
        let quiet = pipelines::project(seed);
        let started = Instant::now();
        let answer = quiet.trueline("run p.toml");
        let takes = started.elapsed();
        assert!(
            matches!(answer.code(), Some(0 | 1 | 3)),
            "pipeline {seed}: {answer}"
        );
        let store = Ledger::default().inspect(&quiet.path(".trueline"));
        Self {
            seed,
            project: pipelines::project(seed),
            random: Random(!seed),
            takes,
            expected: (answer.code(), Outcome::latest(&store)),
            ledger: Ledger::default(),
        }
    }

    /// Kills it some times, lets it come to its end, and compares; how many kills hit.
    fn until_done(mut self) -> u64 {
        let _tell = Tell(self.seed);
        let wanted = self.random.number(1..6);
        let mut kills = 0;
        for _ in 0..wanted {
            // Sometimes two of them in one home, of which one is killed.
            let other = self.random.once_in(5).then(|| self.spawn());
            let was_killed = self.kill_at_random();
            kills += u64::from(was_killed);
            if let Some(mut other) = other {
                let code = other.wait().unwrap().code();
                assert_eq!(code, self.expected.0, "the other process");
            }
            // Sometimes the next command finds the home as the dead left it.
            if self.random.once_in(2) {
                self.inspect();
            }
            if !was_killed {
                break;
            }
        }
        let committed: BTreeSet<_> = self.ledger.results.keys().cloned().collect();
        let answer = self.project.trueline("run p.toml");
        assert_eq!(answer.code(), self.expected.0, "{answer}");
        let store = self.ledger.inspect(&self.project.path(".trueline"));
        assert_eq!(Outcome::latest(&store), self.expected.1);
        let again: Vec<_> = computed(&store).intersection(&committed).cloned().collect();
        assert_eq!(again, [""; 0], "what was done is not done again");
        drop(store);
        self.project.trueline("store gc").exits(0);
        self.project.trueline("store check").exits(0);
        kills
    }

    fn spawn(&self) -> Child {
        let mut command = self.project.command(&["run", "p.toml"]);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().unwrap()
    }

    /// Starts a run and kills it after a random while; whether it was still alive.
    fn kill_at_random(&mut self) -> bool {
        let mut child = self.spawn();
        let longest = u64::try_from(self.takes.as_micros()).unwrap();
        std::thread::sleep(Duration::from_micros(self.random.number(0..longest)));
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    }

    /// Looks at the home, and compares if the latest run came to its end.
    fn inspect(&mut self) {
        let home = self.project.path(".trueline");
        if !home.join("trueline.db").exists() {
            return;
        }
        self.ledger.inspect(&home);
    }
}
