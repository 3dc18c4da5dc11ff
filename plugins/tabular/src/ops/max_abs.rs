//! `max-abs-scale`: numbers divided by the largest of them.

use serde::Deserialize;
use trueline_sdk::Result;

use super::{Op, per_number::learned};
use crate::{
    columns::Columns,
    kernel::Kernel,
    learn::{Fitted, Task},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaxAbsScale {
    columns: Columns,
}

impl Op for MaxAbsScale {
    fn name(&self) -> &'static str {
        "max-abs-scale"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        learned(
            here,
            &self.columns,
            &Task::Range,
            false,
            |fitted| match fitted {
                Fitted::Range { min, max } => Some(vec![Kernel::Standardize {
                    mean: 0.0,
                    deviation: divisor(max.max(-min)),
                }]),
                _ => None,
            },
        )
    }
}

/// What to divide by: 1 in place of what counts as nothing, as scikit-learn has it.
pub(super) fn divisor(scale: f64) -> f64 {
    if scale < 10.0 * f64::EPSILON {
        1.0
    } else {
        scale
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error};

    const STEPS: &str = r#"[{"op": "max-abs-scale", "columns": "*"}]"#;

    #[test]
    fn the_farthest_from_zero_becomes_one() {
        let table = Table::new()
            .with_column(
                "x",
                [Some(-4.0), Some(1.0), None, Some(f64::NAN), Some(3.0)],
            )
            .with_column("zero", [0, 0, 0, 0, 0])
            .with_column("flag", [true, false, true, true, false]);
        let expected = Table::new()
            .with_column("x", [Some(-1.0), Some(0.25), None, None, Some(0.75)])
            .with_column("zero", [0.0; 5])
            .with_column("flag", [1.0, 0.0, 1.0, 1.0, 0.0]);
        check(STEPS, &table, &expected);
    }

    #[test]
    fn infinities_and_nothing_are_refused() {
        for (column, part) in [
            (
                [Some(f64::INFINITY), None],
                "column `x`: it holds infinite values",
            ),
            ([None, None], "column `x`: it has no value to learn from"),
        ] {
            let table = Table::new().with_column("x", column);
            check_error(STEPS, &table, &["steps[0] (`max-abs-scale`)", part]);
        }
    }
}
