//! What a proof found.

use trueline_engine::VerifyReport;

use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// Every way with its digest, and the sum of all bits.
pub(crate) fn verify(report: &VerifyReport, style: Style) -> String {
    let heads = [
        cell(""),
        cell("way"),
        cell("what"),
        cell("rows").right(),
        cell("bits").right(),
        cell("differ").right(),
    ];
    let mut grid = Grid::with_heads(
        heads
            .into_iter()
            .chain([cell("digest"), cell("time").right()]),
    );
    for way in &report.ways {
        let mark = Mark::of(way.bits_differing == 0);
        let differing_tone = if way.bits_differing == 0 {
            Tone::Plain
        } else {
            Tone::Bad
        };
        grid.row([
            Cell::mark(mark, style),
            cell(way.way.as_str()).tone(Tone::Bold),
            cell(way.what.as_str()),
            cell(numbers::count(way.rows)).right(),
            cell(numbers::count(way.bits)).right(),
            cell(numbers::count(way.bits_differing))
                .right()
                .tone(differing_tone),
            cell(way.digest.short()).tone(Tone::Dim),
            cell(numbers::elapsed(way.elapsed_ms)).right(),
        ]);
    }
    let bits: u64 = report.ways.iter().map(|way| way.bits).sum();
    let mark = Mark::of(report.holds());
    let (differing, of) = (
        numbers::count(report.bits_differing),
        numbers::plural(bits, "bit"),
    );
    let verb = if report.bits_differing == 1 {
        "differs"
    } else {
        "differ"
    };
    format!(
        "{} {}  computed in {}, {}\n\n{}\n{} {}\n",
        style.bold(&report.name),
        style.dim(&report.package.to_string()),
        numbers::plural(report.ways.len() as u64, "way"),
        numbers::elapsed(report.elapsed_ms),
        grid.render(2, style),
        style.mark(mark),
        style.paint(mark.tone(), &format!("{differing} of {of} {verb}")),
    )
}

#[cfg(test)]
mod tests {
    use trueline_engine::Way;
    use trueline_table::Digest;

    use super::*;

    fn way(name: &str, what: &str, rows: u64, bits_differing: u64) -> Way {
        Way {
            way: name.to_owned(),
            what: what.to_owned(),
            rows,
            bits: rows * 32,
            bits_differing,
            digest: Digest::of(what.as_bytes()),
            elapsed_ms: rows / 100,
        }
    }

    fn report(bits_differing: u64) -> VerifyReport {
        VerifyReport {
            package: Digest::of(b"package"),
            name: "flight-delays@1".to_owned(),
            ways: vec![
                way("batches of 65,536", "plane | features | model", 327_346, 0),
                way(
                    "row by row, baked",
                    "plane | features | model",
                    327_346,
                    bits_differing,
                ),
                way(
                    "partitioned, merged in random order",
                    "features",
                    262_101,
                    0,
                ),
            ],
            bits_differing,
            elapsed_ms: 61_000,
        }
    }

    #[test]
    fn a_proof_that_holds() {
        insta::assert_snapshot!(verify(
            &report(0),
            Style {
                colour: false,
                unicode: true
            }
        ));
    }

    #[test]
    fn a_proof_that_does_not() {
        insta::assert_snapshot!(verify(&report(7), Style::PLAIN));
    }
}
