//! What rows of a source must be like: the parameters of the stage `expect`, asked of the component before
//! any row comes.

use toml::de::DeValue;
use trueline_declaration::source::Problem;
use trueline_declaration::values::{Value, locate, to_json};
use trueline_runtime::Input;
use trueline_table::Schema;

use super::Expected;
use super::transform::{Parts, Tools};

/// The stage that looks.
const STAGE: &str = "expect";

/// Reads `expect` of a source with these columns; adds the component to `parts`. None if it has none.
///
/// # Errors
/// If the stage says that the parameters do not fit the columns.
pub(super) fn check(
    source: &str,
    section: &Value<'_>,
    columns: &Schema,
    tools: &Tools<'_>,
    parts: &mut Parts,
) -> Result<Option<Expected>, Problem> {
    let Some(params) = section.get_ref().get(STAGE) else {
        return Ok(None);
    };
    let wrong =
        |message: String| Problem::new(params.span(), format!("source `{source}`: {message}"));
    if !matches!(params.get_ref(), DeValue::Table(_)) {
        let problem = wrong("`expect` is no table".to_owned());
        return Err(problem.hint(format!(
            "write [source.{source}.expect] and the parameters of the stage `expect` below it"
        )));
    }
    let Some(component) = tools.plugins.find(STAGE) else {
        return Err(wrong("this program has no stage `expect`".to_owned()));
    };
    let unusable =
        |error: trueline_runtime::Error| wrong(format!("`expect` cannot be used: {error}"));
    let stage = (tools.runtime)().map_err(unusable)?;
    let stage = stage.admit(&component).map_err(unusable)?;
    let text = to_json(params).map(|params| params.to_string())?;
    let said = |error: trueline_runtime::Error| {
        let message = error.to_string();
        let span = locate(params, "", &message);
        Problem::new(span, format!("source `{source}`: {message}"))
    };
    let inputs = [Input::rows(columns.clone())];
    let signature = stage.describe(&text, &inputs, None).map_err(said)?;
    if signature.reduction.is_none() {
        return Err(wrong("`expect` expects nothing".to_owned())
            .hint("say what of which column: columns.price = { min = 0 }"));
    }
    parts.0.insert(stage.digest(), component.into());
    Ok(Some(Expected {
        component: stage.digest(),
        params: text,
    }))
}
