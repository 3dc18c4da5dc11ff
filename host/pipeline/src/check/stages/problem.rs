//! What a stage said that it cannot work with, as a problem of the file.

use trueline_dataset::suggest::did_you_mean;
use trueline_runtime::{Error, GuestErrorKind};

use crate::declaration::DeclaredStage;
use crate::keys::suggestion;
use crate::source::{Problem, Span};
use crate::values::locate;

/// What a stage said about its parameters and columns, shown at the parameter that it names.
pub(super) fn describe_problem(declared: &DeclaredStage<'_>, error: &Error, rows: Span) -> Problem {
    let message = error.to_string();
    let places = [&declared.map, &declared.space, &declared.params];
    let named = places.into_iter().flatten().find_map(|place| {
        let span = locate(place, "", &message);
        (span != place.span()).then_some(span)
    });
    let otherwise = match error {
        Error::Guest {
            kind: GuestErrorKind::Params,
            ..
        } => declared.params_span(),
        _ => rows,
    };
    Problem {
        span: named.unwrap_or(otherwise),
        hint: suggestion(&message).or_else(|| nearest_column(&message)),
        message: format!("stage `{}`: {message}", declared.section()),
    }
}

/// What a stage may have meant that lists the columns instead of one that it lacks.
fn nearest_column(message: &str) -> Option<String> {
    let (before, columns) = message.split_once("; the columns are ")?;
    let name = before.rsplit('`').nth(1)?;
    did_you_mean(name, columns.split(", "))
}
