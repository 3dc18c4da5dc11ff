//! `cross`: the categories of several columns taken together.

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Field, Result};

use super::Op;
use crate::{
    columns::Columns,
    table::Column,
    value::{Text, TextSource, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cross {
    columns: Columns,
    into: String,
    #[serde(default = "underscore")]
    separator: String,
}

fn underscore() -> String {
    "_".to_owned()
}

impl Op for Cross {
    fn name(&self) -> &'static str {
        "cross"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let sources = here.categorical(&self.columns)?;
        let is_partial = here.is_partial();
        if sources.len() < 2 && !is_partial {
            return Err(Error::params("it takes two columns or more to cross"));
        }
        let is_whole = self.columns.are_in(&sources);
        let texts: Option<Vec<Text>> = sources.iter().map(Column::label).collect();
        let texts = texts.filter(|_| is_whole);
        let joined = texts.map(|texts| {
            let source = TextSource::Joined(texts.into(), self.separator.as_str().into());
            Value::Text(Text::new(source))
        });
        let field = Field::new(&self.into, DataType::Utf8);
        here.add(Column::made_from(&sources, field, joined))
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error, elements};

    fn table() -> Table {
        Table::new()
            .with_column("carrier", [Some("UA"), Some("AA"), None, Some("UA")])
            .with_column("month", [1, 12, 3, 1])
            .with_column("x", [Some(0.5), None, Some(1.0), Some(-0.0)])
    }

    #[test]
    fn texts_are_joined_and_missing_if_one_is() {
        let steps = r#"[{"op": "cross", "columns": ["carrier", "month"], "into": "c"},
                        {"op": "cross", "columns": ["month", "x"], "into": "d", "separator": " × "}]"#;
        let expected = Table::new()
            .with_column("c", [Some("UA_1"), Some("AA_12"), None, Some("UA_1")])
            .with_column("d", [Some("1 × 0.5"), None, Some("3 × 1"), Some("1 × 0")]);
        check(steps, &table(), &expected);
    }

    #[test]
    fn a_cross_is_encoded_like_any_text() {
        let steps = r#"[{"op": "cross", "columns": ["carrier", "month"], "into": "c"},
                        {"op": "one-hot", "columns": "c"}]"#;
        assert_eq!(elements(steps, &table(), "c"), ["c=AA_12", "c=UA_1"]);
        let steps = r#"[{"op": "cross", "columns": "month", "into": "c"}]"#;
        check_error(
            steps,
            &table(),
            &["steps[0] (`cross`)", "two columns or more"],
        );
    }
}
