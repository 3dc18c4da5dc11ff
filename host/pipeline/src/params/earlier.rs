//! Parameters that are metrics of the last run: `rows_before = { last = "validate.rows", default = false }`.
//!
//! Their values are looked up before a run and given as `--set` gives others: the run keeps them, so they are
//! in the keys of the stages that read them, and making the run again gives the same.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::Diagnostics;
use crate::source::{Problem, Source};
use crate::values::Value;

const HINT: &str = "a metric of the last run that succeeded is { last = \"stage.metric\", default = 0 }, with the \
                    value that it has before the first one";

/// A parameter that is a metric of the last run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierMetric {
    /// The parameter.
    pub name: String,
    pub stage: String,
    pub metric: String,
}

/// What a parameter that is written as a table stands for before there is a run.
pub(super) fn default<'t>(
    value: &Value<'t>,
    keys: &DeTable<'t>,
    document: &DeTable<'t>,
) -> Result<Value<'t>, Problem> {
    let problem = |span, message: String| Problem::new(span, message).hint(HINT);
    for (key, _) in keys {
        let name = key.get_ref();
        if name != "last" && name != "default" {
            return Err(problem(
                key.span(),
                format!("a parameter has no key `{name}`"),
            ));
        }
    }
    let Some(last) = keys.get("last") else {
        let message = "the parameter is no single value".to_owned();
        return Err(problem(value.span(), message));
    };
    let Some((stage, _)) = metric(last) else {
        let message = "`last` names no metric of a stage".to_owned();
        return Err(problem(last.span(), message));
    };
    let stages = document.get("stage").map(toml::Spanned::get_ref);
    let stages = stages.and_then(DeValue::as_table);
    if !stages.is_some_and(|stages| stages.contains_key(stage)) {
        return Err(problem(last.span(), format!("there is no stage `{stage}`")));
    }
    match keys.get("default") {
        Some(default) if !matches!(default.get_ref(), DeValue::Table(_) | DeValue::Array(_)) => {
            Ok(default.clone())
        }
        _ => {
            let message = "the parameter has no single value as `default`".to_owned();
            Err(problem(value.span(), message))
        }
    }
}

/// Stage and metric of `"stage.metric"`.
fn metric<'v>(last: &'v Value<'_>) -> Option<(&'v str, &'v str)> {
    let (stage, metric) = last.get_ref().as_str()?.split_once('.')?;
    (!stage.is_empty() && !metric.is_empty()).then_some((stage, metric))
}

/// The name of a pipeline, and the parameters of it that are metrics of its last run. What is wrong with the
/// file is left to [`check`](crate::check()).
///
/// # Errors
/// If the file cannot be read.
pub fn earlier_metrics(path: &Path) -> Result<(String, Vec<EarlierMetric>), Diagnostics> {
    let source = Source::read(path, "pipeline file")?;
    let Ok(document) = DeTable::parse(&source.text) else {
        return Ok((String::new(), Vec::new()));
    };
    let section = |name: &str| document.get_ref().get(name)?.get_ref().as_table();
    let name = section("pipeline").and_then(|keys| keys.get("name")?.get_ref().as_str());
    let mut earlier = Vec::new();
    for (key, value) in section("params").into_iter().flatten() {
        let last = value.get_ref().as_table().and_then(|keys| keys.get("last"));
        if let Some((stage, metric)) = last.and_then(metric) {
            earlier.push(EarlierMetric {
                name: key.get_ref().to_string(),
                stage: stage.to_owned(),
                metric: metric.to_owned(),
            });
        }
    }
    Ok((name.unwrap_or_default().to_owned(), earlier))
}
