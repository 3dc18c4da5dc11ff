//! Aggregates over windows: what a feature file says of them, and how it is checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::Spanned;
use trueline_dataset::Expression;
use trueline_table::{DataType, Schema};

use super::check::Checked;
use super::file::{Names, is_name};
use super::{Column, Feature, JoinKey, Source};
use crate::duration;

/// The aggregates of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregates {
    /// The columns of the source that they read.
    pub columns: Vec<Column>,
    /// One for each feature of the view.
    pub functions: Vec<Aggregate>,
}

/// What is computed of the rows of an entity in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    pub function: Function,
    /// A column of the source, or an expression over its columns; without, rows are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// How long the window is: rows of (at − over, at] count.
    pub over_us: i64,
}

/// A function of the values in a window. Nulls are no values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    Count,
    Sum,
    Mean,
    Min,
    Max,
    First,
    Last,
    Distinct,
    Quantile(f64),
}

/// An entry of `[view.<name>.aggregate]`: one function with its input, and the window.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a function and its window, such as { mean = \"delay\", over = \"3h\" }"
)]
pub(super) struct AggregateKeys {
    count: Option<String>,
    sum: Option<String>,
    mean: Option<String>,
    min: Option<String>,
    max: Option<String>,
    first: Option<String>,
    last: Option<String>,
    distinct: Option<String>,
    quantile: Option<String>,
    /// Which quantile, from 0 to 1.
    q: Option<f64>,
    over: Names,
}

pub(super) type AggregateTable = BTreeMap<Spanned<String>, Spanned<AggregateKeys>>;

/// Stands for whole rows.
const ROWS: &str = "*";

impl Function {
    /// What the feature file calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
            Self::Distinct => "distinct",
            Self::Quantile(_) => "quantile",
        }
    }

    /// The type of its result; none if it is not defined for such values.
    fn result(self, input: DataType) -> Option<DataType> {
        use DataType::{
            Boolean, Date, Float32, Float32List, Float64, Float64List, Int32, Int64, Timestamp,
        };
        let is_vector = matches!(input, Float32List(_) | Float64List(_));
        let is_number = matches!(input, Int32 | Int64 | Float32 | Float64);
        match self {
            Self::Count => Some(Int64),
            Self::Distinct => (!is_vector).then_some(Int64),
            Self::First | Self::Last => Some(input),
            Self::Sum if matches!(input, Boolean | Int32 | Int64) => Some(Int64),
            Self::Sum => is_number.then_some(Float64),
            Self::Mean => (is_number || input == Boolean).then_some(Float64),
            Self::Quantile(_) => is_number.then_some(Float64),
            Self::Min | Self::Max => {
                (is_number || matches!(input, Boolean | Date | Timestamp)).then_some(input)
            }
        }
    }
}

impl AggregateKeys {
    /// The functions that it names, with their inputs.
    fn functions(&self) -> Vec<(Function, &str)> {
        let quantile = Function::Quantile(self.q.unwrap_or(0.5));
        let named = [
            (Function::Count, &self.count),
            (Function::Sum, &self.sum),
            (Function::Mean, &self.mean),
            (Function::Min, &self.min),
            (Function::Max, &self.max),
            (Function::First, &self.first),
            (Function::Last, &self.last),
            (Function::Distinct, &self.distinct),
            (quantile, &self.quantile),
        ];
        let named = named
            .into_iter()
            .filter_map(|(function, input)| Some((function, input.as_deref()?)));
        named.collect()
    }
}

impl Checked<'_, '_> {
    /// The features that a view's aggregates make, in the order of the file. One over several windows makes
    /// several, whose names end with their window's.
    pub(super) fn aggregates(
        &mut self,
        view: &str,
        table: &AggregateTable,
        join_keys: &[JoinKey],
        source: &Source,
    ) -> (Vec<Feature>, Aggregates) {
        let schema = source.schema();
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let (mut features, mut functions) = (Vec::<Feature>::new(), Vec::new());
        let mut read = BTreeSet::new();
        for (name, entry) in entries {
            let owner = format!("view `{view}`, feature `{}`", name.get_ref());
            let Some((function, input, data_type)) =
                self.function(&owner, entry, &schema, &mut read)
            else {
                continue;
            };
            for (feature, over_us) in self.windows(&owner, name.get_ref(), entry) {
                let problem = if !is_name(&feature) {
                    Some(format!("view `{view}`: `{feature}` is not a name"))
                } else if features.iter().any(|other| other.name == feature) {
                    Some(format!("view `{view}` has two features `{feature}`"))
                } else if join_keys.iter().any(|key| key.name == feature) {
                    Some(format!(
                        "view `{view}`: `{feature}` is a join key and a feature"
                    ))
                } else {
                    None
                };
                if let Some(problem) = problem {
                    self.wrong(name.span(), problem, "rename the feature");
                    continue;
                }
                features.push(Feature {
                    name: feature,
                    data_type,
                    column: input.clone().unwrap_or_else(|| ROWS.to_owned()),
                });
                functions.push(Aggregate {
                    function,
                    input: input.clone(),
                    over_us,
                });
            }
        }
        let columns = source.columns.iter();
        let columns = columns.filter(|column| read.contains(&column.name));
        let aggregates = Aggregates {
            columns: columns.cloned().collect(),
            functions,
        };
        (features, aggregates)
    }

