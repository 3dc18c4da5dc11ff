//! `target`: what the target is on average in the row's category.

use std::rc::Rc;

use serde::{Deserialize, Deserializer, de::Error as _};
use trueline_sdk::{DataType, Error, Result, Role};

use super::{
    Op,
    given::{self, Given},
};
use crate::{
    columns::Columns,
    encoder::{Answer, Encoder, code},
    kernel::Kernel,
    learn::{Fitted, TargetMoments, TargetsByCategory, Task},
    table::Column,
    value::{Content, Scalar, Source, Value, Vector},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    columns: Columns,
    /// The column that is averaged; by default the label.
    target: Option<String>,
    /// The values of a target of several classes, each of which is averaged for itself.
    classes: Option<Vec<Given>>,
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
        if self.classes.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::params(
                "`classes` is empty; name the values of the target, or leave it out",
            ));
        }
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
            let encoded = match &self.classes {
                None => {
                    let (means, ready) = self.means(here, &column, target.as_ref())?;
                    let nullable = self.unknown == Unknown::Null
                        || self.nulls == Nulls::Null && column.may_miss();
                    let means = means.map(Value::Scalar);
                    column.becomes(DataType::Float64, nullable, means, ready)
                }
                Some(classes) => self.by_class(here, &column, target.as_ref(), classes)?,
            };
            here.replace(encoded)?;
        }
        Ok(())
    }
}

impl Target {
    /// The mean of the target in the category of each row, once it is learned, and the first pass that can use
    /// it.
    fn means(
        &self,
        here: &mut Here<'_>,
        column: &Column,
        target: Option<&Column>,
    ) -> Result<(Option<Scalar>, u32)> {
        let (fitted, ready) = here.learn_with(column, Task::Targets, target);
        let means = match (column.operand(true), fitted) {
            (Some(operand), Some(Fitted::Targets(targets))) => {
                let place = here.place_of(column);
                let (unknown, missing) = self.answers(targets.each.len());
                let encoder = Encoder::new(place, operand, &targets.categories, unknown, missing)?;
                let codes = Scalar::new(Source::Code(Rc::new(encoder)));
                Some(codes.then(Kernel::Table(self.values(&targets))))
            }
            _ => None,
        };
        Ok((means, ready))
    }

    /// A vector with the share of each class in the category of each row.
    fn by_class(
        &self,
        here: &mut Here<'_>,
        column: &Column,
        target: Option<&Column>,
        classes: &[Given],
    ) -> Result<Column> {
        let mut vector = Some(Vector::default());
        let (mut elements, mut last) = (Vec::new(), 0);
        for (class, name) in classes.iter().enumerate() {
            let is_class = target
                .map(|target| indicator(here, target, classes, class))
                .transpose()?;
            // What is learned of each class has a name of its own.
            let mut of_class = column.clone();
            of_class.field.name = format!("{}_{name}", column.field.name);
            let (means, ready) = self.means(here, &of_class, is_class.as_ref())?;
            last = last.max(ready);
            elements.push(of_class.field.name);
            vector = vector.zip(means).map(|(mut vector, means)| {
                vector.append(Vector::of(1, Content::Scalar(means)), false);
                vector
            });
        }
        let width = u32::try_from(classes.len()).unwrap_or(u32::MAX);
        let data_type = DataType::Float64List(width);
        let mut encoded = column.becomes(data_type, false, vector.map(Value::Vector), last);
        encoded.field.elements = elements;
        Ok(encoded)
    }

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
            (Some(target), None) if !self.takes(target.field.data_type) => {
                let classes = match (&self.classes, target.field.data_type) {
                    (None, DataType::Utf8) => "; or name its values as `classes`",
                    _ => "",
                };
                Err(Error::schema(format!(
                    "the target `{}` is {}, and must be a number or boolean{classes}",
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

    fn takes(&self, data_type: DataType) -> bool {
        data_type.is_numeric() || self.classes.is_some() && data_type == DataType::Utf8
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

/// Whether a target is of one class: 0 or 1, missing where the target is.
///
/// # Errors
/// [`Error::Params`] if the classes are no values of the target.
fn indicator(here: &Here<'_>, target: &Column, classes: &[Given], class: usize) -> Result<Column> {
    let names = given::categories("classes", classes, target)?;
    let codes = target.operand(true).map(|operand| {
        let place = here.place_of(target);
        let none = Answer::Code(Encoder::NONE);
        Encoder::new(place, operand, &names, Answer::Refuse, none)
    });
    let is_class = (0..names.len()).map(|other| f64::from(u8::from(other == class)));
    let is_class = Kernel::Table(is_class.collect());
    let value = codes.transpose()?.map(|encoder| {
        let codes = Scalar::new(Source::Code(Rc::new(encoder)));
        Value::Scalar(codes.then(is_class))
    });
    Ok(target.becomes(DataType::Boolean, true, value, target.ready))
}

#[cfg(test)]
mod tests {
    use trueline_sdk::{
        DataType, Field, Role,
        testing::{Cell, Table, describe},
    };

    use crate::testing::{check_error, check_row_error, elements, learned, numbers};

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
    fn a_target_of_several_classes_is_averaged_class_by_class() {
        let table = |class: Field| {
            let carriers = ["UA", "AA", "UA", "UA", "AA", "AA"];
            let classes = [Some("a"), Some("b"), Some("c"), Some("a"), None, Some("b")];
            Table::new()
                .with_column("carrier", carriers)
                .with_field(class.with_role(Role::Label), classes)
        };
        let table = table(Field::new("class", DataType::Utf8));
        let step = |classes: &str| {
            format!(
                r#"[{{"op": "target", "columns": "carrier", "smooth": 0, "classes": {classes}}}]"#
            )
        };
        let steps = step(r#"["a", "b", "c"]"#);
        assert_eq!(
            elements(&steps, &table, "carrier"),
            ["carrier_a", "carrier_b", "carrier_c"]
        );
        let rows = Table::new().with_column("carrier", [Some("UA"), Some("AA"), Some("ZZ")]);
        let encoded = learned(&steps, &table, &rows).unwrap();
        let third = 1.0 / 3.0;
        let expected = [[2.0 * third, 0.0, third], [0.0, 1.0, 0.0], [0.4, 0.4, 0.2]];
        assert_eq!(encoded.column("carrier"), expected.map(Cell::from));
        // Each is what a boolean target gives.
        let alone = r#"[{"op": "compute", "into": "is_b", "value": "class == 'b'"},
            {"op": "target", "columns": "carrier", "target": "is_b", "smooth": "auto"}]"#;
        let alone = numbers(&learned(alone, &table, &table).unwrap(), "carrier");
        let auto = steps.replace(r#""smooth": 0, "#, "");
        let together = learned(&auto, &table, &table).unwrap();
        for (cell, alone) in together.column("carrier").iter().zip(alone) {
            let Cell::Vector64(of_classes) = cell else {
                panic!("{cell:?}");
            };
            assert!(
                (of_classes[1] - alone).abs() < 1e-15,
                "{cell:?} for {alone}"
            );
        }
        for (classes, part) in [
            ("[1, 2]", "`classes` must be values of column `class`"),
            ("[]", "`classes` is empty"),
            (r#"["a", "a"]"#, "`classes` holds a value twice"),
        ] {
            check_error(&step(classes), &table, &["steps[0] (`target`)", part]);
        }
        let lacks = learned(&step(r#"["a", "b"]"#), &table, &rows).unwrap_err();
        assert!(lacks.contains("column `class` holds \"c\""), "{lacks}");
    }

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
