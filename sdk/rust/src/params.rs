//! Parameters from the JSON text that the host passes, and what is wrong with them in the words of a pipeline file.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Reads parameters from the JSON text that the host passes.
///
/// # Errors
/// [`Error::Params`] with the key, and the valid names if it is unknown.
pub fn parse_params<P: DeserializeOwned>(json: &str) -> Result<P> {
    serde_json::from_str(json).map_err(|error| {
        let message = strip_position(&error.to_string()).to_owned();
        match serde_json::from_str(json) {
            Ok(value) => explained::<P>(&value, message),
            Err(_) => Error::params(message),
        }
    })
}

/// The same from JSON that was read already, such as a part of the parameters.
///
/// # Errors
/// As [`parse_params`].
pub fn parse_value<P: DeserializeOwned>(value: &Value) -> Result<P> {
    P::deserialize(value).map_err(|error| explained::<P>(value, error.to_string()))
}

/// Drops serde_json's "at line 1 column 7": the author wrote TOML, where that position means nothing.
fn strip_position(message: &str) -> &str {
    message
        .rfind(" at line ")
        .map_or(message, |end| &message[..end])
}

/// A message about a value alone, with the key that it belongs to.
fn explained<P: DeserializeOwned>(value: &Value, message: String) -> Error {
    let is_of_value = ["invalid type: ", "invalid value: ", "invalid length "];
    if !is_of_value.iter().any(|start| message.starts_with(start)) {
        return Error::params(message);
    }
    let plain = in_plain_words(&message);
    let mut path = blamed::<P>(value, &message);
    Error::params(match path.pop() {
        None => plain,
        Some(key) if path.is_empty() => format!("`{key}`: {plain}"),
        Some(key) => format!("`{key}` in {}: {plain}", path.join(".")),
    })
}

/// The keys that lead to what is wrong: without it, the message would be another.
fn blamed<P: DeserializeOwned>(value: &Value, message: &str) -> Vec<String> {
    let mut whole = value.clone();
    let (mut path, mut pointer) = (Vec::new(), String::new());
    while let Some(key) = blamed_within::<P>(&mut whole, &pointer, message) {
        pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        path.push(key);
    }
    path
}

/// The key to blame in the object that `pointer` leads to.
fn blamed_within<P: DeserializeOwned>(
    whole: &mut Value,
    pointer: &str,
    message: &str,
) -> Option<String> {
    let keys: Vec<String> = whole
        .pointer(pointer)?
        .as_object()?
        .keys()
        .cloned()
        .collect();
    keys.into_iter().find(|key| {
        let Some(removed) = object(whole, pointer).and_then(|entries| entries.remove(key)) else {
            return false;
        };
        let is_other = match P::deserialize(&*whole) {
            Ok(_) => true,
            Err(error) => strip_position(&error.to_string()) != message,
        };
        if let Some(entries) = object(whole, pointer) {
            entries.insert(key.clone(), removed);
        }
        is_other
    })
}

fn object<'v>(whole: &'v mut Value, pointer: &str) -> Option<&'v mut Map<String, Value>> {
    whole.pointer_mut(pointer)?.as_object_mut()
}

/// What serde calls a type, as people do.
fn in_plain_words(message: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("u32", "a whole number of 0 or more"),
        ("u64", "a whole number of 0 or more"),
        ("usize", "a whole number of 0 or more"),
        ("i32", "a whole number"),
        ("i64", "a whole number"),
        ("f32", "a number"),
        ("f64", "a number"),
        ("a boolean", "true or false"),
        ("a sequence", "a list"),
    ];
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let word = WORDS.iter().find(|(word, _)| *word == expected);
    let expected = word.map_or(expected, |(_, plain)| plain);
    format!("{found}, expected {expected}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Params {
        depth: u32,
        #[serde(default)]
        rate: f64,
        #[serde(default)]
        columns: BTreeMap<String, Column>,
        #[serde(default)]
        names: Vec<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Column {
        min: Option<f64>,
        unique: Option<bool>,
    }

    #[test]
    fn a_wrong_value_is_named_by_its_key() {
        let check = |json: &str, expected: &str| {
            let error = parse_params::<Params>(json).unwrap_err();
            assert_eq!(error.message(), expected, "{json}");
            let value: Value = serde_json::from_str(json).unwrap();
            let error = parse_value::<Params>(&value).unwrap_err();
            assert_eq!(error.message(), expected, "{json}, read already");
        };
        check(
            r#"{"rate": 1, "depth": -1}"#,
            "`depth`: invalid value: integer `-1`, expected a whole number of 0 or more",
        );
        check(
            r#"{"depth": 1, "rate": "fast"}"#,
            r#"`rate`: invalid type: string "fast", expected a number"#,
        );
        check(
            r#"{"depth": 1, "columns": {"a": {"min": 1}, "b/c": {"min": 1, "unique": "yes"}}}"#,
            r#"`unique` in columns.b/c: invalid type: string "yes", expected true or false"#,
        );
        check(
            r#"{"depth": 1, "names": "a"}"#,
            r#"`names`: invalid type: string "a", expected a list"#,
        );
        check(r#"{"rate": 1}"#, "missing field `depth`");
        check(
            r#"{"depth": 1, "width": 2}"#,
            "unknown field `width`, expected one of `depth`, `rate`, `columns`, `names`",
        );
    }

    #[test]
    fn what_is_no_json_is_an_error_as_well() {
        let error = parse_params::<Params>("{").unwrap_err();
        assert_eq!(error.message(), "EOF while parsing an object");
    }
}
