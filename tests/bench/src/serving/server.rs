//! Servers of the flights: ours and the peers'.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::client::load;
use super::flights::Flights;
use super::peers::Peers;
use crate::load::{Load, Until};
use crate::memory::trueline;
use crate::server::{Server, free_address};

/// Ours, once it answers.
pub(super) fn ours(flights: &Flights) -> Result<Server> {
    Ok(timed(flights, &load(flights, 0.0)?)?.0)
}

/// Ours, and the time from the start of its process to its first answer.
pub(super) fn timed(flights: &Flights, load: &Load) -> Result<(Server, Duration)> {
    let address = free_address()?;
    let mut command = Command::new(trueline()?);
    command
        .args(["serve", "it.trueline", "--listen", &address.to_string()])
        .current_dir(flights.folder())
        .env_remove("TRUELINE_HOME")
        .stdout(Stdio::null());
    let started = Instant::now();
    let server = Server::start(command, address, Duration::from_micros(200))?;
    load.run(address, 1, Until::Asked(1))?;
    Ok((server, started.elapsed()))
}

/// FastAPI with this peer, once it answers.
pub(super) fn peer(flights: &Flights, peers: &Peers, peer: &str) -> Result<Server> {
    let address = free_address()?;
    let mut command = peers.command("serve", flights.folder());
    command.args([peer, &address.port().to_string()]);
    let server = Server::start(command, address, Duration::from_millis(20))?;
    load(flights, super::TOLERANCE)?.run(address, 1, Until::Asked(1))?;
    Ok(server)
}
