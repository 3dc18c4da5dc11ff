//! Offline beside online on real data: the weather before every departure of December 2013.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::support::{HOUR, Project, read, table, times};

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
