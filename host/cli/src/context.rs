//! What every command is given: where it is, what it was asked for, and what the terminal can show.

use std::path::{Path, PathBuf};

use trueline_runtime::{Backend, Runtime};

use crate::arguments::{Global, HOME_VARIABLE};
use crate::style::Style;

/// The surroundings of a command.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Whether the answer is to be JSON.
    pub(crate) json: bool,
    /// The home that was asked for.
    pub(crate) home: Option<PathBuf>,
    /// The home that the next command will be asked for if it is not told otherwise.
    pub(crate) usual_home: Option<PathBuf>,
    /// What to type for this program.
    pub(crate) program: String,
    /// The current folder; empty if it cannot be told.
    pub(crate) folder: PathBuf,
    /// What standard output can show.
    pub(crate) style: Style,
    /// What standard error can show.
    pub(crate) error_style: Style,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        Self {
            json: global.json,
            home: global.home.clone(),
            usual_home: std::env::var_os(HOME_VARIABLE)
                .filter(|home| !home.is_empty())
                .map(PathBuf::from),
            program: program(&folder),
            folder,
            style: Style::of(&std::io::stdout()),
            error_style: Style::of(&std::io::stderr()),
        }
    }

    /// A runtime that keeps compiled code in this home, or nowhere.
    ///
    /// # Errors
    /// If the machine lacks what the sandbox needs.
    pub(crate) fn runtime(&self, home: Option<&Path>) -> trueline_runtime::Result<Runtime> {
        Runtime::new(Backend::default(), home.map(|home| home.join("code")))
    }

    /// A path as one would type it here: relative if it lies below the current folder.
    pub(crate) fn shown(&self, path: &Path) -> String {
        shown(path, &self.folder)
    }
}

fn shown(path: &Path, folder: &Path) -> String {
    let below = path.strip_prefix(folder).ok();
    let below =
        below.filter(|below| !below.as_os_str().is_empty() && !folder.as_os_str().is_empty());
    below.unwrap_or(path).display().to_string()
}

/// The program as it was started, so that what is shown can be typed: a name that the shell finds, or
/// a path.
fn program(folder: &Path) -> String {
    let started = std::env::args_os().next().map(PathBuf::from);
    match started.filter(|path| path.components().count() > 1) {
        Some(path) => shown(&path, folder),
        None => "trueline".to_owned(),
    }
}
