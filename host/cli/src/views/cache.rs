//! What the cache holds.

use trueline_store::{CacheStats, Forgotten, Incident};

use super::{facts, section};
use crate::grid::{Grid, cell};
use crate::numbers;
use crate::style::{Style, Tone};

/// The cache in numbers, and what came out differently the second time.
pub(crate) fn stats(stats: &CacheStats, incidents: &[Incident], style: Style) -> String {
    let mut known = vec![
        ("results", numbers::count(stats.entries)),
        ("used", numbers::plural(stats.hits, "time")),
        ("size", numbers::size(stats.size_bytes)),
        ("rows known of", numbers::plural(stats.recipes, "recipe")),
    ];
    if stats.distrusted > 0 {
        known.push(("distrusted", numbers::count(stats.distrusted)));
    }
    if let Some(oldest) = stats.oldest_use_us {
        known.push(("oldest use", format!("{} UTC", numbers::time(oldest))));
    }
    let mut text = facts(known, style);
    let mut engines = Grid::default();
    for (fingerprint, count) in &stats.made_by {
        engines.row([
            cell(fingerprint.as_str()),
            cell(numbers::plural(*count, "result")).right(),
        ]);
    }
    text += &section("made by", &engines.render(2, style), style);
    let mut differing = Grid::default();
    for incident in incidents {
        differing.row([
            cell(incident.found_run.as_str()).tone(Tone::Bold),
            cell(incident.found_stage.as_str()),
            cell(incident.message()).tone(Tone::Bad),
        ]);
    }
    text + &section("not deterministic", &differing.render(2, style), style)
}

/// How much was forgotten.
pub(crate) fn forgotten(forgotten: &Forgotten) -> String {
    format!(
        "forgot {} and {}\n",
        numbers::plural(forgotten.entries, "result"),
        numbers::plural(forgotten.recipes, "recipe")
    )
}
