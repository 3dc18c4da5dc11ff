//! Reading a table of the file into a struct, and saying everything that is wrong with its keys.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use toml::de::{DeValue, ValueDeserializer};
use trueline_dataset::suggest::{did_you_mean, list_some};

use crate::source::{Problem, Report, Span};
use crate::values::Value;

/// A text where that is enough, or a table that says more.
#[derive(Clone, Debug)]
pub enum TextOr<T> {
    Text(String),
    Table(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTable(PhantomData))
    }
}

struct TextOrTable<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TextOrTable<T> {
    type Value = TextOr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a table")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(TextOr::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Table)
    }
}

/// Reads `table` as a `T`; `owner` says whose keys they are, as in ``stage `model` ``.
///
/// Each wrong entry is reported and taken out, and the rest is read again, so that one mistake does
/// not hide the next.
pub fn read<T: DeserializeOwned>(
    table: &Value<'_>,
    owner: &str,
    report: &mut Report<'_>,
) -> Option<T> {
    let mut rest = table.clone();
    let mut is_whole = true;
    loop {
        let error = match T::deserialize(ValueDeserializer::from(rest.clone())) {
            Ok(read) => return is_whole.then_some(read),
            Err(error) => error,
        };
        let span = error.span().unwrap_or_else(|| table.span());
        let is_removed = remove(&mut rest, &span);
        // A key that is missing may be one that was taken out.
        if is_whole || is_removed {
            report.add(problem(error.message(), span, owner));
        }
        if !is_removed {
            return None;
        }
        is_whole = false;
    }
}

/// Takes out the innermost entry whose key or value stands at `span`; answers whether there is one.
fn remove(value: &mut Value<'_>, span: &Span) -> bool {
    match value.get_mut() {
        DeValue::Table(table) => {
            if table.iter_mut().any(|(_, value)| remove(value, span)) {
                return true;
            }
            let is_meant =
                |key: &Span, value: &Value<'_>| key == span || encloses(&value.span(), span);
            let meant = table
                .iter()
                .find(|(key, value)| is_meant(&key.span(), value));
            let Some(key) = meant.map(|(key, _)| key.clone()) else {
                return false;
            };
            table.remove(&key).is_some()
        }
        DeValue::Array(elements) => elements.iter_mut().any(|element| remove(element, span)),
        _ => false,
    }
}

fn encloses(outer: &Span, inner: &Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// A message of serde in the words of whoever writes the file.
fn problem(message: &str, span: Span, owner: &str) -> Problem {
    let name = quoted(message).next().unwrap_or_default();
    let problem = if message.starts_with("unknown field ") {
        Problem::new(span, format!("unknown key `{name}` in {owner}"))
    } else if message.starts_with("missing field ") {
        Problem::new(span, format!("{owner} lacks the key `{name}`"))
    } else if message.starts_with("unknown variant ") {
        Problem::new(span, format!("`{name}` is not known here, in {owner}"))
    } else {
        let typed = message
            .strip_prefix("invalid type: ")
            .and_then(|rest| rest.split_once(", expected "));
        Problem::new(
            span,
            match typed {
                Some((found, expected)) => format!(
                    "expected {}, found {}, in {owner}",
                    in_words(expected),
                    in_words(found)
                ),
                None => format!("{message}, in {owner}"),
            },
        )
    };
    Problem {
        hint: suggestion(message),
        ..problem
    }
}

/// The words of TOML for serde's.
fn in_words(kind: &str) -> &str {
    match kind {
        "u64" => "a whole number from 0 on",
        "f64" => "a number",
        "sequence" | "a sequence" => "a list",
        "map" | "a map" => "a table",
        other => other,
    }
}

/// What to write in place of an unknown name, from serde's list of those that it expected.
pub fn suggestion(message: &str) -> Option<String> {
    let (_, unknown) = message
        .split_once("unknown field ")
        .or_else(|| message.split_once("unknown variant "))?;
    let mut words = quoted(unknown);
    let name = words.next()?;
    let names: Vec<&str> = words.collect();
    Some(
        did_you_mean(name, names.iter().copied()).unwrap_or_else(|| match names.as_slice() {
            [] => "it takes none".to_owned(),
            names => format!("choose one of {}", list_some(names.iter().copied())),
        }),
    )
}

/// The words in backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}
