//! A folder with a pipeline in it, and the real `trueline` binary run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::repository;

/// A temporary folder, gone when this is.
pub struct Project {
    folder: TempDir,
    trueline: PathBuf,
}

impl Project {
    /// An empty folder. `trueline` is the binary: `env!("CARGO_BIN_EXE_trueline")`.
    pub fn new(trueline: impl Into<PathBuf>) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            trueline: trueline.into(),
        };
        project.share_compiled_code(".trueline");
        project
    }

    /// A folder of its own with the same files.
    pub fn copy(&self) -> Self {
        let copy = Self {
            folder: tempfile::tempdir().unwrap(),
            trueline: self.trueline.clone(),
        };
        let files = self.path(".");
        let copied = Command::new("cp")
            .arg("-a")
            .arg(files)
            .arg(copy.path(""))
            .status();
        assert!(copied.unwrap().success());
        copy
    }

    /// Lets a home use the code that other tests have compiled, which no result depends on.
    pub fn share_compiled_code(&self, home: &str) {
        let shared = repository().join("target/tests/code");
        fs::create_dir_all(&shared).unwrap();
        fs::create_dir_all(self.path(home)).unwrap();
        #[cfg(unix)]
        {
            let code = self.path(home).join("code");
            let _ = fs::remove_dir_all(&code);
            std::os::unix::fs::symlink(shared, code).unwrap();
        }
    }

    /// Where a file of the folder is.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Runs `trueline` in the folder; `line` is what one would type behind its name.
    pub fn trueline(&self, line: &str) -> Answer {
        self.trueline_with(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs `trueline` in the folder with these arguments.
    pub fn trueline_with(&self, arguments: &[&str]) -> Answer {
        self.answer(self.command(arguments))
    }

    /// `trueline` with these arguments, to be run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.trueline);
        command.args(arguments).current_dir(self.folder.path());
        // What a person's own shell may say must not reach the tests.
        for variable in ["TRUELINE_HOME", "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs a [`Project::command`] to its end.
    pub fn answer(&self, mut command: Command) -> Answer {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let arguments = command
            .get_args()
            .map(|argument| argument.to_string_lossy());
        Answer {
            line: arguments.collect::<Vec<_>>().join(" "),
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// What `trueline` answered.
#[derive(Clone, Debug)]
pub struct Answer {
    line: String,
    code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Asserts how it ended.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Asserts that each of these texts is somewhere in what it said.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            let said = self.stdout.contains(text) || self.stderr.contains(text);
            assert!(said, "it does not say {text:?}: {self}");
        }
        self
    }

    /// How it ended; nothing if it was killed.
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// What it answered with `--json`.
    #[track_caller]
    pub fn json(&self) -> Json {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            line,
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "`trueline {line}` ended with {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}
