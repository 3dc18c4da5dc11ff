//! `quantile-scale`: numbers by their rank, spread evenly or normally.

use serde::Deserialize;
use trueline_sdk::{Error, Result};

use super::{Op, per_number::learned};
use crate::{
    columns::Columns,
    kernel::Kernel,
    learn::{Fitted, Quantiles, Task},
    quantile::Ranks,
    walk::Here,
};

/// Each quantile takes memory in a fit, and 8 bytes of the state.
const MAX_QUANTILES: usize = 10_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuantileScale {
    columns: Columns,
    #[serde(default)]
    distribution: Distribution,
    #[serde(default = "thousand")]
    quantiles: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Distribution {
    #[default]
    Uniform,
    Normal,
}

fn thousand() -> usize {
    1000
}

impl Op for QuantileScale {
    fn name(&self) -> &'static str {
        "quantile-scale"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if !(2..=MAX_QUANTILES).contains(&self.quantiles) {
            return Err(Error::params(format!(
                "`quantiles` is {}; it must be from 2 to {MAX_QUANTILES}",
                self.quantiles
            )));
        }
        let task = Task::Quantiles(Quantiles::Ranks(self.quantiles));
        let is_normal = self.distribution == Distribution::Normal;
        learned(here, &self.columns, &task, false, |fitted| match fitted {
            Fitted::Quantiles(quantiles) => Some(vec![Kernel::Ranks(Ranks::new(
                quantiles.clone(),
                is_normal,
            ))]),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{assert_same, check_error, learned, numbers};

    fn training() -> Table {
        let x = [Some(1.0), Some(2.0), Some(2.0), Some(2.0), None, Some(10.0)];
        Table::new().with_column("x", x)
    }

    #[test]
    fn ranks_are_spread_evenly_and_repeated_values_meet_in_the_middle() {
        let steps = r#"[{"op": "quantile-scale", "columns": "x"}]"#;
        let rows = [-5.0, 1.0, 1.5, 2.0, 6.0, 10.0, f64::INFINITY, f64::NAN];
        let result = learned(steps, &training(), &Table::new().with_column("x", rows)).unwrap();
        let expected = [0.0, 0.0, 0.125, 0.5, 0.875, 1.0, 1.0].map(Some);
        let expected = expected.into_iter().chain([None]);
        assert_same(steps, &result, &Table::new().with_column("x", expected));
    }

    #[test]
    fn normal_results_are_bounded() {
        let steps = r#"[{"op": "quantile-scale", "columns": "x", "distribution": "normal"}]"#;
        let rows = Table::new().with_column("x", [-5.0, 1.5, 2.0, 10.0]);
        let scaled = numbers(&learned(steps, &training(), &rows).unwrap(), "x");
        // scikit-learn's.
        let expected = [
            -5.199337582605575,
            -1.1503493803760083,
            0.0,
            5.19933758270342,
        ];
        for (found, expected) in scaled.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
        }
    }

    #[test]
    fn errors_say_what_is_out_of_range() {
        for quantiles in ["1", "10001"] {
            let steps = format!(
                r#"[{{"op": "quantile-scale", "columns": "x", "quantiles": {quantiles}}}]"#
            );
            check_error(&steps, &training(), &["it must be from 2 to 10000"]);
        }
        let table = Table::new().with_column("x", [f64::NEG_INFINITY, 1.0]);
        let steps = r#"[{"op": "quantile-scale", "columns": "x"}]"#;
        check_error(steps, &table, &["column `x`: it holds infinite values"]);
    }
}
