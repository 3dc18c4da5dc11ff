//! `standard-scale` and `min-max-scale`: numbers moved and stretched by what the column holds.

use serde::Deserialize;
use trueline_sdk::{Error, Result};

use super::{Op, per_number::learned};
use crate::{
    columns::Columns,
    kernel::Kernel,
    learn::{Fitted, Task},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandardScale {
    columns: Columns,
    #[serde(default = "super::yes")]
    with_mean: bool,
    #[serde(default = "super::yes")]
    with_std: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MinMaxScale {
    columns: Columns,
    #[serde(default = "unit_range")]
    feature_range: [f64; 2],
    #[serde(default)]
    clip: bool,
}

fn unit_range() -> [f64; 2] {
    [0.0, 1.0]
}

impl Op for StandardScale {
    fn name(&self) -> &'static str {
        "standard-scale"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if !self.with_mean && !self.with_std {
            return Err(Error::params(
                "without `with_mean` and `with_std` there is nothing left to do",
            ));
        }
        learned(
            here,
            &self.columns,
            &Task::Moments,
            false,
            |fitted| match fitted {
                Fitted::Moments { mean, deviation } => Some(vec![self.kernel(*mean, *deviation)]),
                _ => None,
            },
        )
    }
}

impl StandardScale {
    fn kernel(&self, mean: f64, deviation: f64) -> Kernel {
        Kernel::Standardize {
            mean: if self.with_mean { mean } else { 0.0 },
            // A constant column becomes zeros, not NaN.
            deviation: if self.with_std && deviation > 0.0 {
                deviation
            } else {
                1.0
            },
        }
    }
}

impl Op for MinMaxScale {
    fn name(&self) -> &'static str {
        "min-max-scale"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let [low, high] = self.feature_range;
        if !(low < high && (high - low).is_finite()) {
            return Err(Error::params(format!(
                "`feature_range` is [{low}, {high}]; the first must be less than the second"
            )));
        }
        let bounds = Kernel::Clip {
            min: low,
            max: high,
        };
        // Extreme bounds can turn infinities, and products that overflow, into NaN.
        learned(
            here,
            &self.columns,
            &Task::Range,
            true,
            |fitted| match fitted {
                Fitted::Range { min, max } if self.clip => {
                    Some(vec![self.kernel(*min, *max), bounds.clone()])
                }
                Fitted::Range { min, max } => Some(vec![self.kernel(*min, *max)]),
                _ => None,
            },
        )
    }
}

