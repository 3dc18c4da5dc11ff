//! `trueline serve` under load, before clients that mean no good, and at its end.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use trueline_tests::guests;
use trueline_tests::project::Project;
use trueline_tests::server::Server;

use crate::serve::{Answer, JSON, ROW, agent, get, packed, post};

/// A package whose stage takes so many million steps for a row as its column `x` says: some 2 ms each.
fn slow() -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    let package = guests::hostile_package(r#"{"mode": "slow"}"#);
    package.write(&project.path("slow.trueline")).unwrap();
    project
}

/// Asks for a row that takes about a second.
fn ask_slowly(server: &Server) -> Answer {
    ask(server, 500)
}

fn ask(server: &Server, millions: u64) -> Answer {
    let body = format!("{{\"records\": [{{\"x\": {millions}}}]}}");
    post(&agent(), &server.url("/v1/predict"), JSON, body.as_bytes())
}

fn head(more: &str) -> String {
    format!("POST /v1/predict HTTP/1.1\r\nhost: a\r\n{more}\r\n")
}

/// What is said until the connection ends. That it ends before all was written is no matter.
fn rest(mut stream: TcpStream) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut said = Vec::new();
    if let Err(error) = stream.read_to_end(&mut said) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn a_full_queue_sheds_load_and_says_when_to_come_back() {
    let project = slow();
    let server = Server::start(
        &project,
        "slow.trueline --threads 1 --queue 1 --queue-timeout 60",
    );
    // The first is computed, the second waits, and from then on there is no room.
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6)
            .map(|_| {
                std::thread::sleep(Duration::from_millis(50));
                scope.spawn(|| ask_slowly(&server).status)
            })
            .collect();
        let mut statuses: Vec<_> = asked
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 503, 503, 503, 503]);
    });
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!(ask_slowly(&server).status, 200));
            std::thread::sleep(Duration::from_millis(50));
        }
        let body = br#"{"records": [{"x": 500}]}"#;
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let more = format!("connection: close\r\ncontent-length: {}\r\n", body.len());
        stream.write_all(head(&more).as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let said = rest(stream);
        assert!(said.starts_with("HTTP/1.1 503"), "{said}");
        assert!(said.contains("retry-after: 1\r\n"), "{said}");
        assert!(said.contains("too many requests are waiting"), "{said}");
        // Who asks how it is, is answered meanwhile.
        let metrics = get(&agent(), &server.url("/metrics")).body;
        assert!(
            metrics.contains("trueline_waiting_requests 1\n"),
            "{metrics}"
        );
    });
}

#[test]
fn a_stage_that_takes_too_long_is_stopped() {
    let project = slow();
    let server = Server::start(&project, "slow.trueline --timeout 1 --threads 1");
    let started = Instant::now();
    let answer = ask(&server, 1_000_000);
    assert_eq!(answer.status, 504, "{}", answer.body);
    assert_eq!(answer.json()["error"]["code"], "timeout");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(ask(&server, 0).status, 200);
}

