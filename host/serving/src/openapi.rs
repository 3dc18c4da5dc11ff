//! The OpenAPI document of a served package: its own columns, with their types.

use serde_json::{Map, Value, json};
use trueline_table::{DataType, Field, Schema};

use crate::Model;

/// The document of what this model answers.
pub(crate) fn document(model: &Model) -> Value {
    let names = model.names();
    let predict = operation(
        "Predict rows",
        content("application/json", reference("Request")),
        content("application/json", reference("Answer")),
    );
    let table = |rows: &str, others: Value| {
        let mut properties = json!({
            "records": { "type": "array", "items": reference(rows) },
            "columns": reference(&format!("{rows}Columns")),
        });
        if let (Some(properties), Some(others)) = (properties.as_object_mut(), others.as_object()) {
            properties.extend(others.clone());
        }
        json!({
            "type": "object",
            "properties": properties,
            "oneOf": [{ "required": ["records"] }, { "required": ["columns"] }],
        })
    };
    let any = json!({ "type": "object" });
    let infer = operation(
        "Open Inference Protocol, version 2",
        content("application/json", any.clone()),
        content("application/json", any),
    );
    let text = json!({ "type": "string" });
    let invoke = operation(
        "What SageMaker and MLflow send",
        json!({ "text/csv": { "schema": text }, "application/json": { "schema": {} }, "application/jsonlines": { "schema": text } }),
        json!({ "text/csv": { "schema": text }, "application/json": { "schema": {} }, "application/jsonlines": { "schema": text } }),
    );
    let infer_path = format!("/v2/models/{}/infer", names.name);
    let get = |summary: &str| json!({ "get": { "summary": summary, "responses": { "200": { "description": summary } } } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": names.name,
            "version": names.version,
            "description": format!("Answers of the package {}", model.digest()),
        },
        "paths": {
            "/v1/predict": { "post": predict },
            "/v1/package": get("What the package consists of"),
            "/health": get("The process lives"),
            "/ready": get("It takes requests"),
            "/metrics": get("Counters for Prometheus"),
            infer_path: { "post": infer },
            "/ping": get("It takes requests"),
            "/invocations": { "post": invoke },
        },
        "components": { "schemas": {
            "Request": table("Row", json!({})),
            "Row": record(model.request()),
            "RowColumns": columns(model.request()),
            "Answer": table("Prediction", json!({ "package": { "type": "string", "description": "the digest of the package that computed it" } })),
            "Prediction": record(model.output()),
            "PredictionColumns": columns(model.output()),
            "Problem": {
                "type": "object",
                "properties": { "error": {
                    "type": "object",
                    "properties": {
                        "code": { "type": "string" },
                        "message": { "type": "string" },
                        "column": { "type": "string" },
                    },
                    "required": ["code", "message"],
                } },
                "required": ["error"],
            },
        } },
    })
}

fn operation(summary: &str, request: Value, answer: Value) -> Value {
    let problem = |description: &str| json!({ "description": description, "content": content("application/json", reference("Problem")) });
    json!({
        "summary": summary,
        "requestBody": { "required": true, "content": request },
        "responses": {
            "200": { "description": "one answer for each row, in their order", "content": answer },
            "400": problem("the rows are not those that the package reads"),
            "413": problem("the body is too long"),
            "503": problem("there is more to do than can be done; see Retry-After"),
        },
    })
}

fn content(kind: &str, schema: Value) -> Value {
    json!({ kind: { "schema": schema } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A row as an object.
fn record(schema: &Schema) -> Value {
    object(schema, value)
}

/// Rows as an object of lists.
fn columns(schema: &Schema) -> Value {
    object(
        schema,
        |field| json!({ "type": "array", "items": value(field) }),
    )
}

fn object(schema: &Schema, property: impl Fn(&Field) -> Value) -> Value {
    let fields = schema.fields.iter();
    let properties: Map<String, Value> = fields
        .map(|field| (field.name.clone(), property(field)))
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": schema.names().collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

/// The type of a value; floats that are no numbers are texts.
fn value(field: &Field) -> Value {
    let number = |format: &str| json!({ "oneOf": [{ "type": "number", "format": format }, { "type": "string", "enum": ["NaN", "Infinity", "-Infinity"] }] });
    let vector = |format: &str, width: u32| json!({ "type": "array", "items": number(format), "minItems": width, "maxItems": width });
    let schema = match field.data_type {
        DataType::Boolean => json!({ "type": "boolean" }),
        DataType::Int32 => json!({ "type": "integer", "format": "int32" }),
        DataType::Int64 => json!({ "type": "integer", "format": "int64" }),
        DataType::Float32 => number("float"),
        DataType::Float64 => number("double"),
        DataType::Utf8 => json!({ "type": "string" }),
        DataType::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
        DataType::Timestamp => json!({ "type": "string", "format": "date-time" }),
        DataType::Date => json!({ "type": "string", "format": "date" }),
        DataType::Float32List(width) => vector("float", width),
        DataType::Float64List(width) => vector("double", width),
    };
    if field.nullable {
        json!({ "oneOf": [schema, { "type": "null" }] })
    } else {
        schema
    }
}