impl MinMaxScale {
    /// As scikit-learn computes it, with its bound for a column that counts as constant.
    fn kernel(&self, min: f64, max: f64) -> Kernel {
        let [low, high] = self.feature_range;
        let range = if max - min < 10.0 * f64::EPSILON {
            1.0
        } else {
            max - min
        };
        let scale = (high - low) / range;
        Kernel::Scale {
            scale,
            offset: low - min * scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{assert_same, check, check_error, learned, numbers};

    fn column(name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Table {
        Table::new().with_column(name, values)
    }

    const X: [Option<f64>; 8] = [
        Some(39.02),
        Some(39.92),
        None,
        Some(-7.5),
        Some(0.1),
        Some(1e-3),
        Some(39.92),
        Some(f64::NAN),
    ];

    /// Asserts numbers up to a few units in the last place: scikit-learn sums in an order of its own.
    #[track_caller]
    fn check_close(steps: &str, expected: [f64; 6]) {
        let result = learned(steps, &column("x", X), &column("x", X)).unwrap();
        let present: Vec<f64> = numbers(&result, "x")
            .into_iter()
            .filter(|x| !x.is_nan())
            .collect();
        assert_eq!(present.len(), expected.len());
        for (x, expected) in present.iter().zip(expected) {
            assert!(
                (x - expected).abs() <= 4e-15 * expected.abs().max(1.0),
                "{steps}: {x} for {expected}"
            );
        }
    }

    #[test]
    fn standard_scale_is_scikit_learns() {
        for (options, expected) in [
            (
                "",
                [
                    0.9645148023579009,
                    1.0069770752668001,
                    -1.2303129039998655,
                    -0.871742599435828,
                    -0.8764134494558069,
                    1.0069770752668001,
                ],
            ),
            (
                r#", "with_mean": false"#,
                [
                    1.84097543211694,
                    1.883437705025839,
                    -0.3538522742408265,
                    0.00471803032321102,
                    4.71803032321102e-05,
                    1.883437705025839,
                ],
            ),
            (
                r#", "with_std": false"#,
                [
                    20.44316666666667,
                    21.34316666666667,
                    -26.076833333333333,
                    -18.47683333333333,
                    -18.575833333333332,
                    21.34316666666667,
                ],
            ),
        ] {
            check_close(
                &format!(r#"[{{"op": "standard-scale", "columns": "x"{options}}}]"#),
                expected,
            );
        }
    }

    #[test]
    fn a_constant_column_becomes_zeros() {
        let steps = r#"[{"op": "standard-scale", "columns": "x"}]"#;
        check(
            steps,
            &column("x", [Some(0.1), None, Some(0.1)]),
            &column("x", [Some(0.0), None, Some(0.0)]),
        );
    }

    #[test]
    fn a_filled_column_is_scaled_by_what_it_holds_once_it_is_filled() {
        let steps = r#"[{"op": "impute", "columns": "x", "with": "median"}, {"op": "standard-scale", "columns": "x"}]"#;
        // The median is 2; the mean of 1, 2, 2 and 3 is 2, their variance 0.5.
        let table = column("x", [Some(1.0), Some(2.0), None, Some(3.0)]);
        let sqrt = 0.5_f64.sqrt();
        check(
            steps,
            &table,
            &column(
                "x",
                [Some(-1.0 / sqrt), Some(0.0), Some(0.0), Some(1.0 / sqrt)],
            ),
        );
    }

    #[test]
    fn min_max_scale_is_scikit_learns_to_the_bit() {
        let scaled = [
            0.9810206663854912,
            0.9999999999999999,
            0.0,
            0.1602699283002952,
            0.15818220160269925,
            0.9999999999999999,
        ];
        let ranged = [
            1.9430619991564742,
            2.0,
            -1.0,
            -0.5191902150991143,
            -0.5254533951919022,
            2.0,
        ];
        let ranged_steps =
            r#"[{"op": "min-max-scale", "columns": "x", "feature_range": [-1, 2], "clip": true}]"#;
        for (steps, [a, b, c, d, e, f], [beyond, below]) in [
            (
                r#"[{"op": "min-max-scale", "columns": "x"}]"#,
                scaled,
                [1.2125685364824967, -0.0527203711514129],
            ),
            (ranged_steps, ranged, [2.0, -1.0]),
        ] {
            let expected =
                [a, b, f64::NAN, c, d, e, f, f64::NAN].map(|x| Some(x).filter(|x| !x.is_nan()));
            check(steps, &column("x", X), &column("x", expected));
            let outside = column("x", [Some(50.0), Some(-10.0)]);
            let result = learned(steps, &column("x", X), &outside).unwrap();
            assert_same(steps, &result, &column("x", [Some(beyond), Some(below)]));
        }
        let constant = r#"[{"op": "min-max-scale", "columns": "x", "feature_range": [2, 3]}]"#;
        let result = learned(
            constant,
            &column("x", [Some(5.0); 2]),
            &column("x", [Some(5.0), Some(5.5)]),
        )
        .unwrap();
        assert_same(constant, &result, &column("x", [Some(2.0), Some(2.5)]));
    }

    #[test]
    fn errors_say_what_cannot_be_scaled() {
        let table = Table::new()
            .with_column("none", [None::<f64>, None])
            .with_column("far", [f64::NEG_INFINITY, 1.0])
            .with_column("wide", [f64::MIN, f64::MAX])
            .with_column("x", [1.0, 2.0]);
        for (step, part) in [
            (
                r#""standard-scale", "columns": "none""#,
                "column `none`: it has no value to learn from",
            ),
            (
                r#""standard-scale", "columns": ["x", "far"]"#,
                "column `far`: it holds infinite values",
            ),
            (
                r#""min-max-scale", "columns": "wide""#,
                "column `wide`: it holds infinite values, or such that",
            ),
            (
                r#""standard-scale", "columns": "x", "with_mean": false, "with_std": false"#,
                "nothing left to do",
            ),
            (
                r#""min-max-scale", "columns": "x", "feature_range": [1, 1]"#,
                "`feature_range` is [1, 1]",
            ),
            (
                r#""min-max-scale", "columns": "x", "feature_range": [1]"#,
                "invalid length 1",
            ),
        ] {
            check_error(&format!(r#"[{{"op": {step}}}]"#), &table, &[part]);
        }
    }
}
