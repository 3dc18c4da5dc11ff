//! The report that the front page describes.

use serde_json::{Map, Value as Json, json};
use trueline_sdk::order::{Kind, Value};

use crate::Params;
use crate::first::First;
use crate::lanes::Lane;
use crate::reduce::Second;

/// Everything about every lane.
pub(crate) fn report(
    params: &Params,
    rows: u64,
    lanes: &[Lane],
    first: &[First],
    second: &[Second],
) -> Json {
    let columns = lanes.iter().zip(first).zip(second);
    let columns = columns.map(|((lane, first), second)| of_lane(params, rows, lane, first, second));
    json!({ "rows": rows, "columns": columns.collect::<Vec<_>>() })
}

fn of_lane(params: &Params, rows: u64, lane: &Lane, first: &First, second: &Second) -> Json {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Json| {
        shown.insert(name.to_owned(), value);
    };
    put("name", json!(lane.column));
    put("type", json!(lane.data_type.to_string()));
    if let Some(element) = lane.element() {
        put("element", json!(element));
    }
    put("nulls", json!(first.nulls));
    put("null_share", json!(share(first.nulls, rows)));
    put("values", json!(first.values));
    let (distinct, is_exact) = first.distinct.count();
    put("distinct", json!({ "count": distinct, "exact": is_exact }));
    if lane.kind.is_float() {
        put("nans", json!(first.nans));
        put("infinities", json!(first.infinities));
    }
    if lane.kind.is_number() {
        put("zeros", json!(first.zeros));
        put("negatives", json!(first.negatives));
    }
    if let Some((low, high)) = first.extremes {
        put("min", plain(lane.kind, &Value::Key(low)));
        put("max", plain(lane.kind, &Value::Key(high)));
    }
    if let Some(moments) = &first.moments {
        put("mean", json!(moments.mean()));
        put(
            "std",
            json!(sample_deviation(moments.variance(), moments.count())),
        );
        put("sum", json!(moments.sum().value()));
    }
    if lane.kind.has_range() {
        let quantiles = params.quantiles.iter().filter_map(|&q| {
            let value = quantile(lane, first, q)?;
            Some(json!({ "q": q, "value": at(lane.kind, value) }))
        });
        put("quantiles", quantiles.collect());
    }
    if let Some(histogram) = &second.histogram {
        let edges: Vec<Json> = histogram
            .edges
            .iter()
            .map(|&edge| at(lane.kind, edge))
            .collect();
        put(
            "histogram",
            json!({
                "edges": edges, "counts": histogram.counts,
                "below": histogram.below, "above": histogram.above,
            }),
        );
    }
    if let Some(lengths) = &first.lengths {
        put(
            "lengths",
            json!({
                "min": lengths.extremes.map(|(low, _)| low),
                "max": lengths.extremes.map(|(_, high)| high),
                "mean": (first.values > 0).then(|| lengths.sum as f64 / first.values as f64),
            }),
        );
    }
    let top = first.distinct.top(&second.common, params.top);
    let top = top.into_iter().map(|(value, count)| {
        json!({ "value": plain(lane.kind, &value), "count": count, "share": share(count, first.values) })
    });
    put("top", top.collect());
    Json::Object(shown)
}

/// A quantile: exact if each value was counted, else by the sketch.
fn quantile(lane: &Lane, first: &First, q: f64) -> Option<f64> {
    if first.distinct.is_exact() {
        let number = |value: &Value| match value {
            Value::Key(key) => Some(lane.number(*key)).filter(|number| !number.is_nan()),
            Value::Text(_) => None,
        };
        let statistics = first.distinct.quantile(q, number)?;
        return Some(if q == 0.5 {
            statistics.midpoint()
        } else {
            statistics.linear()
        });
    }
    let value = first.sketch.as_ref()?.quantile(q)?;
    Some(match lane.kind {
        Kind::Integer => value.round(),
        // The bucket of 0 has its neighbours in it.
        _ if value.is_subnormal() => 0.0,
        _ => value,
    })
}

/// The standard deviation with the divisor n - 1.
fn sample_deviation(variance: Option<f64>, count: u64) -> Option<f64> {
    let variance = variance.filter(|_| count > 1)?;
    Some((variance * (count as f64 / (count as f64 - 1.0))).sqrt())
}

fn share(count: u64, of: u64) -> f64 {
    if of == 0 {
        0.0
    } else {
        count as f64 / of as f64
    }
}

/// A value as JSON has it: numbers and truth values as they are (infinities and NaN as text), the rest as
/// text.
fn plain(kind: Kind, value: &Value) -> Json {
    match (kind, value) {
        (_, Value::Text(text)) => json!(text),
        (Kind::Boolean, Value::Key(key)) => json!(*key == 1),
        (Kind::Integer, Value::Key(key)) => json!(key),
        (Kind::Float32 | Kind::Float64, Value::Key(key)) => {
            let number = trueline_sdk::order::float(*key);
            if number.is_finite() {
                json!(number)
            } else {
                json!(kind.show(value))
            }
        }
        _ => json!(kind.show(value)),
    }
}

/// A number on the axis of a kind: of dates and timestamps as text.
#[expect(
    clippy::cast_possible_truncation,
    reason = "an axis is rounded to its unit"
)]
fn at(kind: Kind, number: f64) -> Json {
    match kind {
        Kind::Date | Kind::Timestamp => json!(kind.show(&Value::Key(number.round() as i64))),
        _ if number.is_finite() => json!(number),
        _ => json!(trueline_sdk::order::show_float(number)),
    }
}
