//! Times, durations, digests and numbers, as pages write them.

use maud::{Markup, html};
use serde_json::Value;
use trueline_engine::numbers;

use super::link;

/// Digits of a digest that are shown.
const DIGEST_DIGITS: usize = 10;

/// How long after `began_us` a time was, with the time itself for whoever points at it.
pub(crate) fn offset(us: i64, began_us: i64) -> Markup {
    let text = numbers::time(us);
    let machine = format!("{}Z", text.replace(' ', "T"));
    html! { time datetime=(machine) title={ (text) " UTC" } { (numbers::elapsed(numbers::between(began_us, us))) } }
}

/// How long ago a time was, with the time itself for whoever points at it.
pub(crate) fn ago(us: i64, now_us: i64) -> Markup {
    let text = numbers::time(us);
    let machine = format!("{}Z", text.replace(' ', "T"));
    html! { time datetime=(machine) title={ (text) " UTC" } { (distance(us, now_us)) } }
}

fn distance(us: i64, now_us: i64) -> String {
    let seconds = now_us.saturating_sub(us) / 1_000_000;
    match seconds {
        ..10 => "just now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..172_800 => "yesterday".to_owned(),
        172_800..2_592_000 => format!("{} days ago", seconds / 86_400),
        _ => numbers::time(us).chars().take(10).collect(),
    }
}

/// A duration in the largest unit that it is a whole number of: `3 h`, `90 min`.
pub(crate) fn duration(us: i64) -> String {
    let units = [
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("min", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1000),
    ];
    let whole = units.iter().find(|(_, unit)| us % unit == 0);
    match whole {
        Some((name, unit)) => format!("{} {name}", us / unit),
        None => format!("{us} µs"),
    }
}

/// How long something took, or takes until now.
pub(crate) fn took(started_us: Option<i64>, finished_us: Option<i64>, now_us: i64) -> String {
    match started_us {
        Some(started) => numbers::elapsed(numbers::between(started, finished_us.unwrap_or(now_us))),
        None => String::new(),
    }
}

/// The first digits of a digest, which lead to what it is of, and a button that copies all of it.
pub(crate) fn digest(digest: &str) -> Markup {
    digest_to(digest, &link::artifact(digest))
}

/// As [`digest`], leading elsewhere.
pub(crate) fn digest_to(digest: &str, path: &str) -> Markup {
    html! {
        span.digest {
            a href=(path) title=(digest) { code { (short(digest)) } }
            (copy(digest, "digest"))
        }
    }
}

/// A button that copies a text.
pub(crate) fn copy(text: &str, what: &str) -> Markup {
    html! {
        button.copy type="button" data-copy=(text) aria-label={ "Copy the " (what) " " (short(text)) } title={ "Copy the " (what) } {
            svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true" focusable="false" {
                rect x="5.5" y="5.5" width="8" height="8" rx="1.5" {}
                path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4V9A1.5 1.5 0 0 0 4 10.5H5.5" {}
            }
        }
    }
}

/// The first digits of a digest.
pub(crate) fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..DIGEST_DIGITS).unwrap_or(hex)
}

/// The end of a run's id, which tells it apart from those of the same day.
pub(crate) fn short_run(id: &str) -> &str {
    let tail = id.strip_prefix("run_").unwrap_or(id);
    tail.get(tail.len().saturating_sub(10)..).unwrap_or(tail)
}

/// A message: what stands in backticks as code, and runs as links.
pub(crate) fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (with_runs(part)) }
        }
    }
}

fn with_runs(text: &str) -> Markup {
    html! {
        @for (index, word) in text.split(' ').enumerate() {
            @if index > 0 { " " }
            @let id = word.trim_end_matches(['.', ',', ';', ':']);
            @if id.starts_with("run_") && id.len() == "run_".len() + 16 { (run(id)) (word[id.len()..]) } @else { (word) }
        }
    }
}

/// A run as a link.
pub(crate) fn run(id: &str) -> Markup {
    html! { a.run href=(link::run(id)) title=(id) { code { (short_run(id)) } } }
}

/// A measured value, or a word for what is none.
pub(crate) fn number(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(value) => numbers::metric(value),
            None => number.to_string(),
        },
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number of a table: a whole one in full, others with about four digits.
pub(crate) fn figure_of(value: &Value) -> String {
    let whole = value
        .as_u64()
        .or_else(|| value.as_i64().map(i64::unsigned_abs));
    match (whole, value.as_f64()) {
        (Some(size), _) if size < 10_000 => value.to_string(),
        (Some(size), _) if value.as_u64().is_none() => format!("-{}", numbers::count(size)),
        (Some(size), _) => numbers::count(size),
        (None, Some(value)) => figure(value),
        (None, None) => number(value),
    }
}

/// A number with about four digits, thousands apart from five digits on.
pub(crate) fn figure(value: f64) -> String {
    let digits = match value.abs() {
        1e15.. => return format!("{value:.4e}"),
        9_999.5.. => return numbers::metric(value.round()),
        _ if value.fract().abs() < f64::MIN_POSITIVE => 0,
        100.0.. => 1,
        10.0.. => 2,
        1.0.. => 3,
        // Small ones, and what is no number.
        _ => return numbers::metric(value),
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn distances_are_short() {
        for (seconds, expected) in [
            (-5, "just now"),
            (9, "just now"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (7_200, "2 h ago"),
            (90_000, "yesterday"),
            (900_000, "10 days ago"),
            (90_000_000, "2013-10-01"),
        ] {
            let then = 1_380_585_600_000_000;
            assert_eq!(
                distance(then, then + seconds * 1_000_000),
                expected,
                "{seconds}"
            );
        }
    }

    #[test]
    fn numbers_of_tables_are_as_long_as_one_reads() {
        for (value, expected) in [
            (json!(2013), "2013"),
            (json!(-43), "-43"),
            (json!(336_776), "336,776"),
            (json!(-1_234_567), "-1,234,567"),
            (json!(u64::MAX), "18,446,744,073,709,551,615"),
            (json!(51_114.0), "51,114"),
            (json!(7041.0), "7041"),
            (json!(4_452_364.629), "4,452,365"),
            (json!(1080.6699), "1080.7"),
            (json!(10.575), "10.57"),
            (json!(6.5648), "6.565"),
            (json!(0.89821), "0.8982"),
            (json!(0.0), "0"),
            (json!(1.5e-7), "1.500e-7"),
            (json!(1e300), "1.0000e300"),
            (json!("NaN"), "NaN"),
        ] {
            assert_eq!(figure_of(&value), expected, "{value}");
        }
    }

    #[test]
    fn messages_keep_every_letter_and_lead_on() {
        let shown = prose("`a < b` failed since run_0000000000000001.").into_string();
        assert_eq!(
            shown,
            "<code>a &lt; b</code> failed since <a class=\"run\" href=\"/runs/run_0000000000000001\" \
             title=\"run_0000000000000001\"><code>0000000001</code></a>."
        );
    }
}
