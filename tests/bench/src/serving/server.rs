//! Servers as processes: ours and the peers'.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::{Load, Until};
use super::flights::Flights;
use super::peers::Peers;
use crate::memory::trueline;

/// Python imports for a while.
const START_MAX: Duration = Duration::from_secs(120);

pub(super) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Ours, once it answers.
    pub(super) fn trueline(flights: &Flights) -> Result<Self> {
        Ok(Self::timed(flights, &Load::new(flights, 0.0)?)?.0)
    }

    /// Ours, and the time from the start of its process to its first answer.
    pub(super) fn timed(flights: &Flights, load: &Load) -> Result<(Self, Duration)> {
        let address = free_address()?;
        let mut command = Command::new(trueline()?);
        command
            .args(["serve", "it.trueline", "--listen", &address.to_string()])
            .current_dir(flights.folder())
            .env_remove("TRUELINE_HOME")
            .stdout(Stdio::null());
        let started = Instant::now();
        let server = Self::start(command, address, Duration::from_micros(200))?;
        load.run(address, 1, Until::Asked(1))?;
        Ok((server, started.elapsed()))
    }

    /// FastAPI with this peer, once it answers.
    pub(super) fn peer(flights: &Flights, peers: &Peers, peer: &str) -> Result<Self> {
        let address = free_address()?;
        let mut command = peers.command("serve", flights.folder());
        command.args([peer, &address.port().to_string()]);
        let server = Self::start(command, address, Duration::from_millis(20))?;
        Load::new(flights, super::TOLERANCE)?.run(address, 1, Until::Asked(1))?;
        Ok(server)
    }

    fn start(mut command: Command, address: SocketAddr, pause: Duration) -> Result<Self> {
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

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resident memory, in bytes.
    pub(super) fn memory(&self) -> Result<u64> {
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

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
