//! By how much a requirement was missed.
//!
//! A gate's own evaluation decides; this only explains. It understands comparisons of sums of metrics
//! and numbers, joined with `&&` and `||`, which is what gates are made of; of anything else it says
//! nothing.

use crate::numbers;

/// A comparison that does not hold.
#[derive(Clone, Debug, PartialEq)]
struct Shortfall<'a> {
    /// What was too small or too large, as it is written.
    subject: &'a str,
    value: f64,
    bound: f64,
    /// Whether it should have been larger.
    is_low: bool,
}

/// The operators, those with two characters first, and whether the left side should be the larger.
const OPERATORS: [(&str, bool); 4] = [(">=", true), ("<=", false), (">", true), ("<", false)];

/// Says of each comparison in `text` that does not hold by how much: `score.auc is 0.9012, 0.0488 below
/// 0.95`. Empty if that cannot be told.
pub(super) fn explain(text: &str, values: &[(String, f64)]) -> Vec<String> {
    let clauses = text.split("&&").flat_map(|clauses| clauses.split("||"));
    clauses
        .filter_map(|clause| missed(clause, values))
        .map(|shortfall| shortfall.to_string())
        .collect()
}

fn missed<'a>(clause: &'a str, values: &[(String, f64)]) -> Option<Shortfall<'a>> {
    let (position, operator, wants_larger) = OPERATORS
        .iter()
        .filter_map(|(operator, larger)| Some((clause.find(operator)?, *operator, *larger)))
        .min_by_key(|(position, operator, _)| (*position, usize::MAX - operator.len()))?;
    let (left, right) = (
        clause[..position].trim(),
        clause[position + operator.len()..].trim(),
    );
    let (left_value, right_value) = (sum(left, values)?, sum(right, values)?);
    let holds = match operator {
        ">=" => left_value >= right_value,
        "<=" => left_value <= right_value,
        ">" => left_value > right_value,
        _ => left_value < right_value,
    };
    if holds {
        return None;
    }
    // `0.95 <= score.auc` is about `score.auc` too.
    let shortfall = if left.parse::<f64>().is_ok() {
        Shortfall {
            subject: right,
            value: right_value,
            bound: left_value,
            is_low: !wants_larger,
        }
    } else {
        Shortfall {
            subject: left,
            value: left_value,
            bound: right_value,
            is_low: wants_larger,
        }
    };
    Some(shortfall)
}

/// The value of names and numbers that are added and subtracted.
fn sum(text: &str, values: &[(String, f64)]) -> Option<f64> {
    let mut total = 0.0;
    let mut rest = text;
    let mut sign = 1.0;
    loop {
        let end = rest.find(['+', '-']).unwrap_or(rest.len());
        let term = rest[..end].trim();
        let value = match values.iter().find(|(name, _)| name == term) {
            Some((_, value)) => *value,
            None => term.parse().ok()?,
        };
        total += sign * value;
        let Some(operator) = rest[end..].chars().next() else {
            return Some(total);
        };
        sign = if operator == '+' { 1.0 } else { -1.0 };
        rest = &rest[end + 1..];
    }
}

impl std::fmt::Display for Shortfall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            subject,
            value,
            bound,
            is_low,
        } = self;
        let (shown, bound_shown, digits) = numbers::metrics_apart(*value, *bound);
        let by = (value - bound).abs();
        let side = if *is_low { "below" } else { "above" };
        if by > 0.0 {
            let by = numbers::metric_with(by, digits);
            write!(f, "{subject} is {shown}, {by} {side} {bound_shown}")
        } else {
            let side = if *is_low { "above" } else { "below" };
            write!(f, "{subject} is {shown}, not {side} {bound_shown}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let values = [
            ("score.auc", 0.9012),
            ("score.log_loss", 0.31),
            ("champion.auc", 0.91),
            ("score.nan", f64::NAN),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(explain(text, &values), expected, "{text}");
    }

    #[test]
    fn says_by_how_much() {
        check(
            "score.auc >= 0.95",
            &["score.auc is 0.9012, 0.0488 below 0.9500"],
        );
        check(
            "score.log_loss<0.3",
            &["score.log_loss is 0.3100, 0.0100 above 0.3000"],
        );
        check(
            "0.95 <= score.auc",
            &["score.auc is 0.9012, 0.0488 below 0.9500"],
        );
        check(
            "score.auc >= 0.901201",
            &["score.auc is 0.901200, 0.000001 below 0.901201"],
        );
        check(
            "score.auc > 0.9012",
            &["score.auc is 0.9012, not above 0.9012"],
        );
        check(
            "score.auc >= champion.auc - 0.005",
            &["score.auc is 0.9012, 0.0038 below 0.9050"],
        );
        check(
            "score.auc >= 0.95 && score.log_loss < 0.3",
            &[
                "score.auc is 0.9012, 0.0488 below 0.9500",
                "score.log_loss is 0.3100, 0.0100 above 0.3000",
            ],
        );
        check(
            "!has(champion.auc) || score.auc >= champion.auc",
            &["score.auc is 0.9012, 0.0088 below 0.9100"],
        );
    }

    #[test]
    fn says_nothing_that_it_does_not_know() {
        check("score.auc >= 0.9", &[]);
        check("score.auc * 2.0 >= 1.9", &[]);
        check("(score.auc >= 0.95)", &[]);
        check("score.rows >= 3", &[]);
        check("score.auc == 0.95", &[]);
    }
}
