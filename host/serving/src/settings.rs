//! What an operator may set.

use std::sync::Arc;
use std::time::Duration;

use trueline_wire::invocations::Flavour;

use crate::Features;

/// How a server behaves; the defaults suit one model on one machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose `/invocations` is spoken, and so which CSV is meant.
    pub invocations: Flavour,
    /// What `/invocations` answers with if the client does not mind: a content type.
    pub accept: Option<String>,
    /// The longest body of a request; longer ones are answered with 413.
    pub body_bytes: usize,
    /// Bytes of bodies in memory at once, over all connections.
    pub bodies_bytes: usize,
    /// Connections at once; further ones are answered with 503 and closed.
    pub connections: usize,
    /// The sum of the sizes of the packages of a server of many models.
    pub models_bytes: u64,
    /// Threads that speak with clients.
    pub io_threads: usize,
    /// Threads that compute what takes longer.
    pub worker_threads: usize,
    /// Requests that wait for a worker; further ones are answered with 503.
    pub queue_length: usize,
    /// The longest that a request waits for a worker.
    pub queue_time: Duration,
    /// The longest that one call of one stage may take.
    pub call_time: Duration,
    /// The most memory that one instance of a stage may have.
    pub memory_bytes: usize,
    /// The longest that a client may take to send the head of a request, and then its body.
    pub client_time: Duration,
    /// How long a server that was told to stop lets clients go on.
    pub drain_time: Duration,
    /// Where features come from that requests do not bring; without, they bring all columns.
    pub features: Option<Arc<dyn Features>>,
}

impl Default for Settings {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            invocations: Flavour::default(),
            accept: None,
            body_bytes: 6 << 20,
            bodies_bytes: 256 << 20,
            connections: 1024,
            models_bytes: 1 << 30,
            io_threads: threads,
            worker_threads: threads,
            queue_length: 64,
            queue_time: Duration::from_secs(2),
            call_time: Duration::from_secs(30),
            memory_bytes: 1 << 30,
            client_time: Duration::from_secs(10),
            drain_time: Duration::from_secs(25),
            features: None,
        }
    }
}
