//! How errors are told: what went wrong, why, and what to do.

use std::fmt::{self, Write as _};

use serde_json::json;
use trueline_pipeline::Diagnostics;

use crate::context::Context;
use crate::exit::Exit;
use crate::style::Style;

/// A problem that the command line itself found.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Problem {
    message: String,
    hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            hint: None,
        }
    }

    pub(crate) fn hint(self, hint: impl fmt::Display) -> Self {
        Self {
            hint: Some(hint.to_string()),
            ..self
        }
    }
}

/// Tells an error, and how the command ends with it.
pub(crate) fn print(error: &anyhow::Error, context: &Context) -> Exit {
    let style = context.error_style;
    match error.downcast_ref::<Diagnostics>() {
        Some(diagnostics) => {
            if context.json {
                // What standard error says is enough if this cannot be written.
                let _ = context.answer(&json!({ "errors": diagnostics }), String::new);
            }
            context.tell(&colour_diagnostics(&diagnostics.to_string(), style));
            let count = diagnostics.0.len();
            let problems = if count == 1 {
                "1 problem".to_owned()
            } else {
                format!("{count} problems")
            };
            context.tell(&format!("\n{problems}; nothing has run"));
            Exit::WrongPipeline
        }
        None => {
            context.tell(&render(error, style));
            match error.downcast_ref::<trueline_store::Error>() {
                // An alias that its package's gate holds back, as a run that its gate refuses.
                Some(trueline_store::Error::Refused { .. }) => Exit::Refused,
                _ => Exit::Failed,
            }
        }
    }
}

/// The message, its causes and the hint. A cause that the message quotes already is left out.
fn render(error: &anyhow::Error, style: Style) -> String {
    let mut said = error.to_string();
    let mut text = format!("{} {said}", style.bad("error:"));
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            let _ = write!(text, "\n  {} {cause}", style.dim("because:"));
            said = cause;
        }
    }
    if let Some(hint) = error.chain().find_map(hint) {
        let _ = write!(text, "\n{} {hint}", style.accent("hint:"));
    }
    text
}

/// What an error of ours says to do.
fn hint<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return problem.hint.as_deref();
    }
    if let Some(error) = error.downcast_ref::<trueline_engine::Error>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<trueline_store::Error>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<trueline_features::Error>() {
        return error.hint();
    }
    error
        .downcast_ref::<trueline_dataset::Error>()
        .and_then(trueline_dataset::Error::hint)
}

/// Colours what a diagnostic's plain text marks already: the labels, the place and the carets.
fn colour_diagnostics(text: &str, style: Style) -> String {
    let lines = text.lines().map(|line| {
        if let Some(rest) = line.strip_prefix("error:") {
            return format!("{}{}", style.bad("error:"), style.bold(rest));
        }
        if let Some(rest) = line.strip_prefix("hint:") {
            return format!("{}{rest}", style.accent("hint:"));
        }
        if line.starts_with(" --> ") {
            return style.dim(line);
        }
        match line.split_once(" | ") {
            Some((gutter, marks)) if gutter.trim().is_empty() => {
                format!("{}{}", style.dim(&format!("{gutter} | ")), style.bad(marks))
            }
            Some((gutter, source)) if gutter.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{}{source}", style.dim(&format!("{gutter} | ")))
            }
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_why_and_what_to_do() {
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let error = trueline_store::Error::ReadOnly {
            path: "home".into(),
            source: denied.into(),
        };
        let expected = "\
error: cannot write to home
  because: permission denied
hint: make it writable, or set TRUELINE_HOME to a directory that is";
        assert_eq!(render(&error.into(), Style::PLAIN), expected);

        let error = trueline_store::Error::Busy {
            path: "home".into(),
        };
        let error = trueline_engine::Error::Stage {
            stage: "model".into(),
            source: Box::new(error.into()),
        };
        let expected = "\
error: stage `model`: the database home is held by another process
hint: wait for the other process to end, then try again";
        assert_eq!(render(&error.into(), Style::PLAIN), expected);
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let text =
            "error: no\n --> p.toml:14:8\n   |\n14 | fit = \"a | b\"\n   |       ^^^^^\nhint: yes";
        assert_eq!(colour_diagnostics(text, Style::PLAIN), text);
        let coloured = colour_diagnostics(
            text,
            Style {
                colour: true,
                unicode: true,
            },
        );
        assert!(coloured.contains("fit = \"a | b\"\n"), "{coloured}");
        assert!(
            coloured.contains("\u{1b}[1;31m      ^^^^^\u{1b}[0m"),
            "{coloured}"
        );
    }
}
