//! The parameters of a run: what `[params]` declares, and `--set` changes.
//!
//! A text that is `$name` and nothing else, anywhere in a dataset, a stage or the package, stands for the
//! parameter's value, whatever its type; `$$name` is the text `$name`. Conditions read them as `params.name`.
//!
//! A parameter may be a number of the last run: see [`earlier`].

mod earlier;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};
use trueline_dataset::suggest::{did_you_mean, list_some};

pub use self::earlier::{EarlierMetric, earlier_metrics};
use crate::source::{Problem, Report};
use crate::values::{Value, to_json};

/// The declared parameters with the values of this run.
#[derive(Debug, Default)]
pub(crate) struct Params<'t> {
    values: BTreeMap<String, Value<'t>>,
    /// Those that are metrics of the last run, whose values are numbers where there was one.
    earlier: BTreeSet<String>,
}

impl<'t> Params<'t> {
    /// Reads `[params]`; `set` holds values as TOML, in place of those that are declared.
    pub(crate) fn read(
        document: &DeTable<'t>,
        set: &'t BTreeMap<String, String>,
        report: &mut Report<'_>,
    ) -> Self {
        let mut params = Self::default();
        match document
            .get("params")
            .map(|section| (section, section.get_ref()))
        {
            Some((_, DeValue::Table(table))) => {
                for (key, value) in table {
                    let name = key.get_ref().to_string();
                    if let DeValue::Table(keys) = value.get_ref() {
                        if let Some(default) = report.ok(earlier::default(value, keys, document)) {
                            params.earlier.insert(name.clone());
                            params.values.insert(name, default);
                        }
                    } else if matches!(value.get_ref(), DeValue::Array(_)) {
                        let message =
                            format!("the parameter `{}` is no single value", key.get_ref());
                        let problem = Problem::new(value.span(), message);
                        report.add(problem.hint("a parameter is a number, a text, true or false"));
                    } else {
                        params.values.insert(name, value.clone());
                    }
                }
            }
            Some((section, _)) => {
                report.add(Problem::new(section.span(), "`params` is not a table"));
            }
            None => {}
        }
        for (name, text) in set {
            if let Err(problem) = params.set(name, text) {
                report.add(problem);
            }
        }
        params
    }

    /// Gives a parameter another value of its type.
    fn set(&mut self, name: &str, text: &'t str) -> Result<(), Problem> {
        let is_earlier = self.earlier.contains(name);
        let Some(declared) = self.values.get_mut(name) else {
            let names = || self.values.keys().map(String::as_str);
            let hint = did_you_mean(name, names()).unwrap_or_else(|| match self.values.len() {
                0 => "declare it with its usual value: [params]".to_owned(),
                _ => format!("the parameters are {}", list_some(names())),
            });
            return Err(
                Problem::new(0..0, format!("--set: there is no parameter `{name}`")).hint(hint),
            );
        };
        let span = declared.span();
        let parsed = DeValue::parse(text).map(toml::Spanned::into_inner);
        let value = match (declared.get_ref(), parsed) {
            // A text need not be quoted.
            (DeValue::String(_), Ok(DeValue::String(text))) => DeValue::String(text),
            (DeValue::String(_), _) => DeValue::String(text.into()),
            (_, Ok(value @ (DeValue::Float(_) | DeValue::Integer(_)))) if is_earlier => value,
            (DeValue::Float(_), Ok(value @ (DeValue::Float(_) | DeValue::Integer(_)))) => value,
            (declared, Ok(value))
                if std::mem::discriminant(declared) == std::mem::discriminant(&value) =>
            {
                value
            }
            (declared, _) => {
                let kind = match declared {
                    DeValue::Integer(_) => "a whole number",
                    DeValue::Float(_) => "a number",
                    DeValue::Boolean(_) => "true or false",
                    _ => "a time",
                };
                let message = format!("--set: the parameter `{name}` is {kind}, not `{text}`");
                return Err(Problem::new(span, message));
            }
        };
        *declared.get_mut() = value;
        Ok(())
    }

    /// Puts values in place of the texts that stand for them.
    pub(crate) fn substitute(&self, value: &mut Value<'t>, report: &mut Report<'_>) {
        let span = value.span();
        match value.get_mut() {
            DeValue::String(text) => {
                let Some(name) = text.strip_prefix('$') else {
                    return;
                };
                if name.starts_with('$') {
                    *text = name.to_owned().into();
                } else if let Some(found) = self.values.get(name) {
                    *value.get_mut() = found.get_ref().clone();
                } else {
                    let names = || self.values.keys().map(String::as_str);
                    let hint = did_you_mean(name, names()).unwrap_or_else(|| {
                        format!(
                            "the parameters are {}; a text that begins so is written `$${name}`",
                            list_some(names())
                        )
                    });
                    report.add(
                        Problem::new(span, format!("there is no parameter `{name}`")).hint(hint),
                    );
                }
            }
            DeValue::Array(elements) => {
                elements
                    .iter_mut()
                    .for_each(|element| self.substitute(element, report));
            }
            DeValue::Table(table) => {
                table
                    .iter_mut()
                    .for_each(|(_, value)| self.substitute(value, report));
            }
            _ => {}
        }
    }

    /// The values for conditions and for the record.
    pub(crate) fn to_json(&self, report: &mut Report<'_>) -> BTreeMap<String, Json> {
        let values = self.values.iter();
        values
            .filter_map(|(name, value)| Some((name.clone(), report.ok(to_json(value))?)))
            .collect()
    }
}
