//! The parameters: a list of steps, each with its op's name.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::ops::{
    Assemble, Clip, DateParts, Impute, Log1p, MinMaxScale, OneHot, Op, Ordinal, StandardScale,
};

/// What the pipeline gives: the steps in the order in which a row goes through them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// At least one.
    #[serde(deserialize_with = "steps")]
    pub(crate) steps: Vec<Step>,
}

/// One step. A new op is a variant here, a file in `ops` and a section of the front page.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub(crate) enum Step {
    Impute(Impute),
    StandardScale(StandardScale),
    MinMaxScale(MinMaxScale),
    Clip(Clip),
    #[serde(rename = "log1p")]
    Log1p(Log1p),
    OneHot(OneHot),
    Ordinal(Ordinal),
    DateParts(DateParts),
    Assemble(Assemble),
}

impl Step {
    /// The op that does this step.
    pub(crate) fn op(&self) -> &dyn Op {
        match self {
            Self::Impute(op) => op,
            Self::StandardScale(op) => op,
            Self::MinMaxScale(op) => op,
            Self::Clip(op) => op,
            Self::Log1p(op) => op,
            Self::OneHot(op) => op,
            Self::Ordinal(op) => op,
            Self::DateParts(op) => op,
            Self::Assemble(op) => op,
        }
    }
}

/// Reads the steps one by one, so that an error can say which one it is in.
fn steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    if values.is_empty() {
        return Err(D::Error::custom(
            "`steps` is empty; give at least one, such as { op = \"assemble\", … }",
        ));
    }
    let step = |(index, value): (usize, Value)| {
        let op = value
            .get("op")
            .and_then(Value::as_str)
            .map(|op| format!(" (`{op}`)"))
            .unwrap_or_default();
        Step::deserialize(value)
            .map_err(|error| D::Error::custom(format!("steps[{index}]{op}: {error}")))
    };
    values.into_iter().enumerate().map(step).collect()
}

/// Which columns a step is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// These.
    Named(Vec<String>),
    /// `"*"`: every feature of a type that the op takes.
    All,
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "columns are a name, a list of names, or \"*\" for every feature that fits"
        )]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        let names = match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(name) if name == "*" => return Ok(Self::All),
            OneOrMany::One(name) => vec![name],
            OneOrMany::Many(names) => names,
        };
        if names.is_empty() {
            return Err(D::Error::custom("`columns` is empty; name at least one"));
        }
        if let Some(twice) = names
            .iter()
            .enumerate()
            .find(|(index, name)| names[..*index].contains(name))
        {
            return Err(D::Error::custom(format!(
                "column `{}` is named twice",
                twice.1
            )));
        }
        Ok(Self::Named(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_step_and_the_choices() {
        for (json, expected) in [
            (r#"{"step": []}"#, "unknown field `step`, expected `steps`"),
            (r#"{"steps": []}"#, "`steps` is empty"),
            (
                r#"{"steps": [{"columns": "a"}]}"#,
                "steps[0]: missing field `op`",
            ),
            (
                r#"{"steps": [{"op": "log1p", "columns": "a"}, {"op": "scale"}]}"#,
                "steps[1] (`scale`): unknown variant `scale`, expected one of `impute`, `standard-scale`",
            ),
            (
                r#"{"steps": [{"op": "clip", "columns": "a", "minimum": 1}]}"#,
                "steps[0] (`clip`): unknown field `minimum`, expected one of `columns`, `min`, `max`",
            ),
            (
                r#"{"steps": [{"op": "log1p", "columns": []}]}"#,
                "steps[0] (`log1p`): `columns` is empty",
            ),
            (
                r#"{"steps": [{"op": "log1p", "columns": ["a", "b", "a"]}]}"#,
                "column `a` is named twice",
            ),
            (
                r#"{"steps": [{"op": "log1p", "columns": 3}]}"#,
                "columns are a name, a list of names, or \"*\"",
            ),
            (
                r#"{"steps": [{"op": "log1p"}]}"#,
                "steps[0] (`log1p`): missing field `columns`",
            ),
        ] {
            let error = trueline_sdk::parse_params::<Params>(json).unwrap_err();
            assert!(
                error.message().contains(expected),
                "{json}: {}",
                error.message()
            );
        }
    }

    #[test]
    fn columns_are_one_name_several_or_all() {
        let columns = |json| serde_json::from_str::<Columns>(json).unwrap();
        assert_eq!(columns(r#""a""#), Columns::Named(vec!["a".into()]));
        assert_eq!(
            columns(r#"["b", "a"]"#),
            Columns::Named(vec!["b".into(), "a".into()])
        );
        assert_eq!(columns(r#""*""#), Columns::All);
    }
}