    /// The function of an entry, its input, and the type of its result.
    fn function(
        &mut self,
        owner: &str,
        entry: &Spanned<AggregateKeys>,
        schema: &Schema,
        read: &mut BTreeSet<String>,
    ) -> Option<(Function, Option<String>, DataType)> {
        let keys = entry.get_ref();
        let functions = keys.functions();
        let &[(function, input)] = functions.as_slice() else {
            let hint = "name one of count, sum, mean, min, max, first, last, distinct and quantile, with what it is of: { mean = \"delay\", over = \"3h\" }";
            let message = format!("{owner} has {} functions, not one", functions.len());
            self.wrong(entry.span(), message, hint);
            return None;
        };
        match (function, keys.q) {
            (Function::Quantile(_), None) => {
                let message = format!("{owner}: which quantile is not said");
                self.wrong(
                    entry.span(),
                    message,
                    "add q = 0.9, or q = 0.5 for the median",
                );
                return None;
            }
            (Function::Quantile(_), Some(q)) if !(0.0..=1.0).contains(&q) => {
                let message = format!("{owner}: there is no quantile {q}");
                self.wrong(entry.span(), message, "q is from 0 to 1");
                return None;
            }
            (Function::Quantile(_), _) | (_, None) => {}
            (function, Some(_)) => {
                let message = format!("{owner}: `{}` has no `q`", function.name());
                self.wrong(entry.span(), message, "take `q` out, or ask for a quantile");
                return None;
            }
        }
        if input == ROWS {
            if function != Function::Count {
                let message = format!("{owner}: there is no {} of whole rows", function.name());
                self.wrong(entry.span(), message, "name a column, or count = \"*\"");
                return None;
            }
            return Some((function, None, DataType::Int64));
        }
        let data_type = match schema.field(input) {
            Some(field) => {
                read.insert(input.to_owned());
                field.data_type
            }
            None => match Expression::compile(input, schema) {
                Ok(expression) => {
                    read.extend(expression.columns());
                    expression.data_type()
                }
                Err(error) => {
                    let hint = error.hint.clone();
                    let message = format!("{owner}: {error}");
                    self.wrong(entry.span(), message, hint.unwrap_or_default());
                    return None;
                }
            },
        };
        let result = function.result(data_type);
        if result.is_none() {
            let message = format!("{owner}: there is no {} of {data_type}", function.name());
            let hint = "count, distinct, first and last are of any values, min and max of what has an order, the others of numbers";
            self.wrong(entry.span(), message, hint);
        }
        Some((function, Some(input.to_owned()), result?))
    }

    /// The windows of an entry, and what its features over them are called.
    fn windows(
        &mut self,
        owner: &str,
        name: &str,
        entry: &Spanned<AggregateKeys>,
    ) -> Vec<(String, i64)> {
        let texts: Vec<(String, &String)> = match &entry.get_ref().over {
            Names::One(text) => vec![(name.to_owned(), text)],
            Names::Many(texts) => {
                let named = texts.iter().map(|text| {
                    let window: String = text.split_whitespace().collect();
                    (format!("{name}_{window}"), text)
                });
                named.collect()
            }
        };
        let mut windows = Vec::new();
        for (feature, text) in texts {
            match duration::parse(text) {
                Some(over_us) if over_us > 0 => windows.push((feature, over_us)),
                _ => {
                    let message = format!("{owner}: `{text}` is not a window");
                    self.wrong(entry.span(), message, duration::HINT);
                }
            }
        }
        windows
    }
}
