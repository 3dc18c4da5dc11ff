//! `assemble`: one vector of all features.

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Field, Result, Role};

use super::Op;
use crate::{
    columns::Columns,
    table::Column,
    value::{Content, Value, Vector},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assemble {
    /// By default the columns that earlier steps made.
    columns: Option<Columns>,
    into: String,
    #[serde(default, rename = "type")]
    element: Element,
    /// Whether the sources stay.
    #[serde(default)]
    keep: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Element {
    #[default]
    Float32,
    Float64,
}

impl Element {
    /// The type of a vector of so many.
    pub(super) fn vector(self, width: u32) -> DataType {
        match self {
            Self::Float32 => DataType::Float32List(width),
            Self::Float64 => DataType::Float64List(width),
        }
    }
}

impl Op for Assemble {
    fn name(&self) -> &'static str {
        "assemble"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if self.into.is_empty() {
            return Err(Error::params("`into` is empty; name the new column"));
        }
        let columns = self.columns.clone().unwrap_or_else(|| here.written());
        let fits = |data_type: DataType| data_type.is_numeric() || data_type.is_vector();
        let takes = "numbers and vectors: encode texts with `one-hot` or `ordinal` first, and timestamps with `date-parts`";
        let sources = here.select(&columns, fits, takes)?;
        if sources.is_empty() && !here.is_partial() {
            return Err(Error::params(
                "no step before this one made a column; name the `columns` to assemble",
            ));
        }
        let complete = columns.are_in(&sources);
        let assembled = self.assembled(&sources, complete);
        if !self.keep {
            // What is not a feature stays for those who need it, such as a model its label.
            let consumed = sources
                .iter()
                .filter(|column| column.field.role == Role::Feature);
            consumed.for_each(|column| here.remove(&column.field.name));
        }
        here.add(assembled)
    }
}

impl Assemble {
    fn assembled(&self, sources: &[Column], complete: bool) -> Column {
        let mut vector = complete.then(Vector::default);
        for column in sources {
            vector = vector
                .zip(column.value.clone())
                .and_then(|(vector, value)| appended(vector, column, value));
        }
        // One open width leaves the sum open.
        let widths: Option<Vec<u32>> = sources
            .iter()
            .map(|column| Some(width(column)).filter(|width| *width > 0))
            .collect();
        let width = widths.map_or(0, |widths| widths.into_iter().fold(0, u32::saturating_add));
        let data_type = self.element.vector(width);
        let elements = if width > 0 {
            sources.iter().flat_map(element_names).collect()
        } else {
            Vec::new()
        };
        let field = Field::new(&self.into, data_type)
            .required()
            .with_elements(elements);
        Column::made_from(sources, field, vector.map(Value::Vector))
    }
}

fn appended(mut vector: Vector, column: &Column, value: Value) -> Option<Vector> {
    match value {
        Value::Scalar(scalar) => vector.append(Vector::of(1, Content::Scalar(scalar)), false),
        Value::Vector(elements) => {
            let rounded = matches!(column.field.data_type, DataType::Float32List(_));
            vector.append(elements, rounded);
        }
        Value::Text(_) | Value::Time(_) | Value::Opaque(_) => return None,
    }
    Some(vector)
}

/// How many elements a column fills; 0 if that is not known yet.
fn width(column: &Column) -> u32 {
    match column.field.data_type {
        DataType::Float32List(width) | DataType::Float64List(width) => width,
        _ => 1,
    }
}

/// The names of a column's elements: its own name, those that it has, or its name and their places.
fn element_names(column: &Column) -> Vec<String> {
    let name = &column.field.name;
    match column.field.data_type {
        DataType::Float32List(width) | DataType::Float64List(width) => {
            if column.field.elements.is_empty() {
                (0..width).map(|index| format!("{name}[{index}]")).collect()
            } else {
                column.field.elements.clone()
            }
        }
        _ => vec![name.clone()],
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::{
        Role,
        testing::{Table, describe},
    };

    use super::*;
    use crate::testing::{check, check_error, elements};

    /// Rows enough for more than one block.
    const ROWS: usize = 300;

    fn table() -> Table {
        let x = (0..ROWS).map(|row| (row % 7 != 0).then_some(row as f64));
        let carriers = (0..ROWS).map(|row| ["AA", "B6", "UA"][row % 3]);
        let vectors = (0..ROWS).map(|row| (row % 5 != 0).then_some([0.1, row as f64]));
        Table::new()
            .with_column("x", x)
            .with_column("flag", (0..ROWS).map(|row| Some(row % 2 == 1)))
            .with_column("carrier", carriers)
            .with_field(Field::new("vector", DataType::Float64List(2)), vectors)
            .with_field(
                Field::new("late", DataType::Boolean).with_role(Role::Label),
                (0..ROWS).map(|_| true),
            )
    }

    #[test]
    fn scalars_codes_and_vectors_stand_side_by_side_in_the_order_named() {
        let steps = r#"[{"op": "one-hot", "columns": "carrier"},
                        {"op": "assemble", "columns": ["carrier", "x", "vector", "flag"], "into": "features"}]"#;
        let vectors = (0..ROWS).map(|row| {
            let x = if row % 7 == 0 { f32::NAN } else { row as f32 };
            let [one, two] = if row % 5 == 0 {
                [f32::NAN; 2]
            } else {
                [0.1, row as f32]
            };
            let carrier = |number| if row % 3 == number { 1.0 } else { 0.0 };
            [
                carrier(0),
                carrier(1),
                carrier(2),
                x,
                one,
                two,
                if row % 2 == 1 { 1.0 } else { 0.0 },
            ]
        });
        check(
            steps,
            &table(),
            &Table::new().with_column("features", vectors),
        );
        let names = [
            "carrier=AA",
            "carrier=B6",
            "carrier=UA",
            "x",
            "vector[0]",
            "vector[1]",
            "flag",
        ];
        assert_eq!(elements(steps, &table(), "features"), names);
    }

    #[test]
    fn without_columns_it_takes_what_earlier_steps_made() {
        let steps = r#"[{"op": "clip", "columns": "x", "min": 3}, {"op": "assemble", "into": "features", "type": "float64"}]"#;
        let vectors = (0..ROWS).map(|row| {
            [if row % 7 == 0 {
                f64::NAN
            } else {
                (row as f64).max(3.0)
            }]
        });
        check(
            steps,
            &table(),
            &Table::new().with_column("features", vectors),
        );
    }

    #[test]
    fn all_means_all_features_and_consumes_them() {
        let params = |keep| {
            format!(
                r#"{{"steps": [{{"op": "ordinal", "columns": "carrier"}},
                              {{"op": "assemble", "columns": "*", "into": "features", "keep": {keep}}}]}}"#
            )
        };
        let mapping = |keep| {
            let signature = describe::<crate::Tabular>(&params(keep), &[], Some(&table())).unwrap();
            signature.mapping.unwrap()
        };
        let consumed = mapping(false);
        assert_eq!(consumed.reads, ["x", "flag", "carrier", "vector"]);
        assert_eq!(consumed.removes, ["x", "flag", "carrier", "vector"]);
        let names = |fields: &[Field]| {
            fields
                .iter()
                .map(|field| field.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&consumed.writes.fields), ["features"]);
        let kept = mapping(true);
        assert_eq!(
            (kept.removes.len(), names(&kept.writes.fields)),
            (0, vec!["carrier".into(), "features".into()])
        );
    }

    #[test]
    fn a_label_is_taken_if_it_is_named_but_never_consumed() {
        let params =
            r#"{"steps": [{"op": "assemble", "columns": ["late", "x"], "into": "features"}]}"#;
        let mapping = describe::<crate::Tabular>(params, &[], Some(&table()))
            .unwrap()
            .mapping
            .unwrap();
        assert_eq!(
            (mapping.reads, mapping.removes),
            (vec!["x".to_owned(), "late".into()], vec!["x".to_owned()])
        );
    }

    #[test]
    fn an_assembled_vector_keeps_the_precision_that_it_had() {
        let steps = r#"[{"op": "assemble", "columns": ["x", "flag"], "into": "narrow"},
                        {"op": "assemble", "columns": ["narrow", "y"], "into": "wide", "type": "float64"}]"#;
        let table = Table::new()
            .with_column("x", [0.1])
            .with_column("flag", [true])
            .with_column("y", [0.1]);
        check(
            steps,
            &table,
            &Table::new().with_column("wide", [[f64::from(0.1_f32), 1.0, 0.1]]),
        );
    }

    #[test]
    fn errors_say_what_to_do() {
        for (steps, part) in [
            (
                r#"{"op": "assemble", "into": "f"}"#,
                "no step before this one made a column",
            ),
            (
                r#"{"op": "assemble", "columns": "x", "into": ""}"#,
                "`into` is empty",
            ),
            (
                r#"{"op": "assemble", "columns": "x", "into": "carrier"}"#,
                "there is a column `carrier` already",
            ),
            (
                r#"{"op": "assemble", "columns": ["x", "carrier"], "into": "f"}"#,
                "encode texts with `one-hot`",
            ),
            (
                r#"{"op": "assemble", "columns": "x", "into": "f", "type": "float16"}"#,
                "expected `float32` or `float64`",
            ),
        ] {
            check_error(
                &format!("[{steps}]"),
                &table(),
                &["steps[0] (`assemble`): ", part],
            );
        }
        let consumed =
            r#"[{"op": "assemble", "columns": "x", "into": "f"}, {"op": "log1p", "columns": "x"}]"#;
        let part =
            "there is no column `x`; the columns at this step are flag, carrier, vector, late, f";
        check_error(consumed, &table(), &["steps[1] (`log1p`): ", part]);
    }
}
