//! A disk of a test's own, small or read-only: a file system in memory, which only root can mount.

use std::path::{Path, PathBuf};
use std::process::Command;

use trueline_tests::project::Project;

/// A file system in memory, gone when this is.
pub(crate) struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts one of `size_kib` at a folder of the project; nothing, and a word about it, if that is not allowed
    /// here.
    pub(crate) fn mount(project: &Project, folder: &str, size_kib: u64) -> Option<Self> {
        let path = project.path(folder);
        std::fs::create_dir_all(&path).unwrap();
        let options = format!("size={size_kib}k,mode=700");
        if mount(&["-t", "tmpfs", "-o", &options, "trueline-test"], &path) {
            return Some(Self { path });
        }
        eprintln!(
            "skipped: a file system can be mounted by root alone, and not in every container"
        );
        None
    }

    /// Changes how it is mounted: `size=…`, `ro`, `rw`.
    pub(crate) fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(mount(&["-o", &options], &self.path), "{options}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that is being killed may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

fn mount(options: &[&str], path: &Path) -> bool {
    let output = Command::new("mount").args(options).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}
