//! Finding places in TOML values, and turning values into JSON.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

use crate::source::{Problem, Span};

/// A TOML value that knows where it stands.
pub type Value<'t> = Spanned<DeValue<'t>>;

/// The JSON of a value, keys sorted; equal values give equal JSON, so it can be part of a digest.
///
/// # Errors
/// If it holds a number that JSON has none for.
pub fn to_json(value: &Value<'_>) -> Result<Json, Problem> {
    let not_in_json =
        |what: &str| Problem::new(value.span(), format!("{what} cannot be a parameter"));
    Ok(match value.get_ref() {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Integer(integer) => {
            let digits = integer.as_str().replace('_', "");
            let integer = i64::from_str_radix(&digits, integer.radix());
            Json::from(integer.map_err(|_| not_in_json("a number outside of int64"))?)
        }
        DeValue::Float(float) => {
            let float = float
                .as_str()
                .replace('_', "")
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64);
            Json::Number(float.ok_or_else(|| not_in_json("an infinity or NaN"))?)
        }
        DeValue::Boolean(boolean) => Json::Bool(*boolean),
        DeValue::Datetime(datetime) => Json::String(datetime.to_string()),
        DeValue::Array(elements) => {
            Json::Array(elements.iter().map(to_json).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| Ok((key.get_ref().to_string(), to_json(value)?)));
            Json::Object(
                entries
                    .collect::<Result<BTreeMap<_, _>, _>>()?
                    .into_iter()
                    .collect(),
            )
        }
    })
}

/// The place below `path` that a message is about. A message may begin with a further path, such as
/// ``steps[1] (`clip`): ``; below that, the first of its words in backticks is meant that stands there
/// as a key or a text.
pub fn locate(value: &Value<'_>, path: &str, message: &str) -> Span {
    let value = at_path(value, path);
    let (start, rest) = message.split_once(": ").unwrap_or(("", message));
    let below = at_path(value, start.split(' ').next().unwrap_or_default());
    let about = if std::ptr::eq(below, value) {
        message
    } else {
        rest
    };
    let mut words = about.split('`').skip(1).step_by(2);
    words
        .find_map(|word| find(below, word))
        .unwrap_or_else(|| below.span())
}

/// The text at a path, if there is one.
pub fn text_at(value: &Value<'_>, path: &str) -> Option<Spanned<String>> {
    let value = at_path(value, path);
    value
        .get_ref()
        .as_str()
        .map(|text| Spanned::new(value.span(), text.to_owned()))
}

/// The value at a path, or the deepest one on the way.
fn at_path<'v, 't>(value: &'v Value<'t>, path: &str) -> &'v Value<'t> {
    let mut value = value;
    for step in path.split(['.', '[']) {
        let next = match step.strip_suffix(']') {
            Some(index) => index
                .parse::<usize>()
                .ok()
                .and_then(|index| value.get_ref().get(index)),
            None => value.get_ref().get(step),
        };
        match next {
            Some(next) => value = next,
            None => break,
        }
    }
    value
}

/// Where a word stands as a text or as a key; of a key with a plain value, the value.
fn find(value: &Value<'_>, word: &str) -> Option<Span> {
    match value.get_ref() {
        DeValue::String(text) => (text == word).then(|| value.span()),
        DeValue::Array(elements) => elements.iter().find_map(|element| find(element, word)),
        DeValue::Table(table) => {
            let key = table
                .iter()
                .find(|(key, _)| key.get_ref() == word)
                .map(|(key, value)| match value.get_ref() {
                    DeValue::Table(_) | DeValue::Array(_) => key.span(),
                    _ => value.span(),
                });
            key.or_else(|| table.values().find_map(|value| find(value, word)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    fn parse(text: &str) -> Value<'_> {
        let table = DeTable::parse(text).unwrap();
        Spanned::new(table.span(), DeValue::Table(table.into_inner()))
    }

    #[test]
    fn values_become_json() {
        let check = |text: &str, expected: &str| {
            assert_eq!(to_json(&parse(text)).unwrap().to_string(), expected)
        };
        check(
            "b = 1_000\na = [0x1f, -2, 1_0.5, 'x']",
            r#"{"a":[31,-2,10.5,"x"],"b":1000}"#,
        );
        check(
            "t = 2013-10-01T00:00:00Z\n[a.b]\nc = true",
            r#"{"a":{"b":{"c":true}},"t":"2013-10-01T00:00:00Z"}"#,
        );
        for text in ["x = [inf]", "x = nan", "x = 9223372036854775808"] {
            assert!(
                to_json(&parse(text))
                    .unwrap_err()
                    .message
                    .ends_with("cannot be a parameter"),
                "{text}"
            );
        }
    }

    #[test]
    fn messages_lead_to_places() {
        let text = "steps = [{ op = 'log1p', columns = ['a', 'b'] }, { op = 'clip', columns = 'b', min = 3 }]\neta = -1";
        let value = parse(text);
        let check = |path: &str, message: &str, expected: &str| {
            assert_eq!(
                &text[locate(&value, path, message)],
                expected,
                "{path} {message}"
            );
        };
        check("", "`eta` is -1", "-1");
        check(
            "",
            "steps[1] (`clip`): unknown field `min`, expected `max`",
            "3",
        );
        check("", "steps[1]: there is no column `b`", "'b'");
        check("", "steps[0].columns[1]: no", "'b'");
        check("steps[0].columns", "`b` is not there", "'b'");
        check(
            "steps[9].columns",
            "nothing",
            "[{ op = 'log1p', columns = ['a', 'b'] }, { op = 'clip', columns = 'b', min = 3 }]",
        );
        check("", "in `steps` something", "steps");
    }
}
