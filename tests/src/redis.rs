//! A real `redis-server` of a test's own, on a socket in a temporary folder.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server that runs until this is dropped, or until the test's process ends, however it does.
pub struct Redis {
    folder: TempDir,
    options: Vec<String>,
    process: Option<Child>,
    /// The shell that started the server ends it when this is closed.
    alive: Option<ChildStdin>,
}

impl Redis {
    /// Starts a server that keeps nothing on the disk.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further options, as in `--appendonly yes`.
    pub fn start_with(options: &[&str]) -> Self {
        let mut redis = Self {
            folder: tempfile::tempdir().unwrap(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            process: None,
            alive: None,
        };
        redis.start_again();
        redis
    }

    /// Starts it after [`kill`](Self::kill), on the same files.
    pub fn start_again(&mut self) {
        // The shell waits for the end of its input, which comes with the test's end.
        let script =
            "redis-server \"$@\" >\"$0\" 2>&1 & server=$!; cat; kill -9 $server; wait $server";
        let mut process = Command::new("sh")
            .args(["-c", script])
            .arg(self.folder.path().join("log"))
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.alive = process.stdin.take();
        self.process = Some(process);
        let started = Instant::now();
        while !self.is_ready() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let waited = started.elapsed();
            assert!(
                waited < Duration::from_secs(20) && !log.contains("not found"),
                "no redis-server; `cargo xtask setup` installs it: {log}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it answers, and has read what it kept.
    fn is_ready(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok() && !self.command("PING").starts_with("-LOADING")
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        drop(self.alive.take());
        if let Some(mut process) = self.process.take() {
            process.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.socket());
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Sends one command in the protocol's inline form, and waits for the first line of its answer.
    pub fn command(&self, command: &str) -> String {
        use std::io::{BufRead as _, BufReader};
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream
            .write_all(format!("{command}\r\n").as_bytes())
            .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
