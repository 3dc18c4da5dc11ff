//! Cache keys: everything that a stage's result may depend on, and nothing else.
//!
//! ```text
//! recipe   view of a dataset, part, the maps the rows go through, columns read   for each input
//! rows     the table digest of what the stage reads of an input                  a recipe gives one
//! shape    tenant, component, world, profile, parameters, seed, passes, schemas of the inputs, grants, and when
//!          a trial is to stop
//! key      shape and rows
//! ```
//!
//! So a stage that reads the same rows is not run again, whatever has changed upstream: another file format,
//! a value in a column or a part that it does not read, a map that learned the same. Rows are named without
//! reading them if their recipe is known; a recipe holds digests of all that decides about the rows, and
//! equal recipes give equal rows by law 1.
//!
//! Limits, threads and batch sizes are in no key: they decide whether there is a result, never which.

use serde_json::{Value, json};
use trueline_dataset::TablePin;
use trueline_runtime::{Link, PROFILE};
use trueline_store::RecipeRows;
use trueline_table::Digest;

use crate::Result;
use crate::data::Data;
use crate::pipe::FittedStages;
use crate::reduce::{Bindings, Job};

/// Changes whenever the meaning of a key does, so that no key of before is ever met again.
const FORMAT: u32 = 1;

/// What a stage is computed from, all but its rows.
pub(crate) struct Ingredients {
    shape: Value,
    inputs: Vec<InputRecipe>,
}

/// Where the rows of an input come from.
struct InputRecipe {
    name: String,
    digest: Digest,
    /// The recipe with names, for people.
    shown: Value,
}

impl Ingredients {
    /// The ingredients of a stage whose upstream stages are fitted. `bindings` are none if it learns nothing.
    pub(crate) fn new(job: &Job<'_>, bindings: Option<&Bindings>) -> Result<Self> {
        let work = job.work;
        let mut inputs = Vec::new();
        let mut schemas = Vec::new();
        for (index, input) in work.inputs.iter().enumerate() {
            let Some(bound) = bindings.and_then(|bindings| {
                Some((bindings.inputs.get(index)?, bindings.links.get(index)?))
            }) else {
                continue;
            };
            let (reads, links) = bound;
            schemas.push(json!({ "name": reads.name, "schema": reads.schema }));
            inputs.push(InputRecipe::new(
                job.data,
                job.fitted,
                input,
                links,
                &reads.schema,
            ));
        }
        let mut shape = json!({
            "format": FORMAT,
            "tenant": "default",
            "component": work.stage.digest(),
            "world": work.stage.world(),
            "profile": PROFILE,
            "params": work.params,
            // A stage sees no seed but one among its parameters.
            "seed": null,
            "passes": bindings.map(|bindings| bindings.signature.passes),
            "inputs": schemas,
            // Pure stages have none.
            "grants": [],
        });
        if !work.state.is_empty() {
            shape["state"] = json!(Digest::of(&work.state));
        }
        if let Some(stops) = &work.stops {
            shape["stops"] = json!(stops);
        }
        Ok(Self { shape, inputs })
    }

    /// The recipes of the inputs, in order.
    pub(crate) fn recipes(&self) -> impl Iterator<Item = Digest> {
        self.inputs.iter().map(|input| input.digest)
    }

    /// The key without the rows.
    pub(crate) fn shape(&self) -> Digest {
        digest(&self.shape)
    }

    /// The shape and the recipes: who has the same will have the same key.
    pub(crate) fn flight(&self) -> Digest {
        let recipes: Vec<Digest> = self.recipes().collect();
        digest(&json!({ "shape": self.shape(), "recipes": recipes }))
    }

    /// The key of a stage that reads these rows.
    pub(crate) fn key(&self, rows: &[TablePin]) -> Digest {
        let tables: Vec<Digest> = rows.iter().map(|rows| rows.digest).collect();
        digest(&json!({ "shape": self.shape(), "tables": tables }))
    }

