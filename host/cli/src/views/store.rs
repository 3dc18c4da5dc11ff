//! What looking after a home found and did.

use trueline_store::{Backup, Freed, HomeCheck};

use super::{facts, section};
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// What was hashed, and what is wrong.
pub(crate) fn check(found: &HomeCheck, style: Style) -> String {
    let is_good = found.problems.is_empty();
    let mark = Mark::of(is_good);
    let outcome = match is_good {
        true => "everything is as it was written".to_owned(),
        false => numbers::plural(found.problems.len() as u64, "problem"),
    };
    let mut text = format!(
        "{} {}\n\n",
        style.mark(mark),
        style.paint(mark.tone(), &outcome)
    );
    let mut known = vec![
        ("hashed", numbers::plural(found.checked, "artifact")),
        ("blobs", numbers::size(found.size_bytes)),
    ];
    if found.freed > 0 {
        known.push(("freed before", numbers::count(found.freed)));
    }
    if found.unreferenced > 0 {
        let free = "`trueline store gc` frees them";
        known.push((
            "unreferenced",
            format!("{}; {free}", numbers::count(found.unreferenced)),
        ));
    }
    text += &facts(known, style);
    let mut problems = Grid::default();
    for problem in &found.problems {
        problems.row([
            Cell::mark(Mark::Bad, style),
            cell(problem.as_str()).tone(Tone::Bad),
        ]);
    }
    text += &section("problems", &problems.render(2, style), style);
    if !is_good {
        let hint = "restore the files from a backup, or remove those that have changed and run the pipelines again; runs \
            that need none of them go on";
        text += &format!("\n{} {hint}\n", style.accent("hint:"));
    }
    text
}

/// How much was freed, or would be.
pub(crate) fn freed(freed: &Freed, dry_run: bool) -> String {
    format!(
        "{} {} and {}, {}\n",
        if dry_run { "would free" } else { "freed" },
        numbers::plural(freed.blobs, "blob"),
        numbers::plural(freed.artifacts, "artifact"),
        numbers::size(freed.size_bytes)
    )
}

/// Where a copy is.
pub(crate) fn backup(made: &Backup) -> String {
    format!(
        "{} holds the database and {}, {}\n",
        made.folder.display(),
        numbers::plural(made.blobs, "blob"),
        numbers::size(made.size_bytes)
    )
}
