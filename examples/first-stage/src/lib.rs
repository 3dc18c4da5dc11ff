//! A first stage of one's own: keeps each number within the range that training has seen.
//!
//! It learns two quantiles of each column from the rows of `fit`, and moves whatever lies outside
//! to the nearer one. So an absurd value in a request can't drag a prediction far away, and it is
//! treated in serving exactly as it was in training.

use trueline_sdk::{prelude::*, quantiles::QuantileSketch};

/// What the pipeline file says in `params`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipOutliers {
    columns: Vec<String>,
    /// The quantiles to keep the values between, such as 0.01 and 0.99.
    between: (f64, f64),
}

impl ColumnStage for ClipOutliers {
    type Seen = QuantileSketch; // an order-free count of a column's values
    type Learned = (f64, f64); // the smallest and the largest value to keep

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn check(&self) -> Result<()> {
        let (low, high) = self.between;
        if 0.0 <= low && low <= high && high <= 1.0 {
            return Ok(());
        }
        Err(Error::params(
            "`between` takes two quantiles, such as [0.01, 0.99]",
        ))
    }

    fn see(&self, seen: &mut QuantileSketch, values: &[f64]) {
        seen.add_slice(values);
    }

    fn merge(&self, seen: &mut QuantileSketch, other: &QuantileSketch) -> Result<()> {
        seen.merge(other)
    }

    fn learn(&self, seen: &QuantileSketch) -> Result<(f64, f64)> {
        let (low, high) = self.between;
        let range = seen.quantile(low).zip(seen.quantile(high));
        range.ok_or_else(|| Error::data("there is no value to learn from"))
    }

    fn apply(&self, &(smallest, largest): &(f64, f64), value: f64) -> f64 {
        value.clamp(smallest, largest)
    }
}

export_transform!(PerColumn<ClipOutliers>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trueline_sdk::testing::{Table, check_laws, describe, fit_map, tables};

    use super::*;

    type Stage = PerColumn<ClipOutliers>;

    #[test]
    fn outliers_move_to_the_range_that_was_learned() {
        let fares = |fares: [Option<f64>; 4]| Table::new().with_column("fare", fares);
        let params = r#"{"columns": ["fare"], "between": [0, 1]}"#;
        let training = fares([Some(8.0), None, Some(2.5), Some(4.0)]);
        let request = fares([Some(-5.0), None, Some(3.0), Some(1e9)]);
        let clipped = fares([Some(2.5), None, Some(3.0), Some(8.0)]);
        let mapped = fit_map::<Stage>(params, &[("rows", &training)], &request);
        assert_eq!(mapped, Ok(clipped));
    }

    #[test]
    fn quantiles_that_cannot_be_are_refused_before_a_run() {
        let rows = Table::new().with_column("fare", [1.0]);
        for between in ["[0.9, 0.1]", "[-1, 1]", "[0, 2]"] {
            let params = format!(r#"{{"columns": ["fare"], "between": {between}}}"#);
            let described = describe::<Stage>(&params, &[("rows", &rows)], Some(&rows));
            assert!(matches!(described, Err(Error::Params(_))), "{between}");
        }
    }

    proptest! {
        #[test]
        fn the_laws_hold_on_any_table(
            rows in tables(&Schema::new([Field::new("fare", DataType::Float64)]), 0..40)
        ) {
            let params = r#"{"columns": ["fare"], "between": [0.1, 0.9]}"#;
            check_laws::<Stage>(params, &[("rows", &rows)], Some(&rows));
        }
    }
}
