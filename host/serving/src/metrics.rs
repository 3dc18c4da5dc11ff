//! What Prometheus reads at `/metrics`.

use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::Model;

/// Upper bounds in seconds, from a tenth of what one row takes to what no client waits for.
const BUCKETS: [f64; 14] = [
    25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 100e-3, 0.5, 2.5, 10.0,
];

/// Counters of a service.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram>,
    rows: Counter,
    swaps: Counter,
    passed_over: Counter,
    waiting: Gauge,
    package: Family<Package, Gauge>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Package {
    name: String,
    version: String,
    digest: String,
}

impl Package {
    fn of(model: &Model) -> Self {
        let names = model.names();
        Self {
            name: names.name.clone(),
            version: names.version.clone(),
            digest: model.digest().to_string(),
        }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("trueline");
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            rows: Counter::default(),
            swaps: Counter::default(),
            passed_over: Counter::default(),
            waiting: Gauge::default(),
            package: Family::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests", metrics.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from the head of a request to its answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("predicted_rows", "Rows answered", metrics.rows.clone());
        registry.register(
            "package_swaps",
            "Packages put in the place of another",
            metrics.swaps.clone(),
        );
        registry.register(
            "answers_passed_over",
            "Answers that were neither recorded nor compared, for lack of time",
            metrics.passed_over.clone(),
        );
        registry.register(
            "waiting_requests",
            "Requests that wait for a worker",
            metrics.waiting.clone(),
        );
        registry.register(
            "package",
            "1 for the package that answers",
            metrics.package.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    pub(crate) fn request(&self, route: &str, status: StatusCode, took: Duration) {
        let route = route.to_owned();
        let labels = Request {
            route: route.clone(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
        let labels = Route { route };
        self.durations
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    pub(crate) fn passed_over(&self) {
        self.passed_over.inc();
    }

    pub(crate) fn rows(&self, count: usize) {
        self.rows.inc_by(count as u64);
    }

    /// Says that a package answers from now on.
    pub(crate) fn serves(&self, model: &Model) {
        self.package.get_or_create(&Package::of(model)).set(1);
    }

    /// Says that a package answers no longer.
    pub(crate) fn serves_no_longer(&self, model: &Model) {
        self.package.remove(&Package::of(model));
    }

    /// Says that a package answers in the place of another.
    pub(crate) fn swapped(&self, before: &Model, after: &Model) {
        self.serves_no_longer(before);
        self.serves(after);
        self.swaps.inc();
    }

    /// All of them, as text.
    pub(crate) fn encode(&self, waiting: usize) -> Result<String, fmt::Error> {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
