//! The source revision of a pipeline file, as far as git knows it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// The commit that a file is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit's id.
    pub commit: String,
    /// Whether the file is not as it is in that commit.
    pub is_changed: bool,
    /// Where the repository comes from, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The file, from the root of the repository.
    pub path: String,
}

/// The revision of a file; nothing if it is in no repository, or there is no git. A run never depends on it.
pub(crate) fn revision(file: &Path) -> Option<Revision> {
    let folder = file.parent()?;
    let name = file.file_name()?.to_str()?;
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(arguments);
        // It neither asks nor locks.
        command
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let output = command
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let described = git(&["rev-parse", "HEAD", "--show-prefix"])?;
    let mut lines = described.lines();
    let (commit, prefix) = (lines.next()?.to_owned(), lines.next().unwrap_or_default());
    let is_changed = !git(&["status", "--porcelain", "--", name])?.is_empty();
    let repository = git(&["config", "--get", "remote.origin.url"]);
    Some(Revision {
        commit,
        is_changed,
        repository: repository.map(|url| without_password(url.trim())),
        path: format!("{prefix}{name}"),
    })
}

/// The address without what may stand before its host, which can be a secret.
fn without_password(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_out() {
        let check = |url: &str, expected: &str| assert_eq!(without_password(url), expected);
        check(
            "https://me:secret@host.org/a/b.git",
            "https://host.org/a/b.git",
        );
        check("https://host.org/a@b", "https://host.org/a@b");
        check("git@host.org:a/b.git", "git@host.org:a/b.git");
    }

    #[test]
    fn a_file_outside_of_any_repository_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.toml");
        std::fs::write(&file, "").unwrap();
        assert_eq!(revision(&file), None);
    }
}
