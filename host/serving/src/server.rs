//! Connections: accepted by every I/O thread, each kept on one of them, and ended in order.

use std::io;
use std::net::{TcpListener as StdListener, TcpStream as StdStream};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::front::Front;
use crate::{Fleet, Service, Settings, protocols};

/// What a connection too many is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
/// A system that has no more file descriptors gets some back soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// The largest head of a request; signed ones of AWS have a kilobyte or two.
const HEAD_BYTES: usize = 64 << 10;

/// What a server serves: a [`Service`], a [`Fleet`], or any other router.
pub struct Site {
    front: Arc<Front>,
    router: Router,
    /// What has something to finish at the end.
    service: Option<Service>,
}

impl Site {
    /// Serves what has routes of its own, over connections with the limits of `settings`.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn of_router(router: Router, settings: Settings) -> io::Result<Self> {
        Ok(Self {
            front: Front::start(settings)?,
            router,
            service: None,
        })
    }
}

impl From<Service> for Site {
    fn from(service: Service) -> Self {
        Self {
            front: service.front().clone(),
            router: protocols::of_service(service.clone()),
            service: Some(service),
        }
    }
}

impl From<Fleet> for Site {
    fn from(fleet: Fleet) -> Self {
        Self {
            front: fleet.front().clone(),
            router: protocols::of_fleet(fleet),
            service: None,
        }
    }
}

/// Serves until `stop` is done, then lets those that were served come to their end.
///
/// # Errors
/// If the system refuses threads or the listener.
pub fn serve(
    listener: StdListener,
    site: impl Into<Site>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let Site {
        front,
        router,
        service,
    } = site.into();
    let settings = &front.settings;
    let shared = Shared {
        router,
        places: Arc::new(Semaphore::new(settings.connections)),
        client_time: settings.client_time,
        drain_time: settings.drain_time,
    };
    let (stopping, is_stopping) = watch::channel(false);
    let mut threads = Vec::new();
    let (loops, inboxes) = Loops::new(settings.io_threads.max(1));
    for (number, inbox) in inboxes.into_iter().enumerate() {
        let own = Loop {
            number,
            loops: loops.clone(),
            inbox,
            shared: shared.clone(),
        };
        let (listener, is_stopping) = (listener.try_clone()?, is_stopping.clone());
        let thread = std::thread::Builder::new().name(format!("trueline-io-{number}"));
        threads.push(thread.spawn(move || on_loop(own.accept(listener, is_stopping)))?);
    }
    drop(listener);
    on_loop(async {
        stop.await;
        Ok(())
    })?;
    front.stop();
    stopping.send_replace(true);
    for thread in threads {
        let ended = thread.join();
        ended.map_err(|_| io::Error::other("an I/O thread panicked"))??;
    }
    if let Some(service) = service {
        service.finish();
    }
    Ok(())
}

