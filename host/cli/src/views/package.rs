//! Packages: a list, and one in full.

use trueline_runtime::Manifest;
use trueline_store::{AliasMove, MoveKind, PackageSummary, Verdict};
use trueline_table::{Digest, Role, Schema};

use super::{facts, section};
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// What is known of a package beside its manifest.
pub(crate) struct Origin<'a> {
    pub(crate) summary: &'a PackageSummary,
    /// What the gate said.
    pub(crate) message: &'a str,
}

/// The packages as a table.
pub(crate) fn list(packages: &[PackageSummary], style: Style) -> String {
    if packages.is_empty() {
        return "no packages\n".to_owned();
    }
    let heads = [
        "",
        "package",
        "verdict",
        "digest",
        "run",
        "made (UTC)",
        "aliases",
    ];
    let mut grid = Grid::with_heads(heads.map(cell));
    for package in packages {
        let mark = Mark::of(package.verdict == Verdict::Accepted);
        grid.row([
            Cell::mark(mark, style),
            cell(format!("{}@{}", package.name, package.version)).tone(Tone::Bold),
            cell(package.verdict.as_str()).tone(mark.tone()),
            cell(package.digest.short()),
            cell(package.run.as_str()),
            cell(numbers::time(package.created_us)),
            cell(package.aliases.join(", ")),
        ]);
    }
    grid.render(2, style)
}

/// Where aliases stood, the oldest move first.
pub(crate) fn moves(moves: &[AliasMove], style: Style) -> String {
    let mut grid = Grid::default();
    for step in moves {
        let sign = match step.kind {
            MoveKind::Promote => Mark::Good,
            MoveKind::Rollback => Mark::Warning,
        };
        grid.row([
            Cell::mark(sign, style),
            cell(numbers::time(step.moved_us)).tone(Tone::Dim),
            cell(step.alias.as_str()).tone(Tone::Bold),
            cell(match step.kind {
                MoveKind::Promote => "to",
                MoveKind::Rollback => "back to",
            }),
            cell(format!("{}@{}", step.name, step.version)),
            cell(step.reason.as_str()).tone(Tone::Dim),
        ]);
    }
    section("aliases", &grid.render(2, style), style)
}

/// A package: where it comes from, if that is known, its chain and its columns. `name_of` names a
/// component, `size_of` tells the bytes of a part.
pub(crate) fn show(
    digest: Digest,
    manifest: &Manifest,
    origin: Option<&Origin<'_>>,
    name_of: impl Fn(Digest) -> Option<&'static str>,
    size_of: impl Fn(Digest) -> u64,
    style: Style,
) -> String {
    let mut text = match origin {
        Some(Origin { summary, .. }) => {
            let verdict = style.paint(verdict_tone(summary.verdict), summary.verdict.as_str());
            format!(
                "{} {verdict}\n\n",
                style.bold(&format!("{}@{}", summary.name, summary.version))
            )
        }
        None => String::new(),
    };
    let mut known = vec![
        ("digest", digest.to_string()),
        ("profile", manifest.profile.clone()),
    ];
    if let Some(Origin { summary, message }) = origin {
        known.push((
            "run",
            format!("{}, {} UTC", summary.run, numbers::time(summary.created_us)),
        ));
        known.push(("gate", (*message).to_owned()));
        if !summary.aliases.is_empty() {
            known.push(("aliases", summary.aliases.join(", ")));
        }
    }
    text += &facts(known, style);
    let heads = [
        cell(""),
        cell("plugin"),
        cell("component"),
        cell("state"),
        cell("size").right(),
    ];
    let mut grid = Grid::with_heads(heads);
    for (number, link) in (1..).zip(&manifest.chain) {
        grid.row([
            cell(number.to_string()).tone(Tone::Dim),
            cell(name_of(link.component).unwrap_or("-")).tone(Tone::Bold),
            cell(link.component.short()),
            cell(link.state.short()),
            cell(numbers::size(size_of(link.state))).right(),
        ]);
    }
    text += &section("chain", &grid.render(2, style), style);
    text += &section("reads", &columns(&manifest.input, style), style);
    text += &section("answers", &columns(&manifest.output, style), style);
    text
}

fn columns(schema: &Schema, style: Style) -> String {
    let mut grid = Grid::default();
    for field in &schema.fields {
        let role = if field.role == Role::Feature {
            String::new()
        } else {
            field.role.to_string()
        };
        grid.row([
            cell(field.name.as_str()).tone(Tone::Bold),
            cell(field.data_type.to_string()),
            cell(if field.nullable { "" } else { "not null" }).tone(Tone::Dim),
            cell(role).tone(Tone::Dim),
        ]);
    }
    grid.render(2, style)
}

/// The tone of a verdict.
pub(crate) const fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Accepted => Tone::Good,
        Verdict::Refused => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trueline_runtime::Link;
    use trueline_table::{DataType, Field};

    use super::*;

    fn summary() -> PackageSummary {
        PackageSummary {
            name: "flight-delays".to_owned(),
            version: 2,
            digest: Digest::of(b"package"),
            verdict: Verdict::Accepted,
            run: "run_00000000000000t1".parse().unwrap(),
            created_us: 1_380_585_600_000_000,
            aliases: vec!["champion".to_owned()],
        }
    }

    #[test]
    fn a_list() {
        let refused = PackageSummary {
            version: 3,
            verdict: Verdict::Refused,
            aliases: Vec::new(),
            ..summary()
        };
        insta::assert_snapshot!(list(
            &[summary(), refused],
            Style {
                colour: false,
                unicode: true
            }
        ));
        assert_eq!(list(&[], Style::PLAIN), "no packages\n");
    }

    #[test]
    fn one_in_full() {
        let reads = Schema::new([
            Field {
                nullable: false,
                ..Field::new("dep_delay", DataType::Float64)
            },
            Field::new("carrier", DataType::Utf8),
        ]);
        let writes =
            Schema::new([Field::new("prediction", DataType::Float32).with_role(Role::Prediction)]);
        let manifest = Manifest::new(vec![Link {
            component: Digest::of(b"component"),
            params: json!({}),
            state: Digest::of(b"state"),
            reads,
            writes,
            removes: Vec::new(),
        }]);
        let summary = summary();
        let origin = Origin {
            summary: &summary,
            message: "`gate` passed",
        };
        let text = show(
            summary.digest,
            &manifest,
            Some(&origin),
            |_| Some("gbdt"),
            |_| 413_120,
            Style::PLAIN,
        );
        insta::assert_snapshot!(text);
    }
}
