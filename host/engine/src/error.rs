//! Why a run could not be made, or a package not be proved. What goes wrong *within* a stage is not
//! here: it fails the attempt, and the report says so.

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stopped the engine itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] trueline_store::Error),

    #[error(transparent)]
    Dataset(#[from] trueline_dataset::Error),

    #[error(transparent)]
    Runtime(#[from] trueline_runtime::Error),

    #[error(transparent)]
    Features(#[from] trueline_features::Error),

    #[error("the rows cannot be digested: {0}")]
    Table(#[from] trueline_table::Error),

    #[error("stage `{stage}`: {source}")]
    Stage { stage: String, source: Box<Error> },

    /// A dataset cannot be read.
    #[error("{source}, which {} read", list(stages))]
    Unreadable {
        stages: Vec<String>,
        source: Box<Error>,
    },

    /// A file is not what it was when the run began.
    #[error("{} has changed while the run read it: it was {pinned}, and {}", path.display(), now(found.as_ref()))]
    Changed {
        path: std::path::PathBuf,
        pinned: trueline_table::Digest,
        /// None if it cannot be read any more.
        found: Option<trueline_table::Digest>,
    },

    /// Something that a run was made from is not there any more.
    #[error("it cannot be made again; what is missing: {}", .0.join("; "))]
    Lost(Vec<String>),

    /// A run that cannot be taken up.
    #[error("there is nothing to take up of {run}: {why}")]
    NothingToResume {
        run: trueline_store::RunId,
        why: &'static str,
    },

    /// A package whose chain is not the plan's.
    #[error("{0}")]
    Mismatch(String),

    #[error("the package {digest} cannot be read: {reason}")]
    Package {
        digest: trueline_table::Digest,
        reason: String,
    },
}

impl Error {
    /// What to do about it, if anything can be said.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Dataset(error) => error.hint(),
            Self::Features(error) => error.hint(),
            Self::Stage { source, .. } | Self::Unreadable { source, .. } => source.hint(),
            Self::Changed { .. } => Some("run again when nobody writes the file"),
            Self::Lost(_) => Some(
                "put the missing files back where they were, or restore the home from a backup",
            ),
            Self::NothingToResume { .. } => Some(
                "`trueline runs` lists the runs; `trueline run PIPELINE` runs a pipeline again, and does nothing twice",
            ),
            Self::Runtime(_) | Self::Table(_) | Self::Mismatch(_) | Self::Package { .. } => None,
        }
    }
}

fn list(stages: &[String]) -> String {
    let names: Vec<String> = stages.iter().map(|stage| format!("`{stage}`")).collect();
    match names.as_slice() {
        [] => "no stage".to_owned(),
        [one] => format!("stage {one}"),
        [first @ .., last] => format!("the stages {} and {last}", first.join(", ")),
    }
}

fn now(found: Option<&trueline_table::Digest>) -> String {
    match found {
        Some(found) => format!("is {found} now"),
        None => "cannot be read any more".to_owned(),
    }
}
