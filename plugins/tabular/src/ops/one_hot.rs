//! `one-hot`: a vector with a 1 at the place of the row's category.

use std::rc::Rc;

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result};

use super::{
    Op,
    given::{self, Given},
};
use crate::{
    columns::Columns,
    encoder::{self, Answer, Categories, Encoder},
    learn::{Fitted, Selection, Task},
    table::Column,
    value::{Content, Value, Vector},
    walk::Here,
};

/// How many categories a column may have if `max_categories` does not say. It bounds the width of the
/// vectors, and so the memory of a batch.
const MAX_CATEGORIES: usize = 1024;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneHot {
    columns: Columns,
    /// In the order of their elements; learned if not given.
    categories: Option<Vec<Given>>,
    #[serde(default)]
    unknown: Unknown,
    #[serde(default)]
    nulls: Nulls,
    drop: Option<Dropped>,
    min_count: Option<u64>,
    /// Of the rows that have a value.
    min_share: Option<f64>,
    max_categories: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Unknown {
    #[default]
    Error,
    Ignore,
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Nulls {
    #[default]
    Zeros,
    Category,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Dropped {
    First,
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "one-hot"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        self.check()?;
        for column in here.categorical(&self.columns)? {
            let (categories, ready) = match &self.categories {
                Some(given) => (
                    Some(given::categories("categories", given, &column)?),
                    column.ready,
                ),
                None => match here.learn(&column, self.task()) {
                    (Some(Fitted::Categories(categories)), ready) => (Some(categories), ready),
                    (_, ready) => (None, ready),
                },
            };
            let elements = categories
                .as_ref()
                .map_or_else(Vec::new, |categories| self.elements(&column, categories));
            let width = elements.len();
            let vector = match (column.operand(true), &categories) {
                (Some(operand), Some(categories)) => {
                    let (unknown, missing) = self.answers(categories);
                    let encoder = Encoder::new(
                        here.place_of(&column),
                        operand,
                        categories,
                        unknown,
                        missing,
                    )?;
                    let content = Content::OneHot {
                        encoder: Rc::new(encoder),
                        dropped: i32::from(self.drop.is_some()),
                    };
                    Some(Value::Vector(Vector::of(width, content)))
                }
                _ => None,
            };
            let data_type = DataType::Float32List(u32::try_from(width).unwrap_or(u32::MAX));
            let mut encoded = column.becomes(data_type, false, vector, ready);
            encoded.field.elements = elements;
            here.replace(encoded)?;
        }
        Ok(())
    }
}

impl OneHot {
    fn check(&self) -> Result<()> {
        let selects =
            self.min_count.is_some() || self.min_share.is_some() || self.max_categories.is_some();
        if selects && self.categories.is_some() {
            return Err(Error::params(
                "`min_count`, `min_share` and `max_categories` select among learned categories; drop `categories`",
            ));
        }
        if selects && self.unknown == Unknown::Error {
            return Err(Error::params(
                "with `min_count`, `min_share` or `max_categories` some values are in no category; \
                 set `unknown` to \"ignore\" or \"other\"",
            ));
        }
        if let Some(share) = self.min_share.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(Error::params(format!(
                "`min_share` is {share}; it must be within 0 and 1"
            )));
        }
        if self.max_categories == Some(0) {
            return Err(Error::params("`max_categories` is 0; it must be 1 or more"));
        }
        let too_few = |categories: &Vec<Given>| (1..self.at_least()).contains(&categories.len());
        if self.categories.as_ref().is_some_and(too_few) {
            return Err(Error::params(
                "`categories` must name more than `drop` leaves out",
            ));
        }
        Ok(())
    }

    /// How many categories it takes for a vector to have an element.
    fn at_least(&self) -> usize {
        let has_others = self.unknown == Unknown::Other || self.nulls == Nulls::Category;
        if self.drop.is_some() && !has_others {
            2
        } else {
            1
        }
    }

    fn task(&self) -> Task {
        Task::Categories(Selection {
            min_count: self.min_count.unwrap_or(0),
            min_share: self.min_share.unwrap_or(0.0),
            keep: self.max_categories,
            limit: self.max_categories.unwrap_or(MAX_CATEGORIES),
            at_least: self.at_least(),
        })
    }

    /// The elements' names: `carrier=AA`.
    fn elements(&self, column: &Column, categories: &Categories) -> Vec<String> {
        let name = &column.field.name;
        let labels = categories
            .labels(column.field.data_type)
            .into_iter()
            .skip(usize::from(self.drop.is_some()));
        let others = (self.unknown == Unknown::Other).then(|| "(other)".to_owned());
        let nulls = (self.nulls == Nulls::Category).then(|| "(null)".to_owned());
        labels
            .chain(others)
            .chain(nulls)
            .map(|label| format!("{name}={label}"))
            .collect()
    }

    /// What unknown and missing values are answered with.
    fn answers(&self, categories: &Categories) -> (Answer, Answer) {
        let next = encoder::code(categories.len());
        let unknown = match self.unknown {
            Unknown::Error => Answer::Refuse,
            Unknown::Ignore => Answer::Code(Encoder::NONE),
            Unknown::Other => Answer::Code(next),
        };
        let missing = match self.nulls {
            Nulls::Error => Answer::Refuse,
            Nulls::Zeros => Answer::Code(Encoder::NONE),
            Nulls::Category => Answer::Code(next + i32::from(self.unknown == Unknown::Other)),
        };
        (unknown, missing)
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::{Table, describe};
    use trueline_sdk::{DataType, Error};

    use crate::testing::{assert_same, check_error, check_row_error, elements, learned};

    fn carriers() -> Table {
        Table::new().with_column(
            "carrier",
            [Some("UA"), Some("AA"), None, Some("B6"), Some("AA")],
        )
    }

    /// The vectors that the op makes of the rows B6, ZZ, AA and null, and the names of their elements.
    #[track_caller]
    fn check<const WIDTH: usize>(options: &str, vectors: [[f32; WIDTH]; 4], names: [&str; WIDTH]) {
        let steps = format!(r#"[{{"op": "one-hot", "columns": "carrier"{options}}}]"#);
        let rows = Table::new().with_column("carrier", [Some("B6"), Some("ZZ"), Some("AA"), None]);
        let result = learned(&steps, &carriers(), &rows).unwrap();
        assert_same(
            &steps,
            &result,
            &Table::new().with_column("carrier", vectors),
        );
        assert_eq!(
            elements(&steps, &carriers(), "carrier"),
            names.map(|name| format!("carrier={name}")),
            "{steps}"
        );
    }

    #[test]
    fn categories_are_sorted_and_options_are_scikit_learns() {
        check(
            r#", "unknown": "ignore""#,
            [[0.0, 1.0, 0.0], [0.0; 3], [1.0, 0.0, 0.0], [0.0; 3]],
            ["AA", "B6", "UA"],
        );
        check(
            r#", "unknown": "ignore", "drop": "first""#,
            [[1.0, 0.0], [0.0; 2], [0.0; 2], [0.0; 2]],
            ["B6", "UA"],
        );
        // `min_frequency=2` and `handle_unknown="infrequent_if_exist"`.
        check(
            r#", "unknown": "other", "min_count": 2"#,
            [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0; 2]],
            ["AA", "(other)"],
        );
        check(
            r#", "unknown": "ignore", "max_categories": 2, "nulls": "category""#,
            [[0.0, 1.0, 0.0], [0.0; 3], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
            ["AA", "B6", "(null)"],
        );
        check(
            r#", "unknown": "other", "nulls": "category", "categories": ["ZZ", "AA"]"#,
            [
                [0.0, 0.0, 1.0, 0.0],
                [1.0, 0.0, 0.0, 0.0],
                [0.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 1.0],
            ],
            ["ZZ", "AA", "(other)", "(null)"],
        );
    }

    #[test]
    fn numbers_and_booleans_are_categories_too() {
        let table = Table::new()
            .with_column("big", [i64::MAX, i64::MAX - 1, i64::MAX])
            .with_column("flag", [Some(true), None, Some(true)])
            .with_column("x", [Some(-0.0_f32), Some(0.1), Some(f32::NAN)]);
        let steps = r#"[{"op": "one-hot", "columns": "*"}]"#;
        let expected = Table::new()
            .with_column("big", [[0.0_f32, 1.0], [1.0, 0.0], [0.0, 1.0]])
            .with_column("flag", [[1.0_f32], [0.0], [1.0]])
            .with_column("x", [[1.0_f32, 0.0], [0.0, 1.0], [0.0, 0.0]]);
        crate::testing::check(steps, &table, &expected);
        assert_eq!(
            elements(steps, &table, "big"),
            ["big=9223372036854775806", "big=9223372036854775807"]
        );
        assert_eq!(elements(steps, &table, "flag"), ["flag=true"]);
        assert_eq!(elements(steps, &table, "x"), ["x=0", "x=0.1"]);
    }

    #[test]
    fn the_width_is_known_before_the_fit_if_categories_are_given() {
        let width = |options: &str| {
            let params =
                format!(r#"{{"steps": [{{"op": "one-hot", "columns": "carrier"{options}}}]}}"#);
            let signature = describe::<crate::Tabular>(&params, &[], Some(&carriers()))?;
            let field = signature
                .mapping
                .map(|mapping| mapping.writes.fields[0].clone());
            Ok::<_, Error>((
                field.map(|field| field.data_type),
                signature.reduction.is_some(),
            ))
        };
        assert_eq!(width(""), Ok((Some(DataType::Float32List(0)), true)));
        let given = r#", "categories": ["AA", "UA"], "unknown": "other""#;
        assert_eq!(width(given), Ok((Some(DataType::Float32List(3)), false)));
    }

    #[test]
    fn errors_name_the_value_and_the_way_out() {
        let rows = |text| Table::new().with_column("carrier", [Some("AA"), text]);
        let steps =
            |options: &str| format!(r#"[{{"op": "one-hot", "columns": "carrier"{options}}}]"#);
        check_row_error(
            &steps(""),
            &carriers(),
            &rows(Some("ZZ")),
            &[
                "steps[0] (`one-hot`): column `carrier` holds \"ZZ\"",
                "set `unknown`",
            ],
        );
        check_row_error(
            &steps(r#", "nulls": "error""#),
            &carriers(),
            &rows(None),
            &["has no value in some row"],
        );
        for (options, part) in [
            (
                r#", "min_count": 2"#,
                "set `unknown` to \"ignore\" or \"other\"",
            ),
            (
                r#", "min_count": 9, "unknown": "other""#,
                "none of its values occurs as often",
            ),
            (
                r#", "max_categories": 1, "unknown": "ignore", "drop": "first""#,
                "it has one category only",
            ),
            (
                r#", "categories": ["AA"], "drop": "first""#,
                "`categories` must name more than `drop` leaves out",
            ),
            (r#", "categories": []"#, "`categories` is empty"),
            (
                r#", "categories": ["AA", "AA"]"#,
                "`categories` holds a value twice",
            ),
            (
                r#", "categories": ["AA", 1]"#,
                "must be values of column `carrier`, which is utf8",
            ),
            (
                r#", "categories": ["AA"], "max_categories": 3"#,
                "drop `categories`",
            ),
            (
                r#", "max_categories": 0, "unknown": "other""#,
                "`max_categories` is 0",
            ),
            (
                r#", "drop": "last""#,
                "unknown variant `last`, expected `first`",
            ),
        ] {
            check_error(
                &steps(options),
                &carriers(),
                &["steps[0] (`one-hot`): ", part],
            );
        }
        let many = Table::new().with_column("carrier", (0..1025).map(|number| number.to_string()));
        check_error(
            &steps(""),
            &many,
            &["it has 1025 categories, more than 1024", "`max_categories`"],
        );
    }
}
