//! Features of 1 and of 100 entities over HTTP, with and without one that is computed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Bench;
use crate::load::{Load, Until, post};
use crate::rounds::Sample;
use crate::server::Server;
use crate::table::{Table, verdict};

pub(super) const FEATURES: usize = 50;
const ENTITIES: usize = 1_000;
const ROUNDS: usize = 3;
const CONNECTIONS: [usize; 2] = [1, 16];
/// Different requests of a kind.
const REQUESTS: usize = 50;
/// How long a round of a kind takes.
const ROUND: Duration = Duration::from_millis(1_200);
/// How many times the requests a second, and which part of the p99.
const TIMES: f64 = 50.0;
const PART: f64 = 20.0;

/// What is asked.
#[derive(Clone, Copy)]
struct Kind {
    entities: usize,
    is_computed: bool,
}

const KINDS: [Kind; 4] = [
    Kind {
        entities: 1,
        is_computed: false,
    },
    Kind {
        entities: 1,
        is_computed: true,
    },
    Kind {
        entities: 100,
        is_computed: false,
    },
    Kind {
        entities: 100,
        is_computed: true,
    },
];

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let servers = [bench.serve()?, bench.feast.serve()?];
    let names = [
        "`trueline features serve`".to_owned(),
        format!("`feast serve` {}", bench.feast.version),
    ];
    let mut table = Table::new([
        "`/get-online-features`",
        "p50, ms",
        "p99, ms",
        "requests a second",
        "aim beside the newest",
        "",
    ]);
    for kind in KINDS {
        for connections in CONNECTIONS {
            let measured = rounds(&servers, kind, connections)?;
            let newest = &measured[1];
            for (index, (sample, per_second)) in measured.iter().enumerate() {
                let (aim, verdict) = match index {
                    0 => against(sample, *per_second, newest),
                    _ => (String::new(), String::new()),
                };
                let plural = if connections == 1 { "" } else { "s" };
                let computed = if kind.is_computed {
                    " + 1 computed"
                } else {
                    ""
                };
                table.row([
                    format!(
                        "{} × {FEATURES}{computed}, {connections} connection{plural}: {}",
                        kind.entities, names[index]
                    ),
                    ms(sample.median()),
                    ms(sample.percentile(99)),
                    format!("{per_second:.0}"),
                    aim,
                    verdict,
                ]);
            }
        }
    }
    Ok(format!(
        "{table}\nThe same requests to each, over kept connections, in turns of {} s; client and servers share this machine's cores, \
         and the client is one thread. One view of {FEATURES} float64 and {ENTITIES} entities, each in its SQLite store, Feast with its local \
         provider and one worker. What is computed is a quotient of two of the features: in a sandbox, and by Feast's on-demand \
         view in Python. Of each request the first answer was compared value by value with what is stored, and each further one \
         byte by byte with that.\n\n",
        ROUND.as_secs_f64()
    ))
}

/// The aim, and whether it is met.
fn against(ours: &Sample, per_second: f64, (newest, theirs): &(Sample, f64)) -> (String, String) {
    let times = per_second / theirs;
    let part = newest.percentile(99).as_secs_f64() / ours.percentile(99).as_secs_f64();
    let aim = format!("{TIMES} times a second, p99 a {PART}th");
    let is_met = times >= TIMES && part >= PART;
    (
        aim,
        format!("{} ({times:.0} times, p99 a {part:.0}th)", verdict(is_met)),
    )
}

/// Of each server, how long its answers took and how many it gave a second.
fn rounds<const N: usize>(
    servers: &[Server; N],
    kind: Kind,
    connections: usize,
) -> Result<[(Sample, f64); N]> {
    let loads = servers.each_ref().map(|_| load(kind));
    let mut samples = servers.each_ref().map(|_| (Vec::new(), Duration::ZERO));
    for round in 0..=ROUNDS {
        for ((server, load), (took, elapsed)) in servers.iter().zip(&loads).zip(&mut samples) {
            let measured = load.run(server.address(), connections, Until::Elapsed(ROUND))?;
            // The first is to warm up, and to look at what is answered.
            if round > 0 {
                took.extend(measured.durations);
                *elapsed += measured.elapsed;
            }
        }
    }
    Ok(samples.map(|(took, elapsed)| {
        let per_second = took.len() as f64 / elapsed.as_secs_f64();
        (Sample::new(took), per_second)
    }))
}

fn load(kind: Kind) -> Load {
    let mut features: Vec<String> = (0..FEATURES).map(|one| format!("stats:f{one}")).collect();
    if kind.is_computed {
        features.push("combined:ratio".to_owned());
    }
    let users = move |request: usize| -> Vec<usize> {
        let first = request * 17;
        (0..kind.entities)
            .map(|user| (first + user * 7) % ENTITIES)
            .collect()
    };
    let request = |request| {
        let body = json!({ "features": features, "entities": { "user_id": users(request) } });
        post(
            "/get-online-features",
            "application/json",
            body.to_string().as_bytes(),
        )
    };
    let requests = (0..REQUESTS).map(request).collect();
    let first: Mutex<BTreeMap<usize, Vec<u8>>> = Mutex::default();
    Load::new(requests, move |request, body| {
        let mut first = first
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = first.get(&request) {
            ensure!(
                known == body,
                "request {request} is answered otherwise than before"
            );
            return Ok(());
        }
        check(&users(request), kind, body)?;
        first.insert(request, body.to_vec());
        Ok(())
    })
}

/// Compares an answer with what `feast_peer.py` stored, whatever the order of its features.
fn check(users: &[usize], kind: Kind, body: &[u8]) -> Result<()> {
    let answer: Value = serde_json::from_slice(body)?;
    let names = &answer["metadata"]["feature_names"];
    let names = names.as_array().context("no names of features")?;
    ensure!(names.len() == 1 + FEATURES + usize::from(kind.is_computed));
    let value = |user: usize, feature: usize| (user * FEATURES + feature) as f64 / 7.0;
    for (name, result) in names
        .iter()
        .zip(answer["results"].as_array().into_iter().flatten())
    {
        let name = name.as_str().context("a name that is no text")?;
        let expected = |user: usize| match name.strip_prefix('f') {
            Some(feature) => Ok(value(user, feature.parse()?)),
            None if name == "user_id" => Ok(user as f64),
            None => anyhow::Ok(value(user, 0) / (value(user, 1) + 1.0)),
        };
        for (index, user) in users.iter().enumerate() {
            let found = result["values"][index].as_f64();
            let expected = expected(*user)?;
            ensure!(
                found == Some(expected) && result["statuses"][index] == "PRESENT",
                "`{name}` of {user} is {found:?}, not {expected}"
            );
        }
    }
    Ok(())
}

fn ms(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}
