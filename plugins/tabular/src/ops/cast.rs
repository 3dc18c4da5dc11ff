//! `cast`: the same values as another type.

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result};

use super::Op;
use crate::{
    cast::{Bounds, Invalid, Parse},
    columns::Columns,
    kernel::Kernel,
    table::Column,
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cast {
    columns: Columns,
    to: To,
    #[serde(default)]
    invalid: WhenInvalid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum To {
    Boolean,
    Int32,
    Int64,
    Float32,
    Float64,
    Utf8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WhenInvalid {
    #[default]
    Error,
    Null,
}

impl To {
    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Utf8 => DataType::Utf8,
        }
    }
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let to = self.to.data_type();
        for column in here.categorical(&self.columns)? {
            if column.field.data_type == to {
                continue;
            }
            let invalid = match self.invalid {
                WhenInvalid::Error => Invalid::Refused(here.place_of(&column)),
                WhenInvalid::Null => Invalid::Missing,
            };
            let value = match (column.field.data_type, to) {
                (_, DataType::Utf8) => column.label().map(Value::Text),
                (DataType::Utf8, _) => column.text().map(|text| {
                    let parsed = Source::Parsed(Parse::new(text, to, invalid));
                    let scalar = Scalar::new(parsed);
                    Value::Scalar(match to {
                        DataType::Float32 => scalar.then(Kernel::Narrow),
                        _ => scalar,
                    })
                }),
                _ => column
                    .scalar()
                    .map(|scalar| Value::Scalar(number(scalar, &column, to, invalid))),
            };
            // A text may say NaN, and a number need not be an integer.
            let nullable = column.may_miss()
                || column.field.data_type == DataType::Utf8
                || self.invalid == WhenInvalid::Null;
            here.replace(column.becomes(to, nullable, value, column.ready))?;
        }
        if matches!(self.invalid, WhenInvalid::Null) && to == DataType::Utf8 {
            return Err(Error::params("every number is a text; leave `invalid` out"));
        }
        Ok(())
    }
}

/// The numbers of a column as those of another type.
fn number(scalar: Scalar, column: &Column, to: DataType, invalid: Invalid) -> Scalar {
    match (column.field.data_type, to) {
        (_, DataType::Boolean) => scalar.then(Kernel::Truth),
        (_, DataType::Float32) => scalar.then(Kernel::Narrow),
        (DataType::Boolean, _) | (DataType::Int32, DataType::Int64) => scalar,
        (_, DataType::Int32 | DataType::Int64) => {
            scalar.then(Kernel::Integer(Bounds::of(to, invalid)))
        }
        _ => scalar,
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error};

    fn cast(to: &str, options: &str) -> String {
        format!(r#"[{{"op": "cast", "columns": "x", "to": "{to}"{options}}}]"#)
    }

    fn column(values: impl IntoIterator<Item = Option<f64>>) -> Table {
        Table::new().with_column("x", values)
    }

    #[test]
    fn numbers_change_their_type() {
        let x = column([Some(2.9), Some(-2.9), Some(-0.0), None, Some(f64::NAN)]);
        check(
            &cast("int32", ""),
            &x,
            &Table::new().with_column("x", [Some(2), Some(-2), Some(0), None, None]),
        );
        check(
            &cast("int64", ""),
            &x,
            &Table::new().with_column("x", [Some(2_i64), Some(-2), Some(0), None, None]),
        );
        check(
            &cast("boolean", ""),
            &x,
            &Table::new().with_column("x", [Some(true), Some(true), Some(false), None, None]),
        );
        check(
            &cast("float32", ""),
            &x,
            &Table::new().with_column("x", [Some(2.9_f32), Some(-2.9), Some(-0.0), None, None]),
        );
        check(
            &cast("utf8", ""),
            &x,
            &Table::new().with_column("x", [Some("2.9"), Some("-2.9"), Some("0"), None, None]),
        );
    }

    #[test]
    fn integers_are_exact_as_long_as_nothing_is_computed() {
        let big = Table::new().with_column("x", [Some(i64::MAX), Some(-1), None]);
        let texts = [Some("9223372036854775807"), Some("-1"), None];
        check(
            &cast("utf8", ""),
            &big,
            &Table::new().with_column("x", texts),
        );
        let flags = Table::new().with_column("x", [Some(true), None]);
        check(
            &cast("int64", ""),
            &flags,
            &Table::new().with_column("x", [Some(1_i64), None]),
        );
        check(
            &cast("utf8", ""),
            &flags,
            &Table::new().with_column("x", [Some("true"), None]),
        );
        check_error(
            &cast("int32", ""),
            &Table::new().with_column("x", [3_000_000_000_i64]),
            &["steps[0] (`cast`): column `x` holds 3000000000, which is no int32"],
        );
    }

    #[test]
    fn texts_are_read() {
        let texts = Table::new().with_column("x", [Some(" 12 "), Some("-3"), None]);
        check(
            &cast("int32", ""),
            &texts,
            &Table::new().with_column("x", [Some(12), Some(-3), None]),
        );
        check(
            &cast("int64", ""),
            &texts,
            &Table::new().with_column("x", [Some(12_i64), Some(-3), None]),
        );
        let texts = Table::new().with_column("x", [Some("1e-3"), Some("-inf"), Some("NaN")]);
        check(
            &cast("float64", ""),
            &texts,
            &column([Some(1e-3), Some(f64::NEG_INFINITY), None]),
        );
        let texts = Table::new().with_column("x", [Some("True"), Some("0"), Some("false")]);
        check(
            &cast("boolean", ""),
            &texts,
            &Table::new().with_column("x", [Some(true), Some(false), Some(false)]),
        );
    }

    #[test]
    fn what_does_not_fit_is_an_error_or_missing() {
        let texts = |text| Table::new().with_column("x", ["1", text]);
        for (to, text) in [
            ("int32", "2147483648"),
            ("int64", "9007199254740993"),
            ("int32", "1.5"),
            ("float64", "1,5"),
            ("boolean", "yes"),
            ("float32", ""),
        ] {
            let parts = [
                "steps[0] (`cast`): column `x` holds ",
                text,
                &format!("which is no {to}"),
                "set `invalid` to \"null\"",
            ];
            check_error(&cast(to, ""), &texts(text), &parts);
            let missing = Table::new().with_column("x", [Some(1_i64), None]);
            if to == "int64" {
                check(&cast(to, r#", "invalid": "null""#), &texts(text), &missing);
            }
        }
        let far = column([Some(3e9), Some(f64::NEG_INFINITY)]);
        check_error(
            &cast("int32", ""),
            &far,
            &["column `x` holds 3000000000, which is no int32"],
        );
        check(
            &cast("int32", r#", "invalid": "null""#),
            &far,
            &Table::new().with_column("x", [None::<i32>, None]),
        );
    }
}
