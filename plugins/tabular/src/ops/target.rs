//! `target`: what the target is on average in the row's category.

use std::rc::Rc;

use serde::{Deserialize, Deserializer, de::Error as _};
use trueline_sdk::{DataType, Error, Result, Role};

use super::{Op, given::Given};
use crate::{
    columns::Columns,
    encoder::{Answer, Encoder, code},
    kernel::Kernel,
    learn::{Fitted, TargetMoments, TargetsByCategory, Task},
    table::Column,
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    columns: Columns,
    /// The column that is averaged; by default the label.
    target: Option<String>,
    #[serde(default)]
    smooth: Smooth,
    #[serde(default)]
    unknown: Unknown,
    #[serde(default)]
    nulls: Nulls,
}

/// How much the mean of a category is drawn to that of all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Smooth {
    /// By how much the target varies within the category, and in all rows.
    #[default]
    Auto,
    /// As if so many more rows with the mean of all rows were in it.
    Rows(f64),
}

impl<'de> Deserialize<'de> for Smooth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Given::deserialize(deserializer)?;
        match given
            .number()
            .filter(|rows| *rows >= 0.0 && rows.is_finite())
        {
            Some(rows) => Ok(Self::Rows(rows)),
            None if given.text() == Some("auto") => Ok(Self::Auto),
            None => Err(D::Error::custom(
                "`smooth` is \"auto\" or a number of rows, 0 or more",
            )),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Unknown {
    /// The mean of all rows.
    #[default]
    Mean,
    Null,
    Error,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Nulls {
    /// Missing values are a category.
    #[default]
    Category,
    /// The mean of all rows.
    Mean,
    Null,
    Error,
}

impl Op for Target {
    fn name(&self) -> &'static str {
        "target"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let target = self.target(here)?;
        for column in here.categorical(&self.columns)? {
            if target
                .as_ref()
                .is_some_and(|target| target.field.name == column.field.name)
            {
                return Err(Error::params(format!(
                    "column `{}` is the target itself",
                    column.field.name
                )));
            }
            let (fitted, ready) = here.learn_with(&column, Task::Targets, target.as_ref());
            let means = match (column.operand(true), fitted) {
                (Some(operand), Some(Fitted::Targets(targets))) => {
                    let place = here.place_of(&column);
                    let (unknown, missing) = self.answers(targets.each.len());
                    let encoder =
                        Encoder::new(place, operand, &targets.categories, unknown, missing)?;
                    let codes = Scalar::new(Source::Code(Rc::new(encoder)));
                    let values = Kernel::Table(self.values(&targets));
                    Some(Value::Scalar(codes.then(values)))
                }
                _ => None,
            };
            let nullable =
                self.unknown == Unknown::Null || self.nulls == Nulls::Null && column.may_miss();
            here.replace(column.becomes(DataType::Float64, nullable, means, ready))?;
        }
        Ok(())
    }
}

impl Target {
    /// The column that is averaged. A table that is mapped need not have it.
    fn target(&self, here: &Here<'_>) -> Result<Option<Column>> {
        let is_label = |column: &&Column| match &self.target {
            Some(name) => column.field.name == *name,
            None => column.field.role == Role::Label,
        };
        let mut labels = here.columns().iter().filter(is_label);
        let (target, other) = (labels.next(), labels.next());
        match (target, other) {
            (None, _) if here.is_training() => Err(Error::schema(match &self.target {
                Some(name) => format!("there is no column `{name}` to average"),
                None => "there is no label to average; name a column as `target`".to_owned(),
            })),
            (Some(target), None) if !target.field.data_type.is_numeric() => {
                Err(Error::schema(format!(
                    "the target `{}` is {}, and must be a number or boolean",
                    target.field.name, target.field.data_type
                )))
            }
            (Some(target), Some(other)) => Err(Error::schema(format!(
                "both `{}` and `{}` are labels; name one as `target`",
                target.field.name, other.field.name
            ))),
            (target, _) => Ok(target.cloned()),
        }
    }

    /// The codes of unknown and missing values, behind those of the categories.
    fn answers(&self, categories: usize) -> (Answer, Answer) {
        let (mean, null_mean) = (code(categories), code(categories + 1));
        let unknown = match self.unknown {
            Unknown::Mean => Answer::Code(mean),
            Unknown::Null => Answer::Code(Encoder::NONE),
            Unknown::Error => Answer::Refuse,
        };
        let missing = match self.nulls {
            Nulls::Category => Answer::Code(null_mean),
            Nulls::Mean => Answer::Code(mean),
            Nulls::Null => Answer::Code(Encoder::NONE),
            Nulls::Error => Answer::Refuse,
        };
        (unknown, missing)
    }

    /// By code: those of the categories, the mean of all rows, that of missing values.
    fn values(&self, targets: &TargetsByCategory) -> Rc<[f64]> {
        let all = targets.all;
        let each = targets.each.iter().map(|one| self.smoothed(*one, all));
        let missing = targets
            .missing
            .map_or(all.mean, |one| self.smoothed(one, all));
        each.chain([all.mean, missing]).collect()
    }

    /// Source: D. Micci-Barreca, *A preprocessing scheme for high-cardinality categorical attributes in
    /// classification and prediction problems* (2001), equations 5 to 7, as scikit-learn's
    /// `TargetEncoder` has them.
    fn smoothed(&self, one: TargetMoments, all: TargetMoments) -> f64 {
        let count = one.count as f64;
        match self.smooth {
            Smooth::Rows(rows) => (one.mean * count + rows * all.mean) / (count + rows),
            Smooth::Auto => {
                let between = all.variance * count;
                let weight = between / (between + one.variance);
                if weight.is_nan() {
                    all.mean
                } else {
                    weight * one.mean + (1.0 - weight) * all.mean
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::{
        DataType, Field, Role,
        testing::{Table, describe},
    };

    use crate::testing::{check_error, check_row_error, learned, numbers};

    fn training() -> Table {
        let carriers = ["UA", "AA", "UA", "UA", "AA"]
            .map(Some)
            .into_iter()
            .chain([None]);
        Table::new()
            .with_column("carrier", carriers)
            .with_field(
                Field::new("late", DataType::Boolean).with_role(Role::Label),
                [
                    Some(true),
                    Some(false),
                    Some(true),
                    Some(false),
                    Some(false),
                    Some(true),
                ],
            )
            .with_column("delay", [9.0, 1.0, 7.0, 2.0, 1.0, 4.0])
    }

    #[track_caller]
    fn check(options: &str, expected: [f64; 4]) {
        let steps = format!(r#"[{{"op": "target", "columns": "carrier"{options}}}]"#);
        let rows = [Some("UA"), Some("AA"), Some("ZZ"), None];
        let rows = Table::new().with_column("carrier", rows);
        let found = numbers(&learned(&steps, &training(), &rows).unwrap(), "carrier");
        for (found, expected) in found.iter().zip(expected) {
            let same = found.is_nan() && expected.is_nan();
            assert!(
                same || (found - expected).abs() < 1e-15,
                "{steps}: {found} for {expected}"
            );
        }
    }

    #[test]
    fn encodings_are_scikit_learns() {
        // TargetEncoder(…).fit(X, y).transform(X), with the mean for what is not in `categories_`.
        check("", AUTO);
        check(
            r#", "smooth": 2"#,
            [(2.0 + 1.0) / 5.0, 1.0 / 4.0, 0.5, 2.0 / 3.0],
        );
        check(r#", "smooth": 0, "target": "delay""#, [6.0, 1.0, 4.0, 4.0]);
        check(
            r#", "smooth": 0, "unknown": "null", "nulls": "mean""#,
            [2.0 / 3.0, 0.0, f64::NAN, 0.5],
        );
        check(
            r#", "smooth": 0, "nulls": "null""#,
            [2.0 / 3.0, 0.0, 0.5, f64::NAN],
        );
    }
    /// Weights 0.75 / (0.75 + 2 / 9), 1 and 1.
    const AUTO: [f64; 4] = [0.6285714285714286, 0.0, 0.5, 1.0];

    #[test]
    fn a_map_needs_no_target() {
        let params = r#"{"steps": [{"op": "target", "columns": "carrier"}]}"#;
        let training = training();
        let signature = describe::<crate::Tabular>(params, &[("rows", &training)], Some(&training));
        let signature = signature.unwrap();
        assert_eq!(signature.reduction.unwrap().reads, [["carrier", "late"]]);
        assert_eq!(signature.mapping.unwrap().reads, ["carrier"]);
    }

    #[test]
    fn errors_name_the_target() {
        let steps =
            |options: &str| format!(r#"[{{"op": "target", "columns": "carrier"{options}}}]"#);
        for (options, part) in [
            (r#", "target": "carrier""#, "the target `carrier` is utf8"),
            (
                r#", "smooth": -1"#,
                "`smooth` is \"auto\" or a number of rows",
            ),
        ] {
            check_error(&steps(options), &training(), &["steps[0] (`target`)", part]);
        }
        let two = training().with_field(
            Field::new("score", DataType::Float64).with_role(Role::Label),
            [0.0; 6],
        );
        check_error(&steps(""), &two, &["both `late` and `score` are labels"]);
        let none = Table::new().with_column("carrier", ["AA"]);
        check_error(&steps(""), &none, &["there is no label to average"]);
        check_error(
            &steps(r#", "target": "late""#),
            &none,
            &["there is no column `late` to average"],
        );
        let rows = Table::new().with_column("carrier", ["ZZ"]);
        check_row_error(
            &steps(r#", "unknown": "error""#),
            &training(),
            &rows,
            &["column `carrier` holds \"ZZ\""],
        );
    }
}
