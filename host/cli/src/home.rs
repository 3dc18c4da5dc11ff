//! Where the state of pipelines lives: which folder it is, and how its store is opened.

use std::path::{Path, PathBuf};

use trueline_store::{Store, SystemClock};

use crate::context::Context;
use crate::errors::Problem;

/// What the folder is called, beside a pipeline file.
pub(crate) const FOLDER: &str = ".trueline";

/// The file whose presence says that something ran here.
const DATABASE: &str = "trueline.db";

impl Context {
    /// The home of a pipeline file: the one that was asked for, else the one beside the file.
    pub(crate) fn home_of(&self, pipeline_file: &Path) -> PathBuf {
        match &self.home {
            Some(home) => home.clone(),
            None => pipeline_file.with_file_name(FOLDER),
        }
    }

    /// The home that this folder belongs to, if there is one: asked for, or in this folder or above it.
    pub(crate) fn nearest_home(&self) -> Option<PathBuf> {
        let above = || {
            self.folder
                .ancestors()
                .map(|folder| folder.join(FOLDER))
                .find(|folder| folder.is_dir())
        };
        self.home.clone().or_else(above)
    }

    /// Opens the store of the home that this folder belongs to.
    ///
    /// # Errors
    /// If there is no home, if nothing has run in it, or if it cannot be opened.
    pub(crate) fn store(&self) -> anyhow::Result<Store> {
        self.store_of(None)
    }

    /// Opens the store of a pipeline file's home, or without one as [`store`](Self::store).
    ///
    /// # Errors
    /// As `store`.
    pub(crate) fn store_of(&self, pipeline_file: Option<&Path>) -> anyhow::Result<Store> {
        let home = pipeline_file.map(|file| self.home_of(file));
        let Some(home) = home.or_else(|| self.nearest_home()) else {
            let message = format!(
                "there is no {FOLDER} in {} or above it",
                self.folder.display()
            );
            let hint = "go to the folder of a pipeline that ran, or name its home with --home or TRUELINE_HOME";
            return Err(Problem::new(message).hint(hint).into());
        };
        match existing_store(&home)? {
            Some(store) => Ok(store),
            None => {
                let message = format!("nothing has run in {} yet", self.shown(&home));
                Err(Problem::new(message)
                    .hint("`trueline run PIPELINE` runs a pipeline")
                    .into())
            }
        }
    }

    /// What a command needs behind it so that it finds this home from here; nothing, mostly.
    pub(crate) fn home_flag(&self, home: &Path) -> String {
        let next = Self {
            home: self.usual_home.clone(),
            ..self.clone()
        };
        self.flag_unless(next.nearest_home().as_deref(), home)
    }

    /// What a command with a pipeline file needs behind it so that it finds this home.
    pub(crate) fn home_flag_of(&self, pipeline_file: &Path, home: &Path) -> String {
        let next = Self {
            home: self.usual_home.clone(),
            ..self.clone()
        };
        self.flag_unless(Some(&next.home_of(pipeline_file)), home)
    }

    fn flag_unless(&self, found: Option<&Path>, home: &Path) -> String {
        let real = |home: &Path| self.folder.join(home).canonicalize().ok();
        if found.is_some_and(|found| real(found) == real(home)) {
            return String::new();
        }
        format!(" --home {}", self.shown(home))
    }
}

/// Opens the store in a home if something has run there.
///
/// # Errors
/// If it is there and cannot be opened.
pub(crate) fn existing_store(home: &Path) -> trueline_store::Result<Option<Store>> {
    // Blobs without a database are what is left of a home; opening it says so.
    let has_blobs = std::fs::read_dir(home.join("blobs/sha256"))
        .is_ok_and(|mut entries| entries.next().is_some());
    if !home.join(DATABASE).is_file() && !has_blobs {
        return Ok(None);
    }
    Store::open(home, SystemClock).map(Some)
}

/// Opens the store in a home, which is made if it is missing.
///
/// # Errors
/// If it cannot be made or opened.
pub(crate) fn open_store(home: &Path) -> trueline_store::Result<Store> {
    Store::open(home, SystemClock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::Style;

    fn context(home: Option<&str>, folder: &Path) -> Context {
        let (style, error_style) = (Style::PLAIN, Style::PLAIN);
        let home = home.map(PathBuf::from);
        Context {
            json: false,
            home,
            usual_home: None,
            program: "trueline".to_owned(),
            folder: folder.to_owned(),
            style,
            error_style,
        }
    }

    #[test]
    fn a_home_is_asked_for_or_lies_beside_or_above() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("project/data/raw");
        std::fs::create_dir_all(&deep).unwrap();
        let home = folder.path().join("project").join(FOLDER);

        let nowhere = context(None, &deep);
        assert_eq!(nowhere.nearest_home(), None);
        let error = nowhere.store().unwrap_err().to_string();
        assert!(error.starts_with("there is no .trueline in "), "{error}");

        std::fs::create_dir(&home).unwrap();
        assert_eq!(nowhere.nearest_home().as_ref(), Some(&home));
        let error = context(None, &folder.path().join("project"))
            .store()
            .unwrap_err()
            .to_string();
        assert_eq!(error, "nothing has run in .trueline yet");
        open_store(&home).unwrap();
        assert_eq!(nowhere.store().unwrap().home(), home);

        assert_eq!(
            nowhere.home_of(Path::new("a/p.toml")),
            Path::new("a/.trueline")
        );
        assert_eq!(nowhere.home_of(Path::new("p.toml")), Path::new(".trueline"));
        let asked = context(Some("elsewhere"), &deep);
        assert_eq!(asked.home_of(Path::new("a/p.toml")), Path::new("elsewhere"));
        assert_eq!(asked.nearest_home(), Some("elsewhere".into()));
    }

    #[test]
    fn a_command_to_type_names_a_home_that_it_would_not_find() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("flights").join(FOLDER);
        std::fs::create_dir_all(&home).unwrap();
        let root = context(None, folder.path());
        assert_eq!(root.home_flag(&home), " --home flights/.trueline");
        assert_eq!(
            context(None, &folder.path().join("flights")).home_flag(&home),
            ""
        );
        let file = Path::new("flights/pipeline.toml");
        assert_eq!(root.home_flag_of(file, &home), "");
        assert_eq!(
            context(Some("flights/.trueline"), folder.path()).home_flag_of(file, &home),
            ""
        );
        assert_eq!(
            root.home_flag_of(Path::new("pipeline.toml"), &home),
            " --home flights/.trueline"
        );
    }
}
