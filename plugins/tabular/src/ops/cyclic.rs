//! `cyclic`: sine and cosine of what comes back, such as the hours of a day.

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result};

use super::{Op, Part, date_parts::Offset};
use crate::{
    columns::Columns,
    kernel::Kernel,
    table::Column,
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cyclic {
    columns: Columns,
    /// Of timestamps and dates.
    #[serde(default)]
    parts: Vec<Part>,
    #[serde(default)]
    offset: Offset,
    /// After how much numbers come back.
    period: Option<f64>,
    /// Whether the column stays.
    #[serde(default = "super::yes")]
    keep: bool,
}

impl Op for Cyclic {
    fn name(&self) -> &'static str {
        "cyclic"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if self.parts.is_empty() == self.period.is_none() {
            return Err(Error::params(
                "give either `parts` of timestamps and dates, such as [\"hour\"], or the `period` of numbers",
            ));
        }
        if let Some(period) = self
            .period
            .filter(|period| !(*period > 0.0 && period.is_finite()))
        {
            return Err(Error::params(format!(
                "`period` is {period}; it must be greater than 0"
            )));
        }
        let columns = match self.period {
            Some(_) => here.numbers(&self.columns)?,
            None => here.times(&self.columns)?,
        };
        for column in columns {
            if !self.keep {
                here.remove(&column.field.name);
            }
            match self.period {
                Some(period) => add(here, &column, &column.field.name, column.scalar(), period)?,
                None => self.add_parts(here, &column)?,
            }
        }
        Ok(())
    }
}

impl Cyclic {
    fn add_parts(&self, here: &mut Here<'_>, column: &Column) -> Result<()> {
        for part in &self.parts {
            let period = part.period().ok_or_else(|| {
                Error::params(format!(
                    "`{}` does not come back; take `date-parts`",
                    part.suffix()
                ))
            })?;
            let number = part.source(column, self.offset)?.map(Scalar::new);
            let name = format!("{}_{}", column.field.name, part.suffix());
            add(here, column, &name, number, period)?;
        }
        Ok(())
    }
}

/// Adds the columns for sine and cosine.
fn add(
    here: &mut Here<'_>,
    column: &Column,
    name: &str,
    number: Option<Scalar>,
    period: f64,
) -> Result<()> {
    for (suffix, kernel) in [
        ("sin", Kernel::Sine { period }),
        ("cos", Kernel::Cosine { period }),
    ] {
        let value = number
            .clone()
            .map(|scalar| Value::Scalar(scalar.then(kernel)));
        let name = format!("{name}_{suffix}");
        // An infinite number has no sine.
        let nullable = column.may_miss()
            || !matches!(
                value,
                Some(Value::Scalar(Scalar {
                    source: Source::DatePart { .. },
                    ..
                }))
            );
        here.add(column.derives(name, DataType::Float64, nullable, value))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use trueline_sdk::{DataType, Field, testing::Table};

    use crate::testing::{check, check_error};

    #[test]
    fn quarters_of_a_turn_are_exact() {
        let hours = [0, 6, 12, 18].map(|hour| hour * 3_600_000_000_i64);
        let table = Table::new()
            .with_field(Field::new("at", DataType::Timestamp), hours)
            .with_column("angle", [Some(0.0), Some(90.0), None, Some(-90.0)]);
        let steps = r#"[{"op": "cyclic", "columns": "at", "parts": ["hour"], "keep": false},
                        {"op": "cyclic", "columns": "angle", "period": 360, "keep": false}]"#;
        let expected = Table::new()
            .with_column("at_hour_sin", [0.0, 1.0, 0.0, -1.0])
            .with_column("at_hour_cos", [1.0, 0.0, -1.0, 0.0])
            .with_column("angle_sin", [Some(0.0), Some(1.0), None, Some(-1.0)])
            .with_column("angle_cos", [Some(1.0), Some(0.0), None, Some(0.0)]);
        check(steps, &table, &expected);
    }

    #[test]
    fn errors_say_what_comes_back() {
        let table = Table::new()
            .with_column("x", [1.0])
            .with_field(Field::new("day", DataType::Date), [0]);
        for (options, part) in [
            (r#""columns": "x""#, "give either `parts`"),
            (r#""columns": "x", "period": 0"#, "`period` is 0"),
            (
                r#""columns": "x", "parts": ["hour"]"#,
                "column `x` is float64",
            ),
            (
                r#""columns": "day", "parts": ["hour"]"#,
                "`day` is date, which has no hour",
            ),
            (
                r#""columns": "day", "parts": ["year"]"#,
                "`year` does not come back",
            ),
        ] {
            let steps = format!(r#"[{{"op": "cyclic", {options}}}]"#);
            check_error(&steps, &table, &["steps[0] (`cyclic`)", part]);
        }
    }
}
