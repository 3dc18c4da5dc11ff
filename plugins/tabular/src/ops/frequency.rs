//! `frequency`: how often the row's category occurs.

use std::rc::Rc;

use serde::Deserialize;
use trueline_sdk::{DataType, Result};

use super::Op;
use crate::{
    columns::Columns,
    encoder::{Answer, Encoder, code},
    kernel::Kernel,
    learn::{Fitted, Task},
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frequency {
    columns: Columns,
    /// Whether to give the share of the rows, rather than their number.
    #[serde(default = "super::yes")]
    normalize: bool,
    #[serde(default)]
    unknown: Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Unknown {
    #[default]
    Zero,
    Null,
    Error,
}

impl Op for Frequency {
    fn name(&self) -> &'static str {
        "frequency"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        for column in here.categorical(&self.columns)? {
            let (fitted, ready) = here.learn(&column, Task::Frequencies);
            let frequencies = match (column.operand(true), fitted) {
                (Some(operand), Some(Fitted::Frequencies { categories, counts })) => {
                    let unknown = match self.unknown {
                        // It has the place behind the categories.
                        Unknown::Zero => Answer::Code(code(counts.len())),
                        Unknown::Null => Answer::Code(Encoder::NONE),
                        Unknown::Error => Answer::Refuse,
                    };
                    let missing = Answer::Code(Encoder::NONE);
                    let place = here.place_of(&column);
                    let encoder = Encoder::new(place, operand, &categories, unknown, missing)?;
                    let codes = Scalar::new(Source::Code(Rc::new(encoder)));
                    let values = Kernel::Table(self.values(&counts));
                    Some(Value::Scalar(codes.then(values)))
                }
                _ => None,
            };
            let nullable = column.may_miss() || self.unknown == Unknown::Null;
            here.replace(column.becomes(DataType::Float64, nullable, frequencies, ready))?;
        }
        Ok(())
    }
}

impl Frequency {
    /// By code; at the end 0, for what never occurred.
    fn values(&self, counts: &[u64]) -> Rc<[f64]> {
        let total = counts
            .iter()
            .fold(0_u64, |total, count| total.saturating_add(*count));
        let divisor = if self.normalize { total as f64 } else { 1.0 };
        let values = counts.iter().map(|count| *count as f64 / divisor);
        values.chain([0.0]).collect()
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{assert_same, check_row_error, learned};

    #[test]
    fn shares_are_of_the_rows_that_have_a_value() {
        let training = Table::new()
            .with_column(
                "carrier",
                [Some("UA"), Some("AA"), None, Some("UA"), Some("B6")],
            )
            .with_column("year", [1, 1, 2, 1, 2]);
        let rows = Table::new()
            .with_column("carrier", [Some("UA"), Some("ZZ"), None])
            .with_column("year", [2, 1, 3]);
        for (options, carriers, years) in [
            (
                "",
                [Some(0.5), Some(0.0), None],
                [Some(0.4), Some(0.6), Some(0.0)],
            ),
            (
                r#", "normalize": false, "unknown": "null""#,
                [Some(2.0), None, None],
                [Some(2.0), Some(3.0), None],
            ),
        ] {
            let steps =
                format!(r#"[{{"op": "frequency", "columns": ["carrier", "year"]{options}}}]"#);
            let expected = Table::new()
                .with_column("carrier", carriers)
                .with_column("year", years);
            assert_same(
                &steps,
                &learned(&steps, &training, &rows).unwrap(),
                &expected,
            );
        }
        let steps = r#"[{"op": "frequency", "columns": "carrier", "unknown": "error"}]"#;
        check_row_error(
            steps,
            &training,
            &rows,
            &["steps[0] (`frequency`): column `carrier` holds \"ZZ\""],
        );
    }
}
