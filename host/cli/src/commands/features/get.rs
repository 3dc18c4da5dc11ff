//! `trueline features get KEY=VALUE…`

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use clap::Args;
use serde_json::{Value, json};
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_features::Answer;
use trueline_table::{Schema, with_utc_offsets};

use super::{selection, store};
use crate::commands::cache::now_us;
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::views;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The entity: each of its join keys with its value, as in `user_id=user_123`, and what computed views
    /// read of a request
    #[arg(value_name = "KEY=VALUE", required = true)]
    entity: Vec<String>,
    /// The feature service, `name@version` for an old version of it
    #[arg(
        long,
        required_unless_present = "features",
        conflicts_with = "features"
    )]
    service: Option<String>,
    /// Features, as `view:feature` or `view`
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
}

pub(super) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let store = store(context)?;
    let selection = selection(arguments.service.as_ref(), &arguments.features);
    let keys = store.request_columns(&selection)?;
    let entity = entity(&arguments.entity, &keys)?;
    let answer = store.get_features(&selection, &entity, now_us())?;
    let data = data(&answer)?;
    context.answer(&data, || views::features::answer(&data, context.style))?;
    Ok(Exit::Done)
}

/// One row with the join keys, read as their types.
fn entity(pairs: &[String], keys: &Schema) -> anyhow::Result<RecordBatch> {
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=') else {
            let problem = Problem::new(format!("`{pair}` is not a column with its value"));
            return Err(problem.hint("write it as key=value").into());
        };
        if keys.field(key).is_none() {
            let hint = did_you_mean(key, keys.names())
                .unwrap_or_else(|| format!("these are needed: {}", list_some(keys.names())));
            return Err(
                Problem::new(format!("`{key}` is no join key, and no view reads it"))
                    .hint(hint)
                    .into(),
            );
        }
        values.insert(key, value);
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let mut columns = Vec::new();
    for field in &keys.fields {
        let Some(value) = values.get(field.name.as_str()) else {
            let problem = Problem::new(format!("`{}` is missing", field.name));
            return Err(problem.hint(format!("add {}=VALUE", field.name)).into());
        };
        let text = StringArray::from(vec![*value]);
        let read = cast_with_options(&text, &field.data_type.to_arrow(), &options);
        let not_one = |_| {
            let kind = field.data_type;
            Problem::new(format!("`{value}` is no {kind}, which `{}` is", field.name))
        };
        columns.push(read.map_err(not_one)?);
    }
    Ok(RecordBatch::try_new(keys.to_arrow(), columns)?)
}

/// The answer for the first entity.
fn data(answer: &Answer) -> anyhow::Result<Value> {
    let mut buffer = Vec::new();
    let mut writer = arrow::json::writer::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::LineDelimited>(&mut buffer);
    writer.write(&with_utc_offsets(&answer.rows)?)?;
    writer.finish()?;
    drop(writer);
    let values: Value = serde_json::from_slice(&buffer)?;
    let features = answer.features.iter().enumerate().map(|(column, feature)| {
        let view = &answer.views[feature.view];
        json!({
            "feature": feature.name,
            "view": view.name,
            "version": view.version,
            "value": values.get(&feature.full_name),
            "status": answer.status(column, 0),
            "event_time": answer.event_us(column, 0).map(|event_us| {
                jiff::Timestamp::from_microsecond(event_us)
                    .map_or_else(|_| event_us.to_string(), |time| time.to_string())
            }),
        })
    });
    Ok(Value::Array(features.collect()))
}
