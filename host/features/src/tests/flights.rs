//! Offline beside online on real data: the weather before every departure of December 2013; and all that the
//! example knows about one, streamed.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::support::{HOUR, Project, read, table, times};
use crate::{Selection, check};

const WEATHER: &str = "
[entity.airport]
keys = { origin = 'utf8' }
[source.weather]
columns = { origin = 'utf8', time_hour = 'timestamp', temp = 'float64', wind_dir = 'int64', wind_gust = 'float64', precip = 'float64', visib = 'float64' }
event_time = 'time_hour'
[view.weather]
entity = 'airport'
source = 'weather'
features = ['temp', 'wind_dir', 'wind_gust', 'precip', 'visib']
ttl = '90min'
";

/// 2013-12-01T00:00:00Z.
const DECEMBER: i64 = 1_385_856_000_000_000;

fn data(name: &str) -> RecordBatch {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/flights/data");
    read(&std::path::Path::new(folder).join(name))
}

fn instants(rows: &RecordBatch) -> Vec<i64> {
    let column = rows.column_by_name("time_hour").unwrap();
    column
        .as_primitive::<TimestampMicrosecondType>()
        .values()
        .to_vec()
}

/// The rows of each hour from December on, and all before as one hour.
fn by_hour(rows: &RecordBatch) -> BTreeMap<i64, RecordBatch> {
    let mut hours: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, at) in (0..).zip(instants(rows)) {
        hours.entry(at.max(DECEMBER - HOUR)).or_default().push(row);
    }
    let take = |(at, indices)| {
        (
            at,
            take_record_batch(rows, &arrow::array::UInt32Array::from(indices)).unwrap(),
        )
    };
    hours.into_iter().map(take).collect()
}

#[test]
fn offline_and_online_agree_on_every_departure_of_december() {
    let project = Project::new(WEATHER);
    let flights = data("flights.parquet");
    let is_december = instants(&flights)
        .into_iter()
        .map(|at| Some(at >= DECEMBER));
    let flights = filter_record_batch(&flights, &is_december.collect()).unwrap();
    let weather = by_hour(&data("weather.parquet"));
    let departures = by_hour(&flights);
    assert!(flights.num_rows() > 25_000 && departures.len() > 500);

    let mut streamed = weather.into_iter().peekable();
    let mut online: BTreeMap<(i64, String), Vec<ArrayRef>> = BTreeMap::new();
    let mut asked = (Vec::new(), Vec::new());
    for (hour, flights) in &departures {
        // Observations arrive 20 minutes after their hour, so that early flights see those before.
        let minutes = flights
            .column_by_name("minute")
            .unwrap()
            .as_primitive::<Int64Type>()
            .clone();
        let origins = flights
            .column_by_name("origin")
            .unwrap()
            .as_string::<i32>()
            .clone();
        let mut order: Vec<usize> = (0..flights.num_rows()).collect();
        order.sort_by_key(|&row| minutes.value(row));
        for row in order {
            let at = hour + minutes.value(row) * 60_000_000;
            while let Some((seen, rows)) = streamed.next_if(|(seen, _)| seen + HOUR / 3 <= at) {
                project
                    .store
                    .push("weather", &rows, None, seen + HOUR / 3)
                    .unwrap();
            }
            let key = (at, origins.value(row).to_owned());
            asked.0.push(at);
            asked.1.push(key.1.clone());
            online.entry(key.clone()).or_insert_with(|| {
                let entity = table(vec![("origin", super::support::texts(&[&key.1]))]);
                project.get("weather", &entity, at).rows.columns().to_vec()
            });
        }
    }
    let origins: Vec<&str> = asked.1.iter().map(String::as_str).collect();
    let spine = table(vec![
        ("origin", super::support::texts(&origins)),
        ("event_timestamp", times(asked.0.iter().copied())),
    ]);
    let (manifest, offline) = project.history("weather", &spine);
    let mut differing = 0;
    for row in 0..offline.num_rows() {
        let online = &online[&(asked.0[row], asked.1[row].clone())];
        for (column, online) in offline.columns()[2..].iter().zip(online) {
            // Data compares bits, validity among them.
            differing += usize::from(column.slice(row, 1).to_data() != online.to_data());
        }
    }
    assert_eq!(differing, 0, "of {}", 5 * offline.num_rows());
    let counts = manifest.views[0].counts;
    assert_eq!(offline.num_rows(), flights.num_rows());
    assert!(counts.found > 25_000 && counts.expired > 0, "{counts:?}");
}

/// The flights of the first days of December.
#[test]
fn what_is_streamed_is_what_is_backfilled() {
    streamed_and_backfilled(1);
}

/// `cargo xtask parity`.
#[test]
#[ignore = "takes minutes: `cargo xtask parity` runs it"]
fn what_is_streamed_is_what_is_backfilled_all_december() {
    streamed_and_backfilled(31);
}

/// An instant, and the rows that are known from it on, or that depart at it.
type Instants = BTreeMap<i64, Vec<u32>>;

fn number(rows: &RecordBatch, column: &str, row: u32) -> Option<i64> {
    let column = rows.column_by_name(column).unwrap();
    let row = row as usize;
    let is_valid = column.is_valid(row);
    is_valid.then(|| column.as_primitive::<Int64Type>().value(row))
}