/// Runs an event loop on this thread.
fn on_loop(future: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

#[derive(Clone)]
struct Shared {
    router: Router,
    places: Arc<Semaphore>,
    client_time: Duration,
    drain_time: Duration,
}

/// The event loops, and how many connections each has. Whichever is awake accepts a new one, so that it may have to
/// hand it on: a loop with most of the connections would let them wait for each other.
struct Loops {
    counts: Vec<AtomicUsize>,
    inboxes: Vec<UnboundedSender<(StdStream, Seat)>>,
}

/// A connection's place in the server and on a loop, given back when this is dropped.
struct Seat {
    loops: Arc<Loops>,
    number: usize,
    _place: OwnedSemaphorePermit,
}

impl Loops {
    fn new(count: usize) -> (Arc<Self>, Vec<UnboundedReceiver<(StdStream, Seat)>>) {
        let (inboxes, receivers) = (0..count).map(|_| unbounded_channel()).unzip();
        let counts = (0..count).map(|_| AtomicUsize::new(0)).collect();
        (Arc::new(Self { counts, inboxes }), receivers)
    }

    /// A seat on the loop with the fewest connections, if it may be on the one that asks.
    fn seat(self: &Arc<Self>, asking: usize, place: OwnedSemaphorePermit) -> Seat {
        let count = |number: &usize| self.counts[*number].load(Ordering::Relaxed);
        let fewest = (0..self.counts.len()).min_by_key(|number| (count(number), *number != asking));
        let number = fewest.unwrap_or(asking);
        self.counts[number].fetch_add(1, Ordering::Relaxed);
        Seat {
            loops: self.clone(),
            number,
            _place: place,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.loops.counts[self.number].fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that a loop may come to keep.
enum Arrived {
    Accepted(io::Result<TcpStream>),
    Handed(StdStream, Seat),
}

/// One event loop.
struct Loop {
    number: usize,
    loops: Arc<Loops>,
    /// Connections that other loops accepted.
    inbox: UnboundedReceiver<(StdStream, Seat)>,
    shared: Shared,
}

impl Loop {
    async fn accept(
        mut self,
        listener: StdListener,
        mut stopping: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        let mut connections = JoinSet::new();
        loop {
            let arrived = tokio::select! {
                accepted = listener.accept() => Arrived::Accepted(accepted.map(|(stream, _)| stream)),
                Some((stream, seat)) = self.inbox.recv() => Arrived::Handed(stream, seat),
                _ = stopping.wait_for(|stopping| *stopping) => break,
                Some(_) = connections.join_next() => continue,
            };
            match arrived {
                Arrived::Accepted(Err(_)) => tokio::time::sleep(ACCEPT_PAUSE).await,
                Arrived::Accepted(Ok(stream)) => {
                    match self.shared.places.clone().try_acquire_owned() {
                        Ok(place) => self.seat(stream, place, &mut connections, &stopping),
                        // The client may not even read it.
                        Err(_) => drop(stream.try_write(FULL)),
                    }
                }
                Arrived::Handed(stream, seat) => {
                    self.take(stream, seat, &mut connections, &stopping);
                }
            }
        }
        drop(listener);
        self.inbox.close();
        while let Some((stream, seat)) = self.inbox.recv().await {
            self.take(stream, seat, &mut connections, &stopping);
        }
        let drained = async { while connections.join_next().await.is_some() {} };
        // Whoever has not ended by now is cut off.
        let _ = tokio::time::timeout(self.shared.drain_time, drained).await;
        Ok(())
    }

    /// Keeps a connection, or hands it to a loop that has fewer.
    fn seat(
        &self,
        stream: TcpStream,
        place: OwnedSemaphorePermit,
        connections: &mut JoinSet<()>,
        stopping: &watch::Receiver<bool>,
    ) {
        let seat = self.loops.seat(self.number, place);
        if seat.number == self.number {
            connections.spawn(
                self.shared
                    .clone()
                    .connection(stream, seat, stopping.clone()),
            );
        } else if let Ok(stream) = stream.into_std() {
            // A loop that has ended lets nobody in: neither would this one.
            let _ = self.loops.inboxes[seat.number].send((stream, seat));
        }
    }

    /// Keeps a connection that another loop accepted.
    fn take(
        &self,
        stream: StdStream,
        seat: Seat,
        connections: &mut JoinSet<()>,
        stopping: &watch::Receiver<bool>,
    ) {
        if let Ok(stream) = TcpStream::from_std(stream) {
            connections.spawn(
                self.shared
                    .clone()
                    .connection(stream, seat, stopping.clone()),
            );
        }
    }
}

impl Shared {
    async fn connection(self, stream: TcpStream, _seat: Seat, mut stopping: watch::Receiver<bool>) {
        // Answers are small and complete; none should wait for another to fill a packet.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(self.router);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.client_time)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut is_asked = false;
        loop {
            tokio::select! {
                // A client that vanishes or speaks no HTTP has only itself to tell.
                _ = connection.as_mut() => return,
                _ = stopping.wait_for(|stopping| *stopping), if !is_asked => {
                    connection.as_mut().graceful_shutdown();
                    is_asked = true;
                }
            }
        }
    }
}
