//! What a home may hold after a death, whenever that came.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use trueline_store::{RunPage, StageState, Store, SystemClock};

/// What was seen in a home, to notice what changes although it may not.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Everything that had ended, with how.
    ended: BTreeMap<String, String>,
    /// Stages whose result was committed, and its digest.
    pub(crate) results: BTreeMap<String, String>,
}

impl Ledger {
    /// Opens a home as the next command would, and looks at all that is in it while nobody else uses it.
    #[track_caller]
    pub(crate) fn inspect(&mut self, home: &Path) -> Store {
        let store = Store::open(home, SystemClock).unwrap();
        let found = store.check().unwrap();
        assert_eq!(found.problems, [""; 0]);
        let page = RunPage {
            limit: 1000,
            ..RunPage::default()
        };
        for run in store.runs(&page).unwrap() {
            assert!(run.state.is_final(), "{} is {}", run.id, run.state);
            self.ends(run.id.to_string(), run.state.as_str());
            let attempts = store.attempts(&run.id).unwrap();
            for attempt in &attempts {
                let name = format!("{} {} {}", run.id, attempt.stage, attempt.number);
                assert!(attempt.state.is_final(), "{name} is {}", attempt.state);
                self.ends(name, attempt.state.as_str());
            }
            for stage in store.stages(&run.id).unwrap() {
                let name = format!("{} {}", run.id, stage.name);
                assert!(stage.state.is_final(), "{name} is {}", stage.state);
                self.ends(name, stage.state.as_str());
                if stage.state == StageState::Succeeded && stage.component.is_some() {
                    let result = store
                        .result_digest(&run.id, &stage.name)
                        .unwrap()
                        .to_string();
                    let known = self.results.entry(stage.name).or_insert(result.clone());
                    assert_eq!(*known, result);
                }
            }
        }
        assert_eq!(store.incidents().unwrap(), []);
        assert_eq!(half_files(home), Vec::<PathBuf>::new());
        store
    }

    #[track_caller]
    fn ends(&mut self, what: String, how: &str) {
        let known = self
            .ended
            .entry(what.clone())
            .or_insert_with(|| how.to_owned());
        assert_eq!(known, how, "{what} had ended");
    }
}

/// Files of a home that are none of its own: what a death left behind.
fn half_files(home: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(home).unwrap().to_owned();
            let first = inside.iter().next().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && first != "code" {
                folders.push(path);
                continue;
            }
            let is_ours = match first.as_str() {
                "trueline.db" | "trueline.db-wal" | "trueline.db-shm" | "open.lock" | "code" => {
                    true
                }
                "blobs" => inside.starts_with("blobs/sha256") && inside.iter().count() == 4,
                // Of the opening that looks.
                "boots" => fs::read_dir(&folder).unwrap().count() == 1,
                _ => false,
            };
            if !is_ours {
                found.push(inside);
            }
        }
    }
    found
}
