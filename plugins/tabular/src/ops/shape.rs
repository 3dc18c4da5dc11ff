//! `select`, `drop` and `rename`: which columns there are, and what they are called.

use std::collections::BTreeMap;

use serde::Deserialize;
use trueline_sdk::{Error, Result, Role};

use super::Op;
use crate::{columns::Columns, table::Column, walk::Here};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Select {
    columns: Columns,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drop {
    columns: Columns,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    /// New names by old ones.
    columns: BTreeMap<String, String>,
}

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    /// What is not a feature stays for those who need it, such as a model its label.
    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let kept = here.select(&self.columns, |_| true, "any type")?;
        let is_gone = |column: &&Column| {
            let name = &column.field.name;
            column.field.role == Role::Feature && !kept.iter().any(|kept| kept.field.name == *name)
        };
        let gone = here.columns().iter().filter(is_gone);
        let names: Vec<String> = gone.map(|column| column.field.name.clone()).collect();
        names.iter().for_each(|name| here.remove(name));
        Ok(())
    }
}

impl Op for Drop {
    fn name(&self) -> &'static str {
        "drop"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        for column in here.select(&self.columns, |_| true, "any type")? {
            here.remove(&column.field.name);
        }
        Ok(())
    }
}

impl Op for Rename {
    fn name(&self) -> &'static str {
        "rename"
    }

    /// All at once, so that two columns can exchange their names.
    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if self.columns.is_empty() {
            return Err(Error::params(
                "`columns` is empty; give new names by old ones: { dep_time = \"departed\" }",
            ));
        }
        let mut renamed = Vec::new();
        for (old, new) in &self.columns {
            if new.is_empty() {
                return Err(Error::params(format!("the new name of `{old}` is empty")));
            }
            if let Some(mut column) = here.find(old)? {
                column.field.name.clone_from(new);
                column.written = true;
                renamed.push(column);
            }
            here.remove(old);
        }
        renamed.into_iter().try_for_each(|column| here.add(column))
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::{
        DataType, Field, Mapping, Role,
        testing::{Table, describe},
    };

    use crate::testing::{check, check_error};

    fn table() -> Table {
        Table::new()
            .with_column("a", [Some(1.5), None])
            .with_column("b_raw", [Some(i64::MAX), Some(1)])
            .with_field(Field::new("at", DataType::Timestamp), [Some(7_i64), None])
            .with_column("c", ["x", ""])
            .with_column("v", [[1.0, 2.0], [3.0, 4.0]])
            .with_field(
                Field::new("late", DataType::Boolean).with_role(Role::Label),
                [true, false],
            )
    }

    fn mapping(steps: &str) -> Mapping {
        let params = format!(r#"{{"steps": {steps}}}"#);
        let signature = describe::<crate::Tabular>(&params, &[], Some(&table())).unwrap();
        signature.mapping.unwrap()
    }

    #[test]
    fn what_is_dropped_is_not_read() {
        for (steps, removes) in [
            (
                r#"[{"op": "drop", "columns": ["*_raw", "late"]}]"#,
                &["b_raw", "late"][..],
            ),
            (
                r#"[{"op": "select", "columns": ["c", "a"]}]"#,
                &["b_raw", "at", "v"],
            ),
            (
                r#"[{"op": "log1p", "columns": "a"}, {"op": "drop", "columns": {"type": "float64"}}]"#,
                &["a"],
            ),
        ] {
            let mapping = mapping(steps);
            assert_eq!(mapping.removes, removes, "{steps}");
            assert!(
                mapping.reads.is_empty() && mapping.writes.fields.is_empty(),
                "{steps}"
            );
            check(steps, &table(), &Table::empty(&mapping.writes));
        }
    }

    #[test]
    fn renamed_columns_keep_their_bits_and_roles() {
        let steps = r#"[{"op": "rename", "columns": {"b_raw": "b", "a": "c", "c": "a", "at": "when", "v": "w", "late": "y"}}]"#;
        let mapping = mapping(steps);
        assert_eq!(mapping.removes, ["b_raw", "at", "v", "late"]);
        assert_eq!(mapping.writes.find("y").unwrap().role, Role::Label);
        let expected = Table::new()
            .with_column("c", [Some(1.5), None])
            .with_field(Field::new("when", DataType::Timestamp), [Some(7_i64), None])
            .with_column("b", [Some(i64::MAX), Some(1)])
            .with_column("a", ["x", ""])
            .with_field(Field::new("y", DataType::Boolean), [true, false])
            .with_column("w", [[1.0, 2.0], [3.0, 4.0]]);
        check(steps, &table(), &expected);
    }

    #[test]
    fn later_steps_know_the_new_names() {
        let steps = r#"[{"op": "rename", "columns": {"b_raw": "b"}},
                        {"op": "ordinal", "columns": "b"},
                        {"op": "drop", "columns": ["*", "!b"]}]"#;
        check(steps, &table(), &Table::new().with_column("b", [1, 0]));
    }

    #[test]
    fn errors_name_the_columns() {
        for (step, part) in [
            (r#""drop", "columns": "z""#, "there is no column `z`"),
            (
                r#""drop", "columns": "z_*""#,
                "no feature column fits `z_*`",
            ),
            (
                r#""select", "columns": {"type": "binary"}"#,
                "no feature column fits `*`",
            ),
            (r#""rename", "columns": {}"#, "`columns` is empty"),
            (
                r#""rename", "columns": {"a": "c"}"#,
                "there is a column `c` already",
            ),
            (
                r#""rename", "columns": {"z": "y"}"#,
                "there is no column `z`",
            ),
            (
                r#""rename", "columns": {"a": ""}"#,
                "the new name of `a` is empty",
            ),
        ] {
            check_error(&format!(r#"[{{"op": {step}}}]"#), &table(), &[part]);
        }
    }
}
