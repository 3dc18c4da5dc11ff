//! `lower`, `trim`, `regex-extract` and `text-length`: what can be done to a text.

use std::rc::Rc;

use regex::RegexBuilder;
use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result};

use super::{Op, given::Given};
use crate::{
    columns::Columns,
    texts::Edit,
    value::{Scalar, Source, Value},
    walk::Here,
};

/// What a pattern may take once it is compiled.
const MAX_PATTERN_BYTES: usize = 1 << 20;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lower {
    columns: Columns,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trim {
    columns: Columns,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegexExtract {
    columns: Columns,
    pattern: String,
    /// By number or name; by default the first, or the whole match if there is none.
    group: Option<Given>,
    /// A new column, in place of the one that it is made of.
    into: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextLength {
    columns: Columns,
}

impl Op for Lower {
    fn name(&self) -> &'static str {
        "lower"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        edit(here, &self.columns, &Edit::Lower)
    }
}

impl Op for Trim {
    fn name(&self) -> &'static str {
        "trim"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        edit(here, &self.columns, &Edit::Trim)
    }
}

fn edit(here: &mut Here<'_>, columns: &Columns, edit: &Edit) -> Result<()> {
    for column in here.texts(columns)? {
        let edited = column
            .text()
            .map(|text| Value::Text(text.then(edit.clone())));
        let nullable = column.field.nullable;
        here.replace(column.becomes(DataType::Utf8, nullable, edited, column.ready))?;
    }
    Ok(())
}

impl Op for RegexExtract {
    fn name(&self) -> &'static str {
        "regex-extract"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let extract = self.extract()?;
        let columns = here.texts(&self.columns)?;
        if self.into.is_some() && columns.len() > 1 {
            return Err(Error::params("`into` goes with one column only"));
        }
        for column in columns {
            let extracted = column
                .text()
                .map(|text| Value::Text(text.then(extract.clone())));
            match &self.into {
                Some(into) => {
                    here.add(column.derives(into.clone(), DataType::Utf8, true, extracted))?;
                }
                None => {
                    here.replace(column.becomes(DataType::Utf8, true, extracted, column.ready))?;
                }
            }
        }
        Ok(())
    }
}

impl RegexExtract {
    fn extract(&self) -> Result<Edit> {
        let regex = RegexBuilder::new(&self.pattern)
            .size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(|error| {
                Error::params(format!("`pattern` is no regular expression: {error}"))
            })?;
        let count = regex.captures_len();
        let group = match &self.group {
            None => Some(usize::from(count > 1)),
            Some(Given::Integer(group)) => usize::try_from(*group).ok(),
            Some(Given::Text(name)) => regex
                .capture_names()
                .position(|other| other == Some(name.as_str())),
            Some(_) => None,
        };
        let group = group.filter(|group| *group < count);
        let group = group.ok_or_else(|| {
            Error::params(format!(
                "`group` is not one of `pattern`, which has {} groups",
                count - 1
            ))
        })?;
        Ok(Edit::Extract(Rc::new(regex), group))
    }
}

impl Op for TextLength {
    fn name(&self) -> &'static str {
        "text-length"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        for column in here.texts(&self.columns)? {
            let length = column
                .text()
                .map(|text| Value::Scalar(Scalar::new(Source::Length(Box::new(text)))));
            let name = format!("{}_length", column.field.name);
            let nullable = column.field.nullable;
            here.add(column.derives(name, DataType::Int32, nullable, length))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error};

    fn table() -> Table {
        let names = [
            Some("  Ångström 12 "),
            Some(""),
            None,
            Some("ΌΣΟΣ"),
            Some("x7y89"),
        ];
        Table::new().with_column("name", names)
    }

    #[test]
    fn texts_are_edited_in_order() {
        for (steps, expected) in [
            (
                r#"{"op": "lower", "columns": "name"}"#,
                [
                    Some("  ångström 12 "),
                    Some(""),
                    None,
                    Some("όσος"),
                    Some("x7y89"),
                ],
            ),
            (
                r#"{"op": "trim", "columns": "name"}, {"op": "impute", "columns": "name", "with": "constant", "value": "?"},
                   {"op": "lower", "columns": "name"}"#,
                [
                    Some("ångström 12"),
                    Some(""),
                    Some("?"),
                    Some("όσος"),
                    Some("x7y89"),
                ],
            ),
            (
                r#"{"op": "regex-extract", "columns": "name", "pattern": "[0-9]+"}"#,
                [Some("12"), None, None, None, Some("7")],
            ),
            (
                r#"{"op": "regex-extract", "columns": "name", "pattern": "(\\w)([0-9]+)$", "group": 2}"#,
                [None, None, None, None, Some("89")],
            ),
            (
                r#"{"op": "regex-extract", "columns": "name", "pattern": "(?P<letter>\\w)", "group": "letter"}"#,
                [Some("Å"), None, None, Some("Ό"), Some("x")],
            ),
        ] {
            let expected = Table::new().with_column("name", expected);
            check(&format!("[{steps}]"), &table(), &expected);
        }
    }

    #[test]
    fn lengths_count_characters_and_new_columns_leave_the_old_alone() {
        let steps = r#"[{"op": "text-length", "columns": "name"},
                        {"op": "regex-extract", "columns": "name", "pattern": "\\d", "into": "digit"}]"#;
        let expected = Table::new()
            .with_column("name_length", [Some(14), Some(0), None, Some(4), Some(5)])
            .with_column("digit", [Some("1"), None, None, None, Some("7")]);
        check(steps, &table(), &expected);
    }

    #[test]
    fn a_length_is_learned_from_like_any_number() {
        let steps = r#"[{"op": "text-length", "columns": "name"},
                        {"op": "impute", "columns": "name_length", "with": "median"},
                        {"op": "one-hot", "columns": "name"},
                        {"op": "drop", "columns": "name"}]"#;
        let expected = Table::new().with_column("name_length", [14.0, 0.0, 4.5, 4.0, 5.0]);
        check(steps, &table(), &expected);
    }

    #[test]
    fn errors_show_the_pattern() {
        let table = table().with_column("x", [1; 5]);
        for (step, part) in [
            (
                r#""lower", "columns": "x""#,
                "column `x` is int32, and this op takes utf8",
            ),
            (
                r#""regex-extract", "columns": "name", "pattern": "(""#,
                "`pattern` is no regular expression: regex parse error",
            ),
            (
                r#""regex-extract", "columns": "name", "pattern": "a{1000}{1000}""#,
                "`pattern` is no regular expression: Compiled regex exceeds size limit",
            ),
            (
                r#""regex-extract", "columns": "name", "pattern": "(a)", "group": 2"#,
                "`group` is not one of `pattern`, which has 1 groups",
            ),
        ] {
            check_error(&format!(r#"[{{"op": {step}}}]"#), &table, &[part]);
        }
    }
}
