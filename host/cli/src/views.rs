//! Reports as text for people. Every view is a function from a report to a text that ends with a line
//! break; none of them reads or does anything.

pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod features;
pub(crate) mod gate;
pub(crate) mod lineage;
pub(crate) mod metrics;
pub(crate) mod package;
pub(crate) mod plugin;
pub(crate) mod reproduce;
pub(crate) mod run;
pub(crate) mod runs;
mod shortfall;
pub(crate) mod show;
pub(crate) mod stage;
pub(crate) mod stages;
pub(crate) mod store;
pub(crate) mod study;
pub(crate) mod verify;

use crate::grid::{Cell, Grid, cell};
use crate::style::{Style, Tone};

/// A section: its title, a line of its own, above what it holds; nothing if that is nothing.
pub(crate) fn section(title: &str, body: &str, style: Style) -> String {
    if body.is_empty() {
        String::new()
    } else {
        format!("\n{}\n{body}", style.bold(title))
    }
}

/// Names and texts, line by line.
pub(crate) fn facts<'a>(
    facts: impl IntoIterator<Item = (&'a str, String)>,
    style: Style,
) -> String {
    let mut grid = Grid::default();
    for (name, text) in facts {
        grid.row([cell(name).tone(Tone::Dim), cell(text)]);
    }
    grid.render(2, style)
}

/// What can be typed next, each below what it is for: commands are long, and copied whole.
pub(crate) fn next(
    commands: impl IntoIterator<Item = (String, &'static str)>,
    style: Style,
) -> String {
    let lines = commands
        .into_iter()
        .map(|(command, purpose)| {
            format!("  {}\n    {}\n", style.dim(purpose), style.accent(&command))
        })
        .collect::<String>();
    section("next", &lines, style)
}

/// The text of an option; a dash if there is none.
fn or_dash(text: Option<String>) -> Cell {
    match text {
        Some(text) => cell(text),
        None => cell("-").tone(Tone::Dim),
    }
}
