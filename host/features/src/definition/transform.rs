//! What computes the features of a view: a component by name or path, or the chain of a package that a gate
//! accepted. Either is a manifest with the components' and states' digests: what they will answer is part of
//! what the view means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use toml::Spanned;
use toml::de::DeValue;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_declaration::source::{Problem, Span};
use trueline_declaration::values::{Value, locate, to_json};
use trueline_runtime::{Backend, Bound, Limits, Link, Manifest, Plugins, Runtime, World};
use trueline_table::{Digest, Schema};

/// Where components and packages come from, and the sandbox that asks them what they do.
pub struct Tools<'a> {
    pub plugins: &'a dyn Plugins,
    /// Only asked if a view is computed.
    pub runtime: &'a dyn Fn() -> trueline_runtime::Result<Runtime>,
}

/// Components by path, and nothing else.
pub(super) struct Paths;

impl Plugins for Paths {
    fn find(&self, _name: &str) -> Option<std::borrow::Cow<'static, [u8]>> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A runtime that keeps nothing.
pub(super) fn fresh_runtime() -> trueline_runtime::Result<Runtime> {
    Runtime::new(Backend::default(), None)
}

/// The bytes of components and states that definitions name by digest. They are no part of what the
/// definitions mean: whoever has the same digests has the same bytes.
#[derive(Clone, Default)]
pub(crate) struct Parts(pub(crate) BTreeMap<Digest, Arc<[u8]>>);

impl PartialEq for Parts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The keys of a view that say what computes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransformKeys<'k> {
    pub(super) plugin: Option<&'k Spanned<String>>,
    pub(super) package: Option<&'k Spanned<String>>,
}

