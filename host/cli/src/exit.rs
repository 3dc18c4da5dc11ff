//! What a command's end tells the shell.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked to.
    Done,
    /// Something failed, or a proof does not hold.
    Failed,
    /// The pipeline file is wrong. The shell cannot tell it from wrong arguments, which is as well.
    WrongPipeline,
    /// Everything worked, and a gate said no.
    Refused,
    /// Someone pressed Ctrl-C.
    Cancelled,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::WrongPipeline => 2,
            Exit::Refused => 3,
            // As shells count a program that a signal ended.
            Exit::Cancelled => 130,
        })
    }
}
