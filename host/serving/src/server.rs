//! Connections: accepted by every I/O thread, each kept on the one that took it, and ended in order.

use std::io;
use std::net::TcpListener as StdListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::{Service, protocols};

/// What a connection too many is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
/// A system that has no more file descriptors gets some back soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// The largest head of a request; signed ones of AWS have a kilobyte or two.
const HEAD_BYTES: usize = 64 << 10;

/// Serves until `stop` is done, then lets those that were served come to their end.
///
/// # Errors
/// If the system refuses threads or the listener.
pub fn serve(
    listener: StdListener,
    service: &Service,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let settings = service.settings();
    let shared = Shared {
        router: protocols::router(service.clone()),
        places: Arc::new(Semaphore::new(settings.connections)),
        client_time: settings.client_time,
        drain_time: settings.drain_time,
    };
    let (stopping, is_stopping) = watch::channel(false);
    let mut threads = Vec::new();
    for number in 0..settings.io_threads.max(1) {
        let listener = listener.try_clone()?;
        let (shared, is_stopping) = (shared.clone(), is_stopping.clone());
        let thread = std::thread::Builder::new().name(format!("trueline-io-{number}"));
        threads.push(thread.spawn(move || on_loop(shared.accept(listener, is_stopping)))?);
    }
    drop(listener);
    on_loop(async {
        stop.await;
        Ok(())
    })?;
    service.stop();
    stopping.send_replace(true);
    for thread in threads {
        let ended = thread.join();
        ended.map_err(|_| io::Error::other("an I/O thread panicked"))??;
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

impl Shared {
    async fn accept(
        self,
        listener: StdListener,
        mut stopping: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        let mut connections = JoinSet::new();
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopping.wait_for(|stopping| *stopping) => break,
                Some(_) = connections.join_next() => continue,
            };
            let Ok((stream, _)) = stream else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            match self.places.clone().try_acquire_owned() {
                Ok(place) => {
                    connections.spawn(self.clone().connection(stream, place, stopping.clone()));
                }
                // The client may not even read it.
                Err(_) => drop(stream.try_write(FULL)),
            }
        }
        drop(listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        // Whoever has not ended by now is cut off.
        let _ = tokio::time::timeout(self.drain_time, drained).await;
        Ok(())
    }

    async fn connection(
        self,
        stream: TcpStream,
        _place: OwnedSemaphorePermit,
        mut stopping: watch::Receiver<bool>,
    ) {
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
