//! The parameters: a list of steps, each with its op's name.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::ops::{
    Assemble, Bucketize, Cast, Clip, Compute, Cross, Cyclic, DateParts, Drop, Frequency, Hash,
    Impute, Log1p, Lower, MaxAbsScale, MinMaxScale, OneHot, Op, Ordinal, Polynomial, PowerScale,
    QuantileScale, RegexExtract, Rename, RobustScale, Select, StandardScale, Target, TextLength,
    TimeDifference, Trim,
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
    MaxAbsScale(MaxAbsScale),
    RobustScale(RobustScale),
    QuantileScale(QuantileScale),
    Power(PowerScale),
    Clip(Clip),
    #[serde(rename = "log1p")]
    Log1p(Log1p),
    Bucketize(Bucketize),
    OneHot(OneHot),
    Ordinal(Ordinal),
    Frequency(Frequency),
    Target(Target),
    Hash(Hash),
    DateParts(DateParts),
    Cyclic(Cyclic),
    TimeDifference(TimeDifference),
    Compute(Compute),
    Cross(Cross),
    Polynomial(Polynomial),
    TextLength(TextLength),
    Lower(Lower),
    Trim(Trim),
    RegexExtract(RegexExtract),
    Select(Select),
    Drop(Drop),
    Rename(Rename),
    Cast(Cast),
    Assemble(Assemble),
}

impl Step {
    /// The op that does this step.
    pub(crate) fn op(&self) -> &dyn Op {
        match self {
            Self::Impute(op) => op,
            Self::StandardScale(op) => op,
            Self::MinMaxScale(op) => op,
            Self::MaxAbsScale(op) => op,
            Self::RobustScale(op) => op,
            Self::QuantileScale(op) => op,
            Self::Power(op) => op,
            Self::Clip(op) => op,
            Self::Log1p(op) => op,
            Self::Bucketize(op) => op,
            Self::OneHot(op) => op,
            Self::Ordinal(op) => op,
            Self::Frequency(op) => op,
            Self::Target(op) => op,
            Self::Hash(op) => op,
            Self::DateParts(op) => op,
            Self::Cyclic(op) => op,
            Self::TimeDifference(op) => op,
            Self::Compute(op) => op,
            Self::Cross(op) => op,
            Self::Polynomial(op) => op,
            Self::TextLength(op) => op,
            Self::Lower(op) => op,
            Self::Trim(op) => op,
            Self::RegexExtract(op) => op,
            Self::Select(op) => op,
            Self::Drop(op) => op,
            Self::Rename(op) => op,
            Self::Cast(op) => op,
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
        trueline_sdk::parse_value(&value)
            .map_err(|error| D::Error::custom(format!("steps[{index}]{op}: {}", error.message())))
    };
    values.into_iter().enumerate().map(step).collect()
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
                r#"{"steps": [{"op": "clip", "columns": "a", "min": "low"}]}"#,
                "steps[0] (`clip`): `min`: invalid type: string \"low\", expected a number",
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
                "columns are a name, a list of names and patterns",
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
}
