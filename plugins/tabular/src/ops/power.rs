//! `power`: numbers made more like a normal distribution's by the most likely exponent.

use serde::Deserialize;
use trueline_sdk::Result;

use super::{Op, per_number::learned};
use crate::{
    columns::Columns,
    kernel::Kernel,
    learn::{Fitted, Task},
    power::Method,
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerScale {
    columns: Columns,
    #[serde(default)]
    method: Method,
    #[serde(default = "super::yes")]
    standardize: bool,
}

impl Op for PowerScale {
    fn name(&self) -> &'static str {
        "power"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let task = Task::Power(self.method);
        learned(here, &self.columns, &task, true, |fitted| match fitted {
            Fitted::Power { power, .. } if !self.standardize => Some(vec![Kernel::Power(*power)]),
            Fitted::Power {
                power,
                mean,
                deviation,
            } => {
                // A constant column becomes zeros, not NaN.
                let deviation = if *deviation > 0.0 { *deviation } else { 1.0 };
                let mean = *mean;
                Some(vec![
                    Kernel::Power(*power),
                    Kernel::Standardize { mean, deviation },
                ])
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{assert_same, check, check_error, learned, numbers};

    fn skewed() -> Table {
        let x = (0..200).map(|row| match row % 20 {
            0 => None,
            _ => Some(f64::from(row * row) / 100.0 + 0.25),
        });
        Table::new().with_column("x", x)
    }

    /// The most likely exponent, from the report.
    fn lambda(method: &str, table: &Table) -> f64 {
        let params =
            format!(r#"{{"steps": [{{"op": "power", "columns": "x", "method": "{method}"}}]}}"#);
        let outcome =
            trueline_sdk::testing::fit::<crate::Tabular>(&params, &[("rows", table)]).unwrap();
        let report: serde_json::Value = serde_json::from_str(&outcome.report.unwrap()).unwrap();
        report[0]["learned"]["Power"]["power"]["lambda"]
            .as_f64()
            .unwrap()
    }

    #[test]
    fn exponents_are_scipys() {
        let found = lambda("box-cox", &skewed());
        assert!((found - BOX_COX).abs() < 1e-6, "{found}");
        let found = lambda("yeo-johnson", &skewed());
        assert!((found - YEO_JOHNSON).abs() < 1e-6, "{found}");
    }
    const BOX_COX: f64 = 0.35321880103220027;
    const YEO_JOHNSON: f64 = 0.3392164207221431;

    #[test]
    fn results_are_standardized_unless_told_otherwise() {
        let steps = r#"[{"op": "power", "columns": "x"}]"#;
        let result = numbers(&learned(steps, &skewed(), &skewed()).unwrap(), "x");
        let present: Vec<f64> = result.into_iter().filter(|x| !x.is_nan()).collect();
        let mean = present.iter().sum::<f64>() / present.len() as f64;
        let variance = present.iter().map(|x| x * x).sum::<f64>() / present.len() as f64;
        assert!(
            mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12,
            "{mean} {variance}"
        );
    }

    #[test]
    fn a_constant_column_stays_or_becomes_zeros() {
        let table = Table::new().with_column("x", [5, 5, 5]);
        let steps = r#"[{"op": "power", "columns": "x"}]"#;
        check(steps, &table, &Table::new().with_column("x", [0.0; 3]));
        let steps = r#"[{"op": "power", "columns": "x", "standardize": false}]"#;
        let result = learned(steps, &table, &table).unwrap();
        let close = numbers(&result, "x")
            .iter()
            .all(|x| (x - 5.0).abs() < 1e-14);
        assert!(close, "{result:?}");
    }

    #[test]
    fn box_cox_takes_positive_numbers_only() {
        let steps =
            r#"[{"op": "power", "columns": "x", "method": "box-cox", "standardize": false}]"#;
        for lowest in [0.0, -2.5] {
            let table = Table::new().with_column("x", [1.0, lowest, 3.0]);
            let refused =
                format!("column `x`: it holds {lowest}, and `box-cox` takes positive numbers");
            check_error(steps, &table, &["steps[0] (`power`)", &refused]);
        }
        // In a row that is mapped there is no result.
        let training = Table::new().with_column("x", [1.0, 2.0, 4.0]);
        let rows = Table::new().with_column("x", [-1.0, 0.0]);
        let result = learned(steps, &training, &rows).unwrap();
        assert_same(
            steps,
            &result,
            &Table::new().with_column("x", [None::<f64>, None]),
        );
    }

    #[test]
    fn what_has_no_best_exponent_is_refused() {
        let steps = r#"[{"op": "power", "columns": "x"}]"#;
        for values in [[f64::INFINITY, 1.0, 2.0], [1e300, -1e300, 1e299]] {
            let table = Table::new().with_column("x", values);
            check_error(steps, &table, &["steps[0] (`power`): column `x`: "]);
        }
    }
}
