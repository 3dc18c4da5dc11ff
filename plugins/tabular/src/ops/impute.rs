//! `impute`: a value where there is none.

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result};

use super::{
    Op,
    given::Given,
    per_number::{each, sent},
};
use crate::{
    columns::Columns,
    kernel::Kernel,
    learn::{Fitted, Quantiles, Task},
    table::Column,
    texts::Edit,
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Impute {
    columns: Columns,
    with: With,
    /// For `constant`.
    value: Option<Given>,
    /// Whether to add a column that says where a value was missing.
    #[serde(default)]
    indicator: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum With {
    Mean,
    Median,
    MostFrequent,
    Constant,
}

impl Op for Impute {
    fn name(&self) -> &'static str {
        "impute"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if self.value.is_some() != (self.with == With::Constant) {
            return Err(Error::params(
                "`value` and `with = \"constant\"` go together",
            ));
        }
        let fits = |data_type: DataType| {
            data_type.is_numeric() || data_type.is_vector() || data_type == DataType::Utf8
        };
        let takes = "utf8, numbers (boolean, int32, int64, float32, float64) and vectors of them";
        for column in here.select(&self.columns, fits, takes)? {
            if self.indicator {
                here.add(indicator(&column))?;
            }
            let (fill, ready) = self.fill(&column, here)?;
            here.replace(filled(&column, fill, ready))?;
        }
        Ok(())
    }
}

/// A column that says where a value is missing; of a vector, a vector with a 1 for each element that is.
fn indicator(column: &Column) -> Column {
    let name = format!("{}_missing", column.field.name);
    if !column.is_vector() {
        let missing = |value| Value::Scalar(Scalar::new(Source::Missing(Box::new(value))));
        let missing = column.value.clone().map(missing);
        return column.derives(name, DataType::Boolean, false, missing);
    }
    let missing = vec![vec![Kernel::Missing]; column.width()];
    let mut indicator = sent(column, Some(missing), false, column.ready);
    indicator.field.elements = indicator
        .field
        .elements
        .iter()
        .map(|element| format!("{element}_missing"))
        .collect();
    indicator.named(name)
}

impl Impute {
    /// What stands for missing values, if it is known yet, and the first pass that knows it.
    fn fill(&self, column: &Column, here: &mut Here<'_>) -> Result<(Option<Fitted>, u32)> {
        let (name, is_text) = (&column.field.name, column.field.data_type == DataType::Utf8);
        let task = match (self.with, &self.value) {
            (With::Constant, Some(value)) => {
                let fill = if is_text {
                    value.text().map(|text| Fitted::Text(text.into()))
                } else {
                    value.number().map(|number| {
                        if column.is_vector() {
                            Fitted::Elements(vec![Fitted::Number(number); column.width()])
                        } else {
                            Fitted::Number(number)
                        }
                    })
                };
                let data_type = column.field.data_type;
                let fill = fill.ok_or_else(|| {
                    Error::params(format!(
                        "`value` must be one of column `{name}`, which is {data_type}"
                    ))
                })?;
                return Ok((Some(fill), column.ready));
            }
            (With::Mean | With::Median, _) if is_text => {
                return Err(Error::params(format!(
                    "column `{name}` is utf8, which has no mean or median; take `most-frequent` or `constant`"
                )));
            }
            (With::Mean, _) => Task::Mean,
            (With::Median, _) => Task::Quantiles(Quantiles::Median),
            (With::MostFrequent | With::Constant, _) => Task::MostFrequent,
        };
        Ok(here.learn(column, task))
    }
}

/// The column with its gaps filled, as soon as it is known with what.
fn filled(column: &Column, fill: Option<Fitted>, ready: u32) -> Column {
    if column.field.data_type == DataType::Utf8 {
        let texts = column.text().zip(fill).and_then(|(text, fill)| match fill {
            Fitted::Text(fill) => Some(Value::Text(text.then(Edit::Fill(fill.into())))),
            _ => None,
        });
        return column.becomes(DataType::Utf8, false, texts, ready);
    }
    let kernels = fill.and_then(|fill| {
        each(&fill, |fill| match fill {
            Fitted::Number(number) => Some(vec![Kernel::Fill(*number)]),
            _ => None,
        })
    });
    sent(column, kernels, false, ready)
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error, learned};

    const NAN: f64 = f64::NAN;

    #[test]
    fn fills_with_what_scikit_learn_fills_with() {
        let x = [
            Some(39.02),
            Some(39.92),
            None,
            Some(-7.5),
            Some(0.1),
            Some(1e-3),
            Some(39.92),
            Some(NAN),
        ];
        for (with, fill) in [
            ("mean", 18.576833333333333),
            ("median", 19.560000000000002),
            ("most-frequent", 39.92),
        ] {
            let steps = format!(r#"[{{"op": "impute", "columns": "x", "with": "{with}"}}]"#);
            let filled = x.map(|x| x.filter(|x| !x.is_nan()).unwrap_or(fill));
            check(
                &steps,
                &Table::new().with_column("x", x),
                &Table::new().with_column("x", filled),
            );
        }
    }

    #[test]
    fn of_equally_frequent_values_the_smallest_fills() {
        let steps = r#"[{"op": "impute", "columns": "*", "with": "most-frequent"}]"#;
        let table = Table::new()
            .with_column("x", [Some(3), Some(-1), Some(3), Some(-1), Some(2), None])
            .with_column(
                "text",
                [Some("b"), Some("a"), Some("b"), Some("a"), Some(""), None],
            );
        let expected = Table::new()
            .with_column("x", [3.0, -1.0, 3.0, -1.0, 2.0, -1.0])
            .with_column("text", ["b", "a", "b", "a", "", "a"]);
        check(steps, &table, &expected);
    }

    #[test]
    fn constants_need_no_rows_and_indicators_come_before_the_fill() {
        let steps = r#"[{"op": "impute", "columns": "x", "with": "constant", "value": -1, "indicator": true},
                        {"op": "impute", "columns": "text", "with": "constant", "value": "?", "indicator": true}]"#;
        let table = Table::new()
            .with_column("x", [None, Some(2.5_f32), Some(f32::NAN)])
            .with_column("text", [Some(""), None, Some("a")]);
        let expected = Table::new()
            .with_column("x", [-1.0, 2.5, -1.0])
            .with_column("text", ["", "?", "a"])
            .with_column("x_missing", [true, false, true])
            .with_column("text_missing", [false, true, false]);
        check(steps, &table, &expected);
    }

    #[test]
    fn a_filled_column_is_never_null() {
        let table = Table::new().with_column("x", [Some(1), None]);
        let steps = r#"[{"op": "impute", "columns": "x", "with": "mean"}, {"op": "clip", "columns": "x", "max": 9}]"#;
        assert!(!learned(steps, &table, &table).unwrap().schema().fields[0].nullable);
    }

    #[test]
    fn errors_name_step_and_column() {
        let table = Table::new()
            .with_column("x", [None, Some(NAN)])
            .with_column("far", [f64::INFINITY, 1.0])
            .with_column("text", ["a", "b"]);
        for (step, parts) in [
            (
                r#""columns": "y", "with": "mean""#,
                ["there is no column `y`", "are x, far, text"],
            ),
            (
                r#""columns": "x", "with": "mean""#,
                ["steps[0] (`impute`): column `x`", "no value to learn from"],
            ),
            (
                r#""columns": "x", "with": "median""#,
                ["steps[0] (`impute`): column `x`", "no value to learn from"],
            ),
            (
                r#""columns": "far", "with": "mean""#,
                ["column `far`", "infinite values"],
            ),
            (
                r#""columns": "text", "with": "median""#,
                ["column `text` is utf8", "take `most-frequent`"],
            ),
            (
                r#""columns": "text", "with": "constant""#,
                ["steps[0] (`impute`): `value` and", "go together"],
            ),
            (
                r#""columns": "text", "with": "constant", "value": 1"#,
                ["`value` must be", "`text`, which is utf8"],
            ),
            (
                r#""columns": "x", "with": "constant", "value": []"#,
                ["steps[0] (`impute`)", "a text, a number"],
            ),
            (
                r#""columns": "x", "with": "mode""#,
                ["unknown variant `mode`", "`most-frequent`"],
            ),
        ] {
            check_error(&format!(r#"[{{"op": "impute", {step}}}]"#), &table, &parts);
        }
    }
}
