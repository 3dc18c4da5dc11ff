//! Small pictures of numbers, drawn as SVG.

use maud::{Markup, html};

const SIDE: f64 = 220.0;
const MARGIN: f64 = 5.0;

/// Points between 0 and 1 both ways, with the diagonal that they should lie on.
pub(crate) fn calibration(points: &[(f64, f64)]) -> Markup {
    let at = |share: f64| MARGIN + share.clamp(0.0, 1.0) * (SIDE - 2.0 * MARGIN);
    let place = |(predicted, found): &(f64, f64)| (at(*predicted), SIDE - at(*found));
    let line: Vec<String> = points
        .iter()
        .map(|point| {
            let (x, y) = place(point);
            format!("{x:.1},{y:.1}")
        })
        .collect();
    let worst = points
        .iter()
        .map(|(predicted, found)| (predicted - found).abs())
        .fold(0.0, f64::max);
    html! {
        figure.square {
            svg width=(SIDE) height=(SIDE) viewBox=(format!("0 0 {SIDE} {SIDE}")) role="img"
                aria-label={ "Calibration: " (points.len()) " bins, at most " (format!("{worst:.3}")) " from the diagonal" } {
                path.base d=(format!("M{MARGIN} {MARGIN}V{0}H{0}", SIDE - MARGIN)) {}
                path.ideal d=(format!("M{MARGIN} {0}L{0} {MARGIN}", SIDE - MARGIN)) {}
                polyline points=(line.join(" ")) {}
                @for point in points {
                    @let (x, y) = place(point);
                    circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="3" {
                        title { "predicted " (format!("{:.4}", point.0)) ", came true " (format!("{:.4}", point.1)) }
                    }
                }
            }
            figcaption { "Predicted from left to right, came true from bottom to top; at most " (format!("{worst:.3}")) " apart" }
        }
    }
}