    /// Which rows each recipe gave.
    pub(crate) fn recipe_rows(&self, rows: &[TablePin]) -> Vec<RecipeRows> {
        let pairs = self.recipes().zip(rows);
        pairs
            .map(|(recipe, rows)| RecipeRows {
                recipe,
                table: rows.digest,
                rows: rows.rows,
            })
            .collect()
    }

    /// All of it for people, with the rows if they are known.
    pub(crate) fn shown(&self, rows: Option<&[TablePin]>) -> Value {
        let mut shown = self.shape.clone();
        for (index, input) in self.inputs.iter().enumerate() {
            let Some(entry) = shown.pointer_mut(&format!("/inputs/{index}")) else {
                continue;
            };
            debug_assert_eq!(entry["name"], input.name);
            if let Some(rows) = rows.and_then(|rows| rows.get(index)) {
                entry["table"] = json!(rows.digest);
                entry["rows"] = json!(rows.rows);
            }
            entry["from"] = input.shown.clone();
        }
        shown
    }
}

impl InputRecipe {
    fn new(
        data: &Data,
        fitted: &FittedStages,
        input: &trueline_pipeline::PlannedInput,
        links: &[Link],
        reads: &trueline_table::Schema,
    ) -> Self {
        let pipe = &input.pipe;
        let pin = data.pin_of(&pipe.dataset);
        let recipe = json!({
            "format": FORMAT,
            "profile": PROFILE,
            "view": pin.map(|pin| pin.view),
            "part": pipe.part,
            "through": links,
            "reads": reads,
        });
        let through = pipe.through.iter().zip(links).map(|(stage, link)| {
            let plugin = fitted.get(stage).map(|fitted| &fitted.work.plugin);
            let map = json!({
                "use": plugin,
                "component": link.component,
                "params": link.params,
                "state": link.state,
            });
            (stage.clone(), map)
        });
        let shown = json!({
            "dataset": pipe.dataset,
            "joins": data.joined(&pipe.dataset),
            "view": pin.map(|pin| &pin.declared),
            "part": pipe.part,
            "through": through.collect::<serde_json::Map<_, _>>(),
        });
        Self {
            name: input.name.clone(),
            digest: digest(&recipe),
            shown,
        }
    }
}

/// The digest of canonical JSON: keys sorted, no spaces.
fn digest(value: &Value) -> Digest {
    let mut text = String::new();
    write_canonical(value, &mut text);
    Digest::of(text.as_bytes())
}

/// Whether a map of JSON keeps its keys sorted is up to a feature that any crate of the build may switch.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                *text += &Value::from(key.as_str()).to_string();
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(value, text);
            }
            text.push(']');
        }
        _ => *text += &value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_text() {
        let check = |json: &str, expected: &str| {
            let mut text = String::new();
            write_canonical(&serde_json::from_str(json).unwrap(), &mut text);
            assert_eq!(text, expected);
        };
        check(
            r#"{ "b": [1, 2.50, null], "a": {"z": true, "y": "\u00e9\n"} }"#,
            r#"{"a":{"y":"é\n","z":true},"b":[1,2.5,null]}"#,
        );
        check("-0.0", "-0.0");
        check(r#"{"1": 1, "1.0": 1.0}"#, r#"{"1":1,"1.0":1.0}"#);
    }

    #[test]
    fn a_key_needs_all_its_rows_in_their_order() {
        let ingredients = Ingredients {
            shape: json!({}),
            inputs: Vec::new(),
        };
        let rows = |text: &[u8]| TablePin {
            digest: Digest::of(text),
            rows: 1,
        };
        let key = |rows: &[TablePin]| ingredients.key(rows);
        let (a, b) = (rows(b"a"), rows(b"b"));
        let keys = [key(&[]), key(&[a]), key(&[b]), key(&[a, b]), key(&[b, a])];
        for (index, one) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(one), "{index}");
        }
    }
}
