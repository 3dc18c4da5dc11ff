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
    /// The current folder; empty if it cannot be told.
    pub(crate) folder: PathBuf,
    /// What standard output can show.
    pub(crate) style: Style,
    /// What standard error can show.
    pub(crate) error_style: Style,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            json: global.json,
            home: global.home.clone(),
            usual_home: std::env::var_os(HOME_VARIABLE)
                .filter(|home| !home.is_empty())
                .map(PathBuf::from),
            folder: std::env::current_dir().unwrap_or_default(),
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
        let relative = path.strip_prefix(&self.folder).ok();
        let relative = relative
            .filter(|path| !path.as_os_str().is_empty() && !self.folder.as_os_str().is_empty());
        relative.unwrap_or(path).display().to_string()
    }
}
