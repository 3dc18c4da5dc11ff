//! Servers as processes: ours and the peers'.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Python imports for a while.
const START_MAX: Duration = Duration::from_secs(120);

pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts one that listens at `address`, and waits until it does, looking again after each `pause`.
    pub(crate) fn start(
        mut command: Command,
        address: SocketAddr,
        pause: Duration,
    ) -> Result<Self> {
        let mut process = command.spawn().with_context(|| format!("{command:?}"))?;
        let until = Instant::now() + START_MAX;
        while TcpStream::connect(address).is_err() {
            let has_ended = process.try_wait()?;
            ensure!(has_ended.is_none(), "{command:?} ended: {has_ended:?}");
            ensure!(Instant::now() < until, "{command:?} does not listen");
            std::thread::sleep(pause);
        }
        Ok(Self { process, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resident memory, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(1024 * kib.context("no VmRSS")?.parse::<u64>()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address of this machine where nobody listens.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
