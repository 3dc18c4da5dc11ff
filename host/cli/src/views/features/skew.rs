//! What was answered online beside what is read offline.

use jiff::Timestamp;
use trueline_features::{Cause, Skew};

use crate::grid::{Grid, cell};
use crate::numbers;
use crate::style::{Style, Tone};
use crate::views::section;

pub(crate) fn skew(skew: &Skew, style: Style) -> String {
    let (Some(first_us), Some(last_us)) = (skew.first_us, skew.last_us) else {
        return "no answers were recorded; `trueline features serve` records a share of them\n"
            .to_owned();
    };
    let of = |number| numbers::count(number);
    let mut text = format!(
        "{} of {} values differ, in {}\n",
        of(skew.differing_values),
        of(skew.values),
        numbers::plural(skew.differing_bits, "bit"),
    );
    text += &format!(
        "{} from {} to {}\n",
        numbers::plural(skew.answers, "recorded answer"),
        time(first_us),
        time(last_us)
    );
    let mut features = Grid::with_heads([
        cell("view"),
        cell("feature"),
        cell("values").right(),
        cell("differ").right(),
        cell("because of"),
    ]);
    for feature in &skew.features {
        let causes = feature.causes.iter();
        let causes: Vec<_> = causes
            .map(|(cause, count)| format!("{} {}", of(*count), name(*cause)))
            .collect();
        let tone = match feature.differing_values {
            0 => Tone::Good,
            _ => Tone::Bad,
        };
        features.row([
            cell(feature.view.as_str()),
            cell(feature.feature.as_str()).tone(Tone::Bold),
            cell(of(feature.values)).right(),
            cell(of(feature.differing_values)).right().tone(tone),
            cell(causes.join(", ")),
        ]);
    }
    let heads = [
        "at (UTC)",
        "entity",
        "feature",
        "online",
        "offline",
        "because of",
    ];
    let mut examples = Grid::with_heads(heads.map(cell));
    for example in &skew.examples {
        let entity = example.entity.iter();
        let entity: Vec<_> = entity
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
        examples.row([
            cell(time(example.at_us)),
            cell(entity.join(" ")),
            cell(format!("{}:{}", example.view, example.feature)).tone(Tone::Bold),
            cell(value(&example.online)),
            cell(value(&example.offline)),
            cell(name(example.cause)).tone(Tone::Warning),
        ]);
    }
    text + &section("features", &features.render(2, style), style)
        + &section("the latest that differ", &examples.render(2, style), style)
}

fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::LateData => "late data",
        Cause::Ttl => "another ttl",
        Cause::Version => "another version",
        Cause::Transform => "another transform",
        Cause::Missing => "rows that were not online yet",
        Cause::Unexplained => "no known reason",
    }
}

fn time(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us).map_or_else(|_| format!("{at_us} us"), |at| at.to_string())
}
