//! A client that keeps connections busy, checks every answer, and costs little itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use trueline_wire::native::{self, Shape};

use super::flights::Flights;

/// Requests of a row each, with what is to be answered.
#[derive(Clone)]
pub(super) struct Load {
    inner: Arc<Inner>,
}

struct Inner {
    requests: Vec<Vec<u8>>,
    expected: Vec<f32>,
    /// How far answers may be from it.
    tolerance: f32,
}

/// When a measurement is over.
#[derive(Clone, Copy)]
pub(super) enum Until {
    Asked(usize),
    Elapsed(Duration),
}

pub(super) struct Measured {
    /// From the first byte of a request to the last of its answer.
    pub(super) durations: Vec<Duration>,
    pub(super) elapsed: Duration,
}

impl Load {
    pub(super) fn new(flights: &Flights, tolerance: f32) -> Result<Self> {
        let request = |row: usize| {
            let row = flights.rows.slice(row, 1);
            let body = native::write_request(Shape::Records, &flights.input, &row)?;
            let head = "POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
            let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
            anyhow::Ok(request.into_bytes())
        };
        let requests = (0..flights.rows.num_rows()).map(request);
        let inner = Inner {
            requests: requests.collect::<Result<_>>()?,
            expected: flights.expected.clone(),
            tolerance,
        };
        Ok(Self {
            inner: inner.into(),
        })
    }

    /// Asks over so many connections at once.
    ///
    /// # Errors
    /// If anything but the right answer comes back.
    pub(super) fn run(
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
            self.check(row, &answer[body..])?;
        }
    }

    fn check(&self, row: usize, body: &[u8]) -> Result<()> {
        let body = std::str::from_utf8(body)?;
        let number = body.split_once("\"prediction\":").and_then(|(_, rest)| {
            let end = rest.find(['}', ','])?;
            // Read as Python does: as float64, which is then narrowed.
            rest[..end].trim().parse::<f64>().ok()
        });
        #[expect(clippy::cast_possible_truncation, reason = "the answer is a float32")]
        let number = number.with_context(|| format!("no prediction in {body}"))? as f32;
        let expected = self.expected[row];
        let is_right = number.to_bits() == expected.to_bits()
            || (number - expected).abs() <= self.tolerance && self.tolerance > 0.0;
        ensure!(
            is_right,
            "row {row} is answered with {number}, not {expected}"
        );
        Ok(())
    }
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