/// Finds what computes a view and asks it what it will answer for rows with these columns; adds its bytes to
/// `parts`.
///
/// # Errors
/// If there is no such component or package, or it does not fit the columns.
pub(super) fn check(
    view: &str,
    keys: TransformKeys<'_>,
    section: &Value<'_>,
    rows: &Schema,
    (tools, folder): (&Tools<'_>, &Path),
    parts: &mut Parts,
) -> Result<Manifest, Problem> {
    match (keys.plugin, keys.package) {
        (Some(plugin), None) => of_plugin(view, plugin, section, rows, (tools, folder), parts),
        (None, Some(reference)) => {
            if let Some(params) = section.get_ref().get("params") {
                let message = format!("view `{view}`: a package has its own parameters");
                return Err(Problem::new(params.span(), message).hint("take `params` out"));
            }
            of_package(view, reference, rows, tools, parts)
        }
        (Some(_), Some(package)) => {
            let message = format!("view `{view}` is computed by `use` and by `package`");
            Err(Problem::new(package.span(), message).hint("take one of them out"))
        }
        (None, None) => {
            let message = format!("view `{view}` does not say what computes it");
            let hint = "name a component with `use`, such as use = \"tabular\", or an accepted package with `package`";
            Err(Problem::new(section.span(), message).hint(hint))
        }
    }
}

fn of_plugin(
    view: &str,
    plugin: &Spanned<String>,
    section: &Value<'_>,
    rows: &Schema,
    (tools, folder): (&Tools<'_>, &Path),
    parts: &mut Parts,
) -> Result<Manifest, Problem> {
    let name = plugin.get_ref();
    let wrong =
        |span: Span, message: String| Problem::new(span, format!("view `{view}`: {message}"));
    let component = component(view, plugin, (tools, folder))?;
    let params = match section.get_ref().get("params") {
        None => json!({}),
        Some(params) if matches!(params.get_ref(), DeValue::Table(_)) => to_json(params)?,
        Some(params) => {
            let problem = wrong(params.span(), "`params` is no table".to_owned());
            return Err(problem.hint("write params = { … }, or params.name = … for each"));
        }
    };
    let unusable = |error: trueline_runtime::Error| {
        wrong(plugin.span(), format!("`{name}` cannot be used: {error}"))
    };
    let runtime = (tools.runtime)().map_err(unusable)?;
    let stage = runtime.admit(&component).map_err(unusable)?;
    if stage.world() == World::Check {
        let problem = wrong(plugin.span(), format!("`{name}` only looks at rows"));
        return Err(problem.hint("features are what a transform answers"));
    }
    let said = |error: trueline_runtime::Error| {
        let message = error.to_string();
        let span = match section.get_ref().get("params") {
            Some(params) => locate(params, "", &message),
            None => plugin.span(),
        };
        wrong(span, message)
    };
    let text = params.to_string();
    let signature = stage.describe(&text, &[], Some(rows)).map_err(said)?;
    if signature.reduction.is_some() {
        let problem = wrong(
            plugin.span(),
            format!("`{name}` has to learn from rows before it maps any, with these parameters"),
        );
        let hint = "fit it in a pipeline, and name the package that its gate accepted: package = \"name@champion\"";
        return Err(problem.hint(hint));
    }
    let Some(mapping) = signature.mapping else {
        return Err(wrong(plugin.span(), format!("`{name}` does not map rows")));
    };
    let bound = Bound::new(&mapping, rows).map_err(said)?;
    let mapper = stage
        .map(&text, &bound, &[], &Limits::default())
        .map_err(said)?;
    let state = Digest::of(&[]);
    let link = Link::new(stage.digest(), &text, &bound, mapper.writes(), state);
    parts.0.insert(stage.digest(), component);
    parts.0.insert(state, Arc::default());
    Ok(Manifest::new(vec![link.map_err(said)?]))
}

/// The bytes that a name or a path after `use` stands for.
fn component(
    view: &str,
    plugin: &Spanned<String>,
    (tools, folder): (&Tools<'_>, &Path),
) -> Result<Arc<[u8]>, Problem> {
    let name = plugin.get_ref();
    if name.contains(['/', '\\']) || name.ends_with(".wasm") {
        let path: PathBuf = folder.join(name);
        let bytes = tools.plugins.at_path(name, &path).map_err(|error| {
            let message = format!("view `{view}`: `{name}` cannot be read: {error}");
            let hint = "the path is relative to this file; `trueline plugin build FOLDER` makes a component";
            Problem::new(plugin.span(), message).hint(hint)
        })?;
        return Ok(bytes.into());
    }
    match tools.plugins.find(name) {
        Some(bytes) => Ok(bytes.into()),
        None => {
            let names = tools.plugins.names();
            let names = || names.iter().map(String::as_str);
            let hint = did_you_mean(name, names()).unwrap_or_else(|| {
                format!(
                    "the plugins are {}; one of your own is used by its path, as \"./{name}.wasm\"",
                    list_some(names())
                )
            });
            let message = format!("view `{view}`: there is no plugin `{name}`");
            Err(Problem::new(plugin.span(), message).hint(hint))
        }
    }
}

fn of_package(
    view: &str,
    reference: &Spanned<String>,
    rows: &Schema,
    tools: &Tools<'_>,
    parts: &mut Parts,
) -> Result<Manifest, Problem> {
    let wrong =
        |message: String| Problem::new(reference.span(), format!("view `{view}`: {message}"));
    let package = tools.plugins.package(reference.get_ref()).map_err(wrong)?;
    let manifest = package.manifest();
    for field in &manifest.input.fields {
        let name = &field.name;
        let problem = match rows.field(name) {
            Some(found) if found.data_type == field.data_type => continue,
            Some(found) => format!(
                "`{name}` as {}, which is {}",
                field.data_type, found.data_type
            ),
            None => format!("`{name}`, which it does not get"),
        };
        let hint = match did_you_mean(name, rows.names()) {
            Some(hint) if rows.field(name).is_none() => hint,
            _ => format!("it gets {}", list_some(rows.names())),
        };
        let reference = reference.get_ref();
        return Err(wrong(format!("the package `{reference}` reads {problem}")).hint(hint));
    }
    for digest in manifest.parts() {
        let part = package
            .part(digest)
            .map_err(|error| wrong(error.to_string()))?;
        parts.0.insert(digest, part.into());
    }
    Ok(manifest.clone())
}
