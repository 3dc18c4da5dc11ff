//! A client that keeps connections busy, checks every answer, and costs little itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Says whether a body is the right answer to the request of this number.
type Check = dyn Fn(usize, &[u8]) -> Result<()> + Send + Sync;

/// Requests, and what says whether they were answered rightly.
#[derive(Clone)]
pub(crate) struct Load {
    inner: Arc<Inner>,
}

struct Inner {
    requests: Vec<Vec<u8>>,
    check: Box<Check>,
}

/// When a measurement is over.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Asked(usize),
    Elapsed(Duration),
}

pub(crate) struct Measured {
    /// From the first byte of a request to the last of its answer.
    pub(crate) durations: Vec<Duration>,
    pub(crate) elapsed: Duration,
}

impl Load {
    pub(crate) fn new(
        requests: Vec<Vec<u8>>,
        check: impl Fn(usize, &[u8]) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let check = Box::new(check);
        Self {
            inner: Arc::new(Inner { requests, check }),
        }
    }

    /// Asks over so many connections at once.
    ///
    /// # Errors
    /// If anything but the right answer comes back.
    pub(crate) fn run(
        &self,
        address: SocketAddr,
        connections: usize,
        until: Until,
    ) -> Result<Measured> {
        let client = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        client.block_on(async {
            let mut streams = Vec::new();
            for _ in 0..connections {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                streams.push(stream);
            }
            let (next, started) = (Arc::new(AtomicUsize::new(0)), Instant::now());
            let mut asking = JoinSet::new();
            for stream in streams {
                let (inner, next) = (self.inner.clone(), next.clone());
                asking.spawn(async move { inner.ask(stream, &next, started, until).await });
            }
            let mut durations = Vec::new();
            while let Some(asked) = asking.join_next().await {
                durations.extend(asked.map_err(|error| anyhow!(error))??);
            }
            let elapsed = started.elapsed();
            Ok(Measured { durations, elapsed })
        })
    }
}

impl Inner {
    /// One connection's part.
    async fn ask(
        &self,
        mut stream: TcpStream,
        next: &AtomicUsize,
        started: Instant,
        until: Until,
    ) -> Result<Vec<Duration>> {
        let mut durations = Vec::new();
        let mut answer = Vec::with_capacity(8192);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let is_over = match until {
                Until::Asked(count) => number >= count,
                Until::Elapsed(time) => started.elapsed() >= time,
            };
            if is_over {
                return Ok(durations);
            }
            let row = number % self.requests.len();
            let asked = Instant::now();
            stream.write_all(&self.requests[row]).await?;
            answer.clear();
            let body = read(&mut stream, &mut answer).await?;
            durations.push(asked.elapsed());
            (self.check)(row, &answer[body..])?;
        }
    }
}

/// A request to post something.
pub(crate) fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Reads one answer, and tells where its body begins.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<usize> {
    let mut awaited = None;
    loop {
        // That knows of a short read that nothing is left, and does not ask the kernel in vain.
        let length = stream.read_buf(answer).await?;
        ensure!(
            length > 0,
            "the connection ended: {}",
            String::from_utf8_lossy(answer)
        );
        if awaited.is_none() {
            awaited = extent(answer)?;
        }
        if let Some((body, end)) = awaited
            && answer.len() >= end
        {
            return Ok(body);
        }
    }
}

/// Where the body begins and ends, if the head has arrived.
fn extent(answer: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..head])?;
    let is_good = text.starts_with("HTTP/1.1 200");
    ensure!(is_good, "{}", String::from_utf8_lossy(answer));
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim())
    });
    let length: usize = length.context("no content-length")?.parse()?;
    Ok(Some((head + 4, head + 4 + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_head_says() {
        let check = |answer: &str, expected: Option<(usize, usize)>| {
            assert_eq!(extent(answer.as_bytes()).unwrap(), expected, "{answer}");
        };
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", None);
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
            Some((38, 40)),
        );
        assert!(extent(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