#[test]
fn slow_and_vanishing_clients_hold_up_nobody() {
    let project = packed();
    let server = Server::start(&project, "trips@1 --threads 1 --client-timeout 1");
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let head = head("content-length: 100\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"{").unwrap();
        slow.push(stream);
        // Half of a head, and gone.
        let mut gone = TcpStream::connect(server.address()).unwrap();
        gone.write_all(b"POST /v1").unwrap();
    }
    let mut half = TcpStream::connect(server.address()).unwrap();
    half.write_all(b"POST /v1").unwrap();
    let body = format!("{{\"records\": [{ROW}]}}");
    let answer = post(&agent(), &server.url("/v1/predict"), JSON, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let said = rest(slow.pop().unwrap());
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(said.contains("took too long"), "{said}");
    // Whoever does not even come to the end of a head is cut off.
    rest(half);
    // No HTTP at all is answered, or the connection is closed.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"\x16\x03\x01 hello\r\n\r\n").unwrap();
    let said = rest(stream);
    let is_refused = said.is_empty() || said.starts_with("HTTP/1.1 400");
    assert!(is_refused, "{said}");
}

#[test]
fn who_vanishes_while_waiting_is_not_computed_for() {
    let project = slow();
    let server = Server::start(&project, "slow.trueline --threads 1 --queue-timeout 60");
    let started = Instant::now();
    assert_eq!(ask(&server, 300).status, 200);
    let takes = started.elapsed();
    let body = br#"{"records": [{"x": 300}]}"#;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let head = head(&format!("content-length: {}\r\n", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    let started = Instant::now();
    let answer = ask(&server, 0);
    assert_eq!(answer.status, 200, "{}", answer.body);
    // One may have been begun with; twenty would take twenty times as long.
    assert!(
        started.elapsed() < 10 * takes,
        "{:?}, one {takes:?}",
        started.elapsed()
    );
}

#[test]
fn a_body_of_100_mb_is_refused_and_not_kept() {
    const BYTES: usize = 100 << 20;
    let project = packed();
    let server = Server::start(&project, "trips@1 --body-limit 1");
    let before = server.memory_peak();
    let piece = vec![b' '; 1 << 20];
    for chunked in [false, true] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let more = match chunked {
            true => "transfer-encoding: chunked\r\n".to_owned(),
            false => format!("content-length: {BYTES}\r\n"),
        };
        let head = head(&format!("connection: close\r\n{more}"));
        stream.write_all(head.as_bytes()).unwrap();
        for _ in 0..BYTES / piece.len() {
            if chunked {
                stream.write_all(b"100000\r\n").unwrap();
            }
            stream.write_all(&piece).unwrap();
            if chunked {
                stream.write_all(b"\r\n").unwrap();
            }
        }
        if chunked {
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
        let said = rest(stream);
        assert!(said.starts_with("HTTP/1.1 413"), "{said}");
        assert!(said.contains("longer than 1048576 bytes"), "{said}");
    }
    let grown = server.memory_peak() - before;
    assert!(grown < 16 << 20, "{grown} bytes");

    // Who asks first is told before sending anything.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = head(&format!(
        "expect: 100-continue\r\ncontent-length: {BYTES}\r\n"
    ));
    stream.write_all(head.as_bytes()).unwrap();
    let said = rest(stream);
    assert!(said.starts_with("HTTP/1.1 413"), "{said}");
}

#[test]
fn what_was_taken_is_finished_at_the_end() {
    let project = slow();
    let server = Server::start(&project, "slow.trueline --threads 1 --queue-timeout 60");
    let ready = get(&agent(), &server.url("/ready"));
    assert_eq!(ready.status, 200);
    let address = server.address().to_owned();
    std::thread::scope(|scope| {
        let computed = scope.spawn(|| ask_slowly(&server));
        std::thread::sleep(Duration::from_millis(100));
        let waiting = scope.spawn(|| ask_slowly(&server));
        std::thread::sleep(Duration::from_millis(100));
        // Connections that nobody asks on end at once.
        let idle = TcpStream::connect(&address).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        server.ask_to_end();
        assert_eq!(rest(idle), "");
        for asked in [computed, waiting] {
            let answer = asked.join().unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    });
    assert_eq!(server.stop(), Some(0));
    assert!(
        TcpStream::connect(address).is_err(),
        "nobody listens any more"
    );
}

#[test]
fn an_idle_server_is_small() {
    let project = packed();
    // The first one compiles what the others find.
    assert_eq!(Server::start(&project, "trips@1").stop(), Some(0));
    let server = Server::start(&project, "trips@1");
    let body = format!("{{\"records\": [{ROW}]}}");
    let answer = post(&agent(), &server.url("/v1/predict"), JSON, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let peak = server.memory_peak();
    assert!(peak < 100 << 20, "{peak} bytes");
}
