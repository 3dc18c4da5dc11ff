//! Times, durations, digests and numbers, as pages write them.

use maud::{Markup, html};
use trueline_engine::numbers;

use super::link;

/// Digits of a digest that are shown.
const DIGEST_DIGITS: usize = 10;

/// A time in UTC, with what a machine reads.
pub(crate) fn time(us: i64) -> Markup {
    let text = numbers::time(us);
    let machine = format!("{}Z", text.replace(' ', "T"));
    html! { time datetime=(machine) { (text) } }
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
pub(crate) fn number(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Number(number) => match number.as_f64() {
            Some(value) => numbers::metric(value),
            None => number.to_string(),
        },
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
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
    fn messages_keep_every_letter_and_lead_on() {
        let shown = prose("`a < b` failed since run_0000000000000001.").into_string();
        assert_eq!(
            shown,
            "<code>a &lt; b</code> failed since <a class=\"run\" href=\"/runs/run_0000000000000001\" \
             title=\"run_0000000000000001\"><code>0000000001</code></a>."
        );
    }
}
