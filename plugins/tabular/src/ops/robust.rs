//! `robust-scale`: numbers moved by the median and divided by the distance of two quantiles.

use serde::Deserialize;
use trueline_sdk::{Error, Result, math::normal_quantile};

use super::{Op, max_abs::divisor, per_number::learned};
use crate::{
    columns::Columns,
    kernel::Kernel,
    learn::{Fitted, Quantiles, Task},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RobustScale {
    columns: Columns,
    /// In percent.
    #[serde(default = "quartiles")]
    quantile_range: [f64; 2],
    #[serde(default = "super::yes")]
    with_centering: bool,
    #[serde(default = "super::yes")]
    with_scaling: bool,
    /// Whether normal numbers get a standard deviation of 1.
    #[serde(default)]
    unit_variance: bool,
}

fn quartiles() -> [f64; 2] {
    [25.0, 75.0]
}

impl Op for RobustScale {
    fn name(&self) -> &'static str {
        "robust-scale"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let [low, high] = self.quantile_range;
        if !(0.0 <= low && low < high && high <= 100.0) {
            return Err(Error::params(format!(
                "`quantile_range` is [{low}, {high}]; it must rise, within 0 and 100"
            )));
        }
        if self.unit_variance && (low == 0.0 || high == 100.0) {
            return Err(Error::params(
                "`unit_variance` needs a `quantile_range` inside of 0 and 100",
            ));
        }
        if !self.with_centering && !self.with_scaling {
            return Err(Error::params(
                "without `with_centering` and `with_scaling` there is nothing left to do",
            ));
        }
        let task = Task::Quantiles(Quantiles::Spread([low / 100.0, high / 100.0]));
        learned(here, &self.columns, &task, true, |fitted| match fitted {
            Fitted::Quantiles(values) => match values[..] {
                [median, low, high] => Some(vec![self.kernel(median, high - low)]),
                _ => None,
            },
            _ => None,
        })
    }
}

impl RobustScale {
    fn kernel(&self, median: f64, range: f64) -> Kernel {
        let [low, high] = self.quantile_range.map(|percent| percent / 100.0);
        let scale = match (self.with_scaling, self.unit_variance) {
            (false, _) => 1.0,
            (true, false) => divisor(range),
            (true, true) => divisor(range) / (normal_quantile(high) - normal_quantile(low)),
        };
        Kernel::Standardize {
            mean: if self.with_centering { median } else { 0.0 },
            deviation: scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error, learned, numbers};

    fn table() -> Table {
        let x = [
            Some(1.0),
            Some(2.0),
            None,
            Some(4.0),
            Some(9.0),
            Some(100.0),
        ];
        Table::new().with_column("x", x)
    }

    #[test]
    fn outliers_do_not_matter() {
        // Median 4, quartiles 2 and 9.
        for (options, expected) in [
            ("", [-3.0 / 7.0, -2.0 / 7.0, 0.0, 5.0 / 7.0, 96.0 / 7.0]),
            (
                r#", "with_centering": false"#,
                [1.0 / 7.0, 2.0 / 7.0, 4.0 / 7.0, 9.0 / 7.0, 100.0 / 7.0],
            ),
            (r#", "with_scaling": false"#, [-3.0, -2.0, 0.0, 5.0, 96.0]),
            (
                r#", "quantile_range": [0, 100]"#,
                [-3.0 / 99.0, -2.0 / 99.0, 0.0, 5.0 / 99.0, 96.0 / 99.0],
            ),
        ] {
            let steps = format!(r#"[{{"op": "robust-scale", "columns": "x"{options}}}]"#);
            let [a, b, c, d, e] = expected.map(Some);
            let expected = Table::new().with_column("x", [a, b, None, c, d, e]);
            check(&steps, &table(), &expected);
        }
    }

    #[test]
    fn unit_variance_is_that_of_normal_numbers() {
        let steps = r#"[{"op": "robust-scale", "columns": "x", "unit_variance": true}]"#;
        let scaled = numbers(&learned(steps, &table(), &table()).unwrap(), "x");
        // 2 * 0.6744897501960817 = 1.3489795003921634 standard deviations lie between the quartiles.
        assert!((scaled[0] + 3.0 / (7.0 / 1.3489795003921634)).abs() < 1e-15);
    }

    #[test]
    fn a_constant_column_becomes_zeros() {
        let table = Table::new().with_column("x", [5, 5, 5]);
        let steps = r#"[{"op": "robust-scale", "columns": "x"}]"#;
        check(steps, &table, &Table::new().with_column("x", [0.0; 3]));
    }

    #[test]
    fn errors_say_what_is_out_of_range() {
        for (options, part) in [
            (
                r#""quantile_range": [75, 25]"#,
                "`quantile_range` is [75, 25]",
            ),
            (r#""quantile_range": [-1, 25]"#, "within 0 and 100"),
            (
                r#""quantile_range": [0, 90], "unit_variance": true"#,
                "inside of 0 and 100",
            ),
            (
                r#""with_centering": false, "with_scaling": false"#,
                "nothing left to do",
            ),
        ] {
            let steps = format!(r#"[{{"op": "robust-scale", "columns": "x", {options}}}]"#);
            check_error(&steps, &table(), &["steps[0] (`robust-scale`)", part]);
        }
    }
}
