//! `clip`: numbers kept within bounds.

use serde::Deserialize;
use trueline_sdk::{Error, Result};

use super::{Op, per_number::through};
use crate::{columns::Columns, kernel::Kernel, walk::Here};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clip {
    columns: Columns,
    min: Option<f64>,
    max: Option<f64>,
}

impl Op for Clip {
    fn name(&self) -> &'static str {
        "clip"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if self.min.is_none() && self.max.is_none() {
            return Err(Error::params("give `min`, `max` or both"));
        }
        let (min, max) = (
            self.min.unwrap_or(f64::NEG_INFINITY),
            self.max.unwrap_or(f64::INFINITY),
        );
        if min > max {
            return Err(Error::params(format!(
                "`min` is {min}, above `max`, which is {max}"
            )));
        }
        through(here, &self.columns, false, &[Kernel::Clip { min, max }])
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error};

    #[test]
    fn bounds_are_inclusive_and_either_may_be_left_out() {
        let inf = f64::INFINITY;
        let x = [
            Some(-2.0),
            None,
            Some(f64::NAN),
            Some(0.5),
            Some(inf),
            Some(-inf),
        ];
        for (bounds, expected) in [
            (
                r#""min": -1, "max": 0.5"#,
                [Some(-1.0), None, None, Some(0.5), Some(0.5), Some(-1.0)],
            ),
            (
                r#""min": 0.75"#,
                [Some(0.75), None, None, Some(0.75), Some(inf), Some(0.75)],
            ),
            (
                r#""max": -2"#,
                [Some(-2.0), None, None, Some(-2.0), Some(-2.0), Some(-inf)],
            ),
        ] {
            let steps = format!(r#"[{{"op": "clip", "columns": "x", {bounds}}}]"#);
            check(
                &steps,
                &Table::new().with_column("x", x),
                &Table::new().with_column("x", expected),
            );
        }
    }

    #[test]
    fn errors_name_the_bounds() {
        let table = Table::new()
            .with_column("x", [1.0])
            .with_column("text", ["a"]);
        for (step, part) in [
            (r#""columns": "x""#, "give `min`, `max` or both"),
            (
                r#""columns": "x", "min": 2, "max": 1"#,
                "`min` is 2, above `max`, which is 1",
            ),
            (
                r#""columns": "text", "min": 2"#,
                "column `text` is utf8, and this op takes numbers (boolean, int32,",
            ),
        ] {
            check_error(
                &format!(r#"[{{"op": "clip", {step}}}]"#),
                &table,
                &["steps[0] (`clip`): ", part],
            );
        }
    }
}
