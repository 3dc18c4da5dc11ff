//! One row through the flights package, in process and over HTTP, beside what Python serves it with.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use trueline_runtime::{Backend, Package, Runtime};

use crate::load::{Measured, Until};
use crate::rounds::{Sample, microseconds, timed};
use crate::server::Server;
use crate::table::{Table, verdict};

mod client;
mod flights;
mod peers;
mod server;

use client::load;
use flights::Flights;
use peers::Peers;

const ROUNDS: usize = 3;
/// Calls of a round in process: of ours and ONNX Runtime, and of scikit-learn, which takes a hundred times as long.
const CALLS: usize = 5_000;
const SLOW_CALLS: usize = 200;
/// Requests of a round over HTTP, likewise.
const REQUESTS: usize = 4_000;
const SLOW_REQUESTS: usize = 300;
const CONNECTIONS: usize = 16;
const STARTS: usize = 9;
/// Of every server but ours, the answers may be so far from the package's: ONNX rounds otherwise.
const TOLERANCE: f32 = 1e-5;

const IN_PROCESS_P50: Duration = Duration::from_micros(28);
const IN_PROCESS_P99: Duration = Duration::from_micros(60);
const HTTP_P50: Duration = Duration::from_micros(150);
const HTTP_P99: Duration = Duration::from_micros(600);
const MANY_P99: Duration = Duration::from_millis(5);
/// How many times the requests of FastAPI with ONNX Runtime a second.
const TIMES: f64 = 5.0;
const START: Duration = Duration::from_millis(100);
const IDLE_BYTES: u64 = 100 << 20;
const FULL_SPEED: Duration = Duration::from_secs(60);
/// As fast before that. Sandboxes keep their memory when they end, one for each call that was ever under way at once, so a
/// server has all that it will have only once as many as can have met.
const RUSH: Duration = Duration::from_secs(20);
/// What memory may grow at full speed and count as flat.
const SLACK: f64 = 1.05;

pub(crate) fn measure() -> Result<String> {
    let flights = Flights::make()?;
    let peers = Peers::prepare(&flights)?;
    let mut section = String::from("## Serving\n\n");
    section.push_str(&in_process(&flights, &peers)?);
    section.push_str(&over_http(&flights, &peers)?);
    section.push_str(&start(&flights)?);
    Ok(section)
}

fn in_process(flights: &Flights, peers: &Peers) -> Result<String> {
    let runtime = Runtime::new(Backend::default(), Some(flights.home().join("code")))?;
    let model = Package::open(&flights.package())?.load(&runtime)?;
    let rows: Vec<_> = (0..flights.rows.num_rows())
        .map(|row| flights.rows.slice(row, 1))
        .collect();
    let mut turn = 0;
    let mut ours = |count: usize| -> Result<Vec<Duration>> {
        let mut took = Vec::with_capacity(count);
        for _ in 0..count {
            let row = turn % rows.len();
            turn += 1;
            let (answer, duration) = timed(|| model.predict(&rows[row]));
            ensure!(
                flights::prediction(&answer?)?[0].to_bits() == flights.expected[row].to_bits(),
                "row {row} is answered otherwise than in a batch"
            );
            took.push(duration);
        }
        Ok(took)
    };
    let mut theirs = peers.rounds(flights)?;
    let names = ["onnx", "sklearn", "onnx-model"];
    ours(CALLS)?;
    for name in names {
        theirs.calls(name, SLOW_CALLS)?;
    }
    let mut own = Vec::new();
    let mut others = names.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        own.extend(ours(CALLS)?);
        for (name, took) in names.iter().zip(&mut others) {
            let is_slow = *name == "sklearn";
            took.extend(theirs.calls(name, if is_slow { SLOW_CALLS } else { CALLS })?);
        }
    }
    let mut table = Table::new(["in process, one row", "p50, µs", "p99, µs", "aim", ""]);
    let mut row = |name: &str, sample: &Sample, aim: String, verdict: String| {
        let [p50, p99] = [50, 99].map(|percent| microseconds(sample.percentile(percent)));
        table.row([name.to_owned(), p50, p99, aim, verdict]);
    };
    let own = Sample::new(own);
    let is_met = own.median() <= IN_PROCESS_P50 && own.percentile(99) <= IN_PROCESS_P99;
    let aim = format!(
        "p50 {} µs, p99 {} µs",
        IN_PROCESS_P50.as_micros(),
        IN_PROCESS_P99.as_micros()
    );
    row(
        "the package, three links in fresh sandboxes",
        &own,
        aim,
        verdict(is_met),
    );
    let [onnx, sklearn, onnx_model] = others.map(Sample::new);
    let onnx_version = theirs.version("onnxruntime");
    let versions = format!(
        "scikit-learn {} and XGBoost {}",
        theirs.version("scikit-learn"),
        theirs.version("xgboost-cpu")
    );
    for (name, sample) in [
        (
            format!("ONNX Runtime {onnx_version}, transform and model"),
            onnx,
        ),
        (
            format!("ONNX Runtime {onnx_version}, the model alone"),
            onnx_model,
        ),
        (versions, sklearn),
    ] {
        row(&name, &sample, String::new(), String::new());
    }
    Ok(format!(
        "{table}\nThe package of `examples/flights`: a lookup of the plane, features, and a model of {} trees of depth 6. \
         Ours goes from Arrow to Arrow. The peers start from prepared tensors or a data frame with the plane looked up and \
         the weekday computed, which is not counted. Each call has another of {} rows of the test split; its answer is the \
         batch's, bit by bit of ours and within {TOLERANCE:e} of the peers. One thread each, in turns.\n\n",
        flights.trees()?,
        rows.len()
    ))
}

