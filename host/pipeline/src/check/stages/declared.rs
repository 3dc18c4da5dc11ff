//! What the file says of a stage: its parameters, its state, the rows that its kind needs.

use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;
use trueline_runtime::World;
use trueline_study::Point;

use crate::declaration::{DeclaredStage, StageKeys};
use crate::source::{Problem, Source};
use crate::values::to_json;

pub(super) fn params(declared: &DeclaredStage<'_>) -> Result<serde_json::Value, Problem> {
    let mut params = match &declared.params {
        None => serde_json::json!({}),
        Some(params) if matches!(params.get_ref(), DeValue::Table(_)) => to_json(params)?,
        Some(params) => {
            let message = format!("`params` of stage `{}` is no table", declared.section());
            return Err(Problem::new(params.span(), message)
                .hint("write params = { … }, or params.name = … for each"));
        }
    };
    set_point(&mut params, &declared.point);
    Ok(params)
}

pub(super) fn set_point(params: &mut serde_json::Value, point: &Point) {
    if let Some(params) = params.as_object_mut() {
        params.extend(point.clone());
    }
}

/// The content of the file that stands in for learning; empty if none does.
pub(super) fn given_state(
    declared: &DeclaredStage<'_>,
    keys: &StageKeys,
    source: &Source,
) -> Result<Arc<[u8]>, Problem> {
    let Some(file) = &keys.state else {
        return Ok(Arc::default());
    };
    let name = declared.section();
    if keys.fit.is_some() || keys.look_at.is_some() {
        return Err(Problem::new(
            file.span(),
            format!("stage `{name}` has rows to reduce and a `state` as well"),
        )
        .hint("leave out one: `state` stands in for what is learned from rows"));
    }
    let path = source.folder().join(file.get_ref());
    let problem = |what: String| {
        Problem::new(
            file.span(),
            format!("stage `{name}`: the state {} {what}", path.display()),
        )
        .hint("name a file with what the stage learned, relative to this one, such as a model")
    };
    match std::fs::read(&path) {
        Ok(bytes) if bytes.is_empty() => Err(problem("is empty".to_owned())),
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(problem(format!("cannot be read: {error}"))),
    }
}

/// Whether a stage names the rows that its kind needs.
pub(super) fn check_world(
    world: World,
    declared: &DeclaredStage<'_>,
    keys: &StageKeys,
) -> Result<(), Problem> {
    let name = declared.section();
    let at = |key: &Option<Spanned<String>>| {
        key.as_ref()
            .map_or_else(|| declared.name.span.clone(), Spanned::span)
    };
    match (world, &keys.fit, &keys.look_at) {
        (World::Check, Some(_), _) => Err(Problem::new(at(&keys.fit), format!("stage `{name}` only looks at rows, and learns nothing"))
            .hint("write `in` instead of `fit`")),
        (World::Check, None, None) if keys.state.is_some() => Err(Problem::new(at(&keys.state), format!("stage `{name}` maps no rows, and has no use for a state"))
            .hint("write `in` instead of `state`")),
        (World::Check, None, None) => Err(Problem::new(at(&keys.plugin), format!("stage `{name}` has no rows to look at"))
            .hint("name them, such as in = \"flights\"")),
        (World::Model, None, None) if keys.state.is_none() => Err(Problem::new(at(&keys.plugin), format!("stage `{name}` has no rows to learn from"))
            .hint("name them, such as fit = \"flights.train\"; or name a file with a model, such as state = \"model.ubj\"")),
        (World::Transform | World::Model, _, Some(_)) => Err(Problem::new(at(&keys.look_at), format!("stage `{name}` maps rows, and is no check"))
            .hint("to learn from these rows, write `fit` instead of `in`; to map them, name the stage in a pipe")),
        _ => Ok(()),
    }
}
