//! What changed between two lists of ingredients.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// An ingredient that is not what it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Such as `params.max_depth`, `rows: table` or `rows: through features, state`.
    pub ingredient: String,
    /// Nothing if it was not there.
    pub old: Option<Value>,
    /// Nothing if it is not there any more.
    pub new: Option<Value>,
}

/// Every ingredient of a stage that differs, what its result depends on first, and then what that came from.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let (old, mut new): (BTreeMap<_, _>, BTreeMap<_, _>) = (
        ingredients(old).into_iter().collect(),
        ingredients(new).into_iter().collect(),
    );
    let mut changes = Vec::new();
    for (ingredient, old) in old {
        let new = new.remove(&ingredient);
        if new.as_ref() != Some(&old) {
            changes.push(Change {
                ingredient,
                old: Some(old),
                new,
            });
        }
    }
    let added = new.into_iter().map(|(ingredient, new)| Change {
        ingredient,
        old: None,
        new: Some(new),
    });
    changes.extend(added);
    changes.sort_by_key(|change| (is_origin(&change.ingredient), change.ingredient.clone()));
    changes
}

/// Every ingredient by name, one for each single value.
pub fn ingredients(all: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let Value::Object(map) = all else {
        return found;
    };
    for (name, value) in map {
        match (name.as_str(), value) {
            ("inputs", Value::Array(inputs)) => {
                inputs.iter().for_each(|one| input(one, &mut found))
            }
            ("format" | "tenant", _) => {}
            (_, value) => flatten(name.clone(), value, &mut found),
        }
    }
    found
}

/// What was only on the way to the rows, and does not matter if the rows are the same.
fn is_origin(ingredient: &str) -> bool {
    [": dataset ", ": through ", ": part"]
        .iter()
        .any(|origin| ingredient.contains(origin))
}

fn input(input: &Value, found: &mut Vec<(String, Value)>) {
    let name = input["name"].as_str().unwrap_or_default();
    for (key, value) in input.as_object().into_iter().flatten() {
        match key.as_str() {
            "name" => {}
            "from" => origin(name, value, found),
            "schema" => {
                for field in value.as_array().into_iter().flatten() {
                    let column = field["name"].as_str().unwrap_or_default();
                    found.push((format!("{name}: column {column}"), field.clone()));
                }
            }
            "rows" => found.push((format!("{name}: row count"), value.clone())),
            _ => flatten(format!("{name}: {key}"), value, found),
        }
    }
}

/// Where the rows came from: the dataset, the part, the maps.
fn origin(input: &str, from: &Value, found: &mut Vec<(String, Value)>) {
    let dataset = from["dataset"].as_str().unwrap_or_default();
    for (key, value) in from["view"].as_object().into_iter().flatten() {
        match key.as_str() {
            "version" | "schema" => {}
            _ => flatten(format!("{input}: dataset {dataset}, {key}"), value, found),
        }
    }
    for (joined, table) in from["joins"].as_object().into_iter().flatten() {
        flatten(format!("{input}: dataset {joined}, table"), table, found);
    }
    flatten(format!("{input}: part"), &from["part"], found);
    for (stage, map) in from["through"].as_object().into_iter().flatten() {
        for (key, value) in map.as_object().into_iter().flatten() {
            flatten(format!("{input}: through {stage}, {key}"), value, found);
        }
    }
}

/// The single values of a value, by path.
fn flatten(path: String, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                flatten(format!("{path}.{key}"), value, found);
            }
        }
        Value::Array(values)
            if values
                .iter()
                .any(|value| value.is_object() || value.is_array()) =>
        {
            for (index, value) in values.iter().enumerate() {
                flatten(format!("{path}[{index}]"), value, found);
            }
        }
        Value::Null => {}
        value => found.push((path, value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all() -> Value {
        json!({
            "format": 1,
            "component": "sha256:c",
            "params": { "steps": [{ "op": "scale", "columns": ["a", "b"] }], "depth": 3 },
            "seed": null,
            "inputs": [{
                "name": "rows",
                "schema": [{ "name": "a", "type": "float64" }],
                "table": "sha256:t",
                "rows": 10,
                "from": {
                    "dataset": "flights",
                    "part": "train",
                    "view": { "version": 1, "table": "sha256:f", "where": "x > 1", "joins": [] },
                    "through": { "plane": { "state": "sha256:s", "params": {} } },
                },
            }],
        })
    }

    #[test]
    fn what_changed_is_named_with_both_values() {
        let check = |edit: &dyn Fn(&mut Value), expected: &[(&str, Value, Value)]| {
            let mut new = all();
            edit(&mut new);
            let found = changes(&all(), &new);
            let found: Vec<_> = found
                .iter()
                .map(|change| {
                    let value = |value: &Option<Value>| value.clone().unwrap_or_default();
                    (
                        change.ingredient.as_str(),
                        value(&change.old),
                        value(&change.new),
                    )
                })
                .collect();
            assert_eq!(found, expected);
        };
        check(&|_| {}, &[]);
        check(
            &|all| all["params"]["depth"] = json!(4),
            &[("params.depth", json!(3), json!(4))],
        );
        check(
            &|all| all["params"]["steps"][0]["columns"] = json!(["a"]),
            &[("params.steps[0].columns", json!(["a", "b"]), json!(["a"]))],
        );
        check(
            &|all| all["seed"] = json!(7),
            &[("seed", json!(null), json!(7))],
        );
        check(
            &|all| {
                all["inputs"][0]["table"] = json!("sha256:u");
                all["inputs"][0]["from"]["through"]["plane"]["state"] = json!("sha256:r");
                all["inputs"][0]["from"]["view"]["where"] = json!("x > 2");
            },
            &[
                ("rows: table", json!("sha256:t"), json!("sha256:u")),
                (
                    "rows: dataset flights, where",
                    json!("x > 1"),
                    json!("x > 2"),
                ),
                (
                    "rows: through plane, state",
                    json!("sha256:s"),
                    json!("sha256:r"),
                ),
            ],
        );
        check(
            &|all| all["inputs"][0]["schema"][0]["type"] = json!("int32"),
            &[(
                "rows: column a",
                json!({ "name": "a", "type": "float64" }),
                json!({ "name": "a", "type": "int32" }),
            )],
        );
    }
}