fn over_http(flights: &Flights, peers: &Peers) -> Result<String> {
    let [exact, near] = [load(flights, 0.0)?, load(flights, TOLERANCE)?];
    let ours = server::ours(flights)?;
    let onnx = server::peer(flights, peers, "onnx")?;
    let sklearn = server::peer(flights, peers, "sklearn")?;
    let contenders = [
        (&ours, &exact, REQUESTS),
        (&onnx, &near, REQUESTS),
        (&sklearn, &near, SLOW_REQUESTS),
    ];
    let mut measured = Vec::new();
    for connections in [1, CONNECTIONS] {
        let mut samples = contenders.map(|_| (Vec::new(), Duration::ZERO));
        for round in 0..=ROUNDS {
            for ((server, load, count), (took, elapsed)) in contenders.iter().zip(&mut samples) {
                let Measured {
                    durations,
                    elapsed: more,
                } = load.run(server.address(), connections, Until::Asked(*count))?;
                // The first is to warm up.
                if round > 0 {
                    took.extend(durations);
                    *elapsed += more;
                }
            }
        }
        measured.push(samples.map(|(took, elapsed)| {
            let per_second = took.len() as f64 / elapsed.as_secs_f64();
            (Sample::new(took), per_second)
        }));
    }
    let idle = [&ours, &onnx, &sklearn].map(Server::memory);
    drop((onnx, sklearn));
    let names = [
        "`trueline serve`",
        "FastAPI with ONNX Runtime",
        "FastAPI with scikit-learn and XGBoost",
    ];
    let mut table = Table::new([
        "HTTP, one row a request",
        "p50, ms",
        "p99, ms",
        "requests a second",
        "aim",
        "",
    ]);
    for (connections, samples) in [1, CONNECTIONS].into_iter().zip(&measured) {
        let fast_api = samples[1].1;
        for (index, (sample, per_second)) in samples.iter().enumerate() {
            let (p50, p99) = (sample.median(), sample.percentile(99));
            let (aim, verdict) = match (index, connections) {
                (0, 1) => (
                    format!("p50 {} ms, p99 {} ms", ms(HTTP_P50), ms(HTTP_P99)),
                    verdict(p50 <= HTTP_P50 && p99 <= HTTP_P99),
                ),
                (0, _) => (
                    format!("{TIMES} times the next a second, p99 {} ms", ms(MANY_P99)),
                    format!(
                        "{} ({:.1} times)",
                        verdict(*per_second >= TIMES * fast_api && p99 <= MANY_P99),
                        per_second / fast_api
                    ),
                ),
                _ => (String::new(), String::new()),
            };
            let plural = if connections == 1 { "" } else { "s" };
            table.row([
                format!("{}, {connections} connection{plural}", names[index]),
                ms(p50),
                ms(p99),
                format!("{per_second:.0}"),
                aim,
                verdict,
            ]);
        }
    }
    // What allocators and buffers keep of a first rush is no growth.
    exact.run(ours.address(), CONNECTIONS, Until::Elapsed(RUSH))?;
    let before = ours.memory()?;
    let full = exact.run(ours.address(), CONNECTIONS, Until::Elapsed(FULL_SPEED))?;
    let after = ours.memory()?;
    let growth = after as f64 / before as f64;
    let [own, fast_onnx, fast_sklearn] = idle;
    let mut text = format!(
        "{table}\nThe same JSON to each, over kept connections; client and servers share this machine's cores, and the client \
         is one thread. uvicorn runs one worker with uvloop and httptools; pydantic checks names and types, as ours does. Every answer was \
         checked while it was measured.\n\n"
    );
    writeln!(
        text,
        "For {} s at full speed over {CONNECTIONS} connections ours answered {} requests, {:.0} a second, each with the bits \
         of the batch; an error would have ended the measurement. Its memory went from {} to {} MiB: {}. The peers had \
         {} and {} MiB after the rounds above, ours {}.\n",
        FULL_SPEED.as_secs(),
        full.durations.len(),
        full.durations.len() as f64 / full.elapsed.as_secs_f64(),
        before >> 20,
        after >> 20,
        if growth <= SLACK {
            "flat, which is the aim".to_owned()
        } else {
            format!("{growth:.2} times; the aim, flat, is **missed**")
        },
        fast_onnx? >> 20,
        fast_sklearn? >> 20,
        own? >> 20,
    )?;
    Ok(text)
}

fn start(flights: &Flights) -> Result<String> {
    let exact = load(flights, 0.0)?;
    let mut took = Vec::new();
    let mut idle = 0;
    for _ in 0..STARTS {
        let (server, until_answered) = server::timed(flights, &exact)?;
        took.push(until_answered);
        idle = idle.max(server.memory()?);
    }
    let took = Sample::new(took);
    let mut table = Table::new(["`trueline serve`, compiled code cached", "", "aim", ""]);
    table.row([
        "start of the process to its first answer, ms".to_owned(),
        format!(
            "{} ({} at most)",
            ms(took.median()),
            ms(took.percentile(100))
        ),
        format!("{} ms", START.as_millis()),
        verdict(took.median() <= START),
    ]);
    table.row([
        "memory of the idle server, MiB".to_owned(),
        (idle >> 20).to_string(),
        format!("{} MiB", IDLE_BYTES >> 20),
        verdict(idle <= IDLE_BYTES),
    ]);
    Ok(format!("{table}\n{STARTS} starts, one after the other.\n"))
}

fn ms(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}