/// Streams what the example's sources say, each row at the instant from which on it was known, and reads the
/// features of each flight at its departure; then reads the same offline.
fn streamed_and_backfilled(days: i64) {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/flights");
    let example = std::path::Path::new(example);
    let project = Project::new("");
    let definitions = check(&example.join("features.toml")).unwrap();
    project.store.apply(&definitions, example, 0).unwrap();
    let (flights, weather) = (data("flights.parquet"), data("weather.parquet"));
    let planes = data("planes.csv");
    let (departures, arrivals) = departures_and_arrivals(&flights, days);
    let mut observations = Instants::new();
    for (row, hour) in (0..).zip(instants(&weather)) {
        // Observations arrive 20 minutes after their hour.
        let at = hour + HOUR / 3;
        if at >= DECEMBER - 3 * HOUR {
            observations.entry(at).or_default().push(row);
        }
    }
    let push = |source: &str, rows: &RecordBatch, at: i64| {
        let source = project.store.source(source).unwrap();
        let columns = source.columns.iter().map(|column| {
            let found = rows.column_by_name(&column.name).unwrap();
            let wanted = column.data_type.to_arrow();
            (
                column.name.as_str(),
                arrow::compute::cast(found, &wanted).unwrap(),
            )
        });
        let rows = table(columns.collect());
        project.store.push(&source.name, &rows, None, at).unwrap();
    };
    let take = |rows: &RecordBatch, places: &Vec<u32>| {
        take_record_batch(rows, &UInt32Array::from(places.clone())).unwrap()
    };
    push("planes", &planes, DECEMBER - 24 * HOUR);
    let (mut arrivals, mut observations) = (
        arrivals.into_iter().peekable(),
        observations.into_iter().peekable(),
    );
    let service = Selection::Service("departure".to_owned());
    let keys = ["origin", "dest", "carrier", "tailnum", "flight"];
    let mut streamed = Vec::new();
    let mut spine = (Vec::new(), Vec::new());
    for (at, rows) in &departures {
        while let Some((seen, rows)) = observations.next_if(|(seen, _)| seen <= at) {
            push("weather", &take(&weather, &rows), seen);
        }
        while let Some((seen, rows)) = arrivals.next_if(|(seen, _)| seen <= at) {
            push("arrivals", &take(&flights, &rows), seen);
        }
        let entities = take(&flights, rows);
        let entities = keys.map(|key| (key, entities.column_by_name(key).unwrap().clone()));
        let entities = table(entities.to_vec());
        let answer = project
            .store
            .get_features(&service, &entities, *at)
            .unwrap();
        streamed.push(answer.rows);
        spine.0.extend_from_slice(rows);
        spine.1.extend(std::iter::repeat_n(*at, rows.len()));
    }
    let streamed = arrow::compute::concat_batches(&streamed[0].schema(), &streamed).unwrap();
    let entities = take(&flights, &spine.0);
    let mut columns = keys
        .map(|key| (key, entities.column_by_name(key).unwrap().clone()))
        .to_vec();
    columns.push(("event_timestamp", times(spine.1.iter().copied())));
    project.write("spine.parquet", &table(columns));
    let (made, offline) = project.try_history(&project.request(service)).unwrap();
    let offline = &offline.columns()[keys.len() + 1..];
    assert_eq!(offline.len(), 25);
    let differing: usize = offline
        .iter()
        .zip(streamed.columns())
        .map(|(offline, online)| {
            let differs =
                |row: &usize| offline.slice(*row, 1).to_data() != online.slice(*row, 1).to_data();
            (0..offline.len()).filter(differs).count()
        })
        .sum();
    let values = offline.len() * streamed.num_rows();
    println!(
        "{} flights, {differing} of {values} values differ",
        streamed.num_rows()
    );
    assert_eq!(differing, 0, "of {values}");
    assert!(made.manifest.views.iter().all(|view| view.counts.found > 0));
    assert!(streamed.num_rows() > 600 * usize::try_from(days).unwrap());
}

/// The flights of the first days of December by when they departed, and those that had arrived by then, in the
/// last of November too, by when they did.
fn departures_and_arrivals(flights: &RecordBatch, days: i64) -> (Instants, Instants) {
    let (mut departures, mut arrivals) = (Instants::new(), Instants::new());
    for (row, hour) in (0..).zip(instants(flights)) {
        let Some(delay) = number(flights, "dep_delay", row) else {
            continue;
        };
        let minute = number(flights, "minute", row).unwrap_or_default();
        let departure = hour + (minute + delay) * (HOUR / 60);
        let is_asked = number(flights, "month", row) == Some(12)
            && number(flights, "day", row).is_some_and(|day| day <= days);
        if is_asked {
            departures.entry(departure).or_default().push(row);
        }
        let is_known = number(flights, "arr_delay", row).is_some();
        if let (Some(in_air), true) = (number(flights, "air_time", row), is_known) {
            let arrival = departure + in_air * (HOUR / 60);
            if arrival >= DECEMBER - 24 * HOUR && arrival <= DECEMBER + (days + 2) * 24 * HOUR {
                // What arrived before the month is known when it begins.
                arrivals.entry(arrival.max(DECEMBER)).or_default().push(row);
            }
        }
    }
    (departures, arrivals)
}
