//! `ordinal`: the number of the row's category.

use std::rc::Rc;

use serde::{Deserialize, Deserializer, de::Error as _};
use trueline_sdk::{DataType, Result};

use super::{
    Op,
    given::{self, Given},
};
use crate::{
    columns::Columns,
    encoder::{Answer, Encoder},
    learn::{Fitted, Selection, Task},
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ordinal {
    columns: Columns,
    /// In the order of their codes; learned if not given.
    categories: Option<Vec<Given>>,
    #[serde(default)]
    unknown: Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Unknown {
    #[default]
    Error,
    Null,
    /// Negative, so that it is no category's.
    Code(i32),
}

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "`unknown` is \"error\", \"null\" or a code from -2147483647 to -1";
        match Given::deserialize(deserializer)? {
            Given::Text(text) if text == "error" => Ok(Self::Error),
            Given::Text(text) if text == "null" => Ok(Self::Null),
            Given::Integer(code @ -2_147_483_647..=-1) => i32::try_from(code)
                .map(Self::Code)
                .map_err(D::Error::custom),
            _ => Err(D::Error::custom(EXPECTED)),
        }
    }
}

impl Op for Ordinal {
    fn name(&self) -> &'static str {
        "ordinal"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let unknown = match self.unknown {
            Unknown::Error => Answer::Refuse,
            Unknown::Null => Answer::Code(Encoder::NONE),
            Unknown::Code(code) => Answer::Code(code),
        };
        for column in here.categorical(&self.columns)? {
            let (categories, ready) = match &self.categories {
                Some(given) => (
                    Some(given::categories("categories", given, &column)?),
                    column.ready,
                ),
                None => match here.learn(&column, Task::Categories(Selection::ALL)) {
                    (Some(Fitted::Categories(categories)), ready) => (Some(categories), ready),
                    (_, ready) => (None, ready),
                },
            };
            let codes = match (column.operand(true), &categories) {
                (Some(operand), Some(categories)) => {
                    let missing = Answer::Code(Encoder::NONE);
                    let encoder = Encoder::new(
                        here.place_of(&column),
                        operand,
                        categories,
                        unknown,
                        missing,
                    )?;
                    Some(Value::Scalar(Scalar::new(Source::Code(Rc::new(encoder)))))
                }
                _ => None,
            };
            let nullable = column.may_miss() || self.unknown == Unknown::Null;
            here.replace(column.becomes(DataType::Int32, nullable, codes, ready))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{assert_same, check, check_error, check_row_error, learned};

    #[test]
    fn codes_follow_the_order_of_values_or_the_one_given() {
        let table = Table::new()
            .with_column("carrier", [Some("UA"), Some("AA"), None, Some("B6")])
            .with_column("x", [Some(10.0), Some(2.0), Some(f64::NAN), Some(-1.0)])
            .with_column("size", ["high", "low", "low", "mid"]);
        let expected = Table::new()
            .with_column("carrier", [Some(2), Some(0), None, Some(1)])
            .with_column("x", [Some(2), Some(1), None, Some(0)])
            .with_column("size", [2, 0, 0, 1]);
        let steps = r#"[{"op": "ordinal", "columns": ["carrier", "x"]},
                        {"op": "ordinal", "columns": "size", "categories": ["low", "mid", "high"]}]"#;
        check(steps, &table, &expected);
    }

    #[test]
    fn unknown_values_get_what_was_asked_for() {
        let training = Table::new().with_column("carrier", ["UA", "AA"]);
        let rows = Table::new().with_column("carrier", [Some("ZZ"), Some("UA"), None]);
        for (unknown, expected) in [
            ("-1", [Some(-1), Some(1), None]),
            (r#""null""#, [None, Some(1), None]),
        ] {
            let steps =
                format!(r#"[{{"op": "ordinal", "columns": "carrier", "unknown": {unknown}}}]"#);
            let result = learned(&steps, &training, &rows).unwrap();
            assert_same(
                &steps,
                &result,
                &Table::new().with_column("carrier", expected),
            );
        }
        let steps = r#"[{"op": "ordinal", "columns": "carrier"}]"#;
        check_row_error(
            steps,
            &training,
            &rows,
            &["column `carrier` holds \"ZZ\"", "set `unknown`"],
        );
    }

    #[test]
    fn codes_that_a_category_may_have_are_refused() {
        let table = Table::new().with_column("carrier", ["UA"]);
        for unknown in ["0", "7", "-2147483648", "1.5", r#""other""#] {
            let steps =
                format!(r#"[{{"op": "ordinal", "columns": "carrier", "unknown": {unknown}}}]"#);
            check_error(
                &steps,
                &table,
                &["steps[0] (`ordinal`)", "a code from -2147483647 to -1"],
            );
        }
    }
}
