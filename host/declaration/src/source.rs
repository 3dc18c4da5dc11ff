//! The text of a file, and the report of what is wrong with it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;
use trueline_dataset::ExpressionError;

use crate::{Diagnostic, Diagnostics, Place};

/// A range of bytes of the text.
pub type Span = Range<usize>;

/// A file as it was read.
#[derive(Debug)]
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

/// Something that is wrong at a place.
#[derive(Debug, PartialEq)]
pub struct Problem {
    pub span: Span,
    pub message: String,
    pub hint: Option<String>,
}

/// Collects problems, so that all of a file's are told at once.
#[derive(Debug)]
pub struct Report<'s> {
    pub source: &'s Source,
    problems: Vec<Problem>,
}

impl Source {
    /// Reads a file; `kind` says what it is, as in `pipeline file`.
    ///
    /// # Errors
    /// If it cannot be read, or is not UTF-8.
    pub fn read(path: &Path, kind: &str) -> Result<Self, Diagnostics> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self {
                path: path.to_owned(),
                text,
            }),
            Err(error) => Err(Diagnostics(vec![Diagnostic {
                message: format!("the {kind} cannot be read: {error}"),
                file: path.to_owned(),
                place: None,
                hint: None,
            }])),
        }
    }

    /// What the text declares. None if it is not TOML, which is reported: what else is wrong could not be told
    /// apart from that.
    pub fn document<'t>(&'t self, report: &mut Report<'_>) -> Option<DeTable<'t>> {
        /// Of a file that is something else altogether, no more is told.
        const TOLD: usize = 10;
        let (document, errors) = DeTable::parse_recoverable(&self.text);
        for error in errors.iter().take(TOLD) {
            let end = self.text.len();
            report.add(Problem::new(
                error.span().unwrap_or(end..end),
                format!("not TOML: {}", error.message()),
            ));
        }
        errors.is_empty().then(|| document.into_inner())
    }

    /// The folder that the paths in the file are relative to.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The line of a span, and what of the span is on it.
    pub fn place(&self, span: &Span) -> Place {
        let before = &self.text[..span.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let source_line = self.text[line_start..].lines().next().unwrap_or_default();
        let line_end = line_start + source_line.len();
        let marked = self
            .text
            .get(span.start..span.end.min(line_end))
            .unwrap_or_default();
        Place {
            line: before.matches('\n').count() + 1,
            column: self.text[line_start..span.start].chars().count() + 1,
            length: marked.trim_end().chars().count().max(1),
            source_line: source_line.to_owned(),
        }
    }

    /// Where a part of a string's value stands. A string with escapes is marked as a whole.
    pub fn part(&self, value: &Spanned<String>, part: Range<usize>) -> Span {
        let span = value.span();
        match self.text[span.clone()].find(value.get_ref()) {
            Some(offset) => span.start + offset + part.start..span.start + offset + part.end,
            None => span,
        }
    }
}

impl Problem {
    /// A problem without a hint.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            hint: None,
        }
    }

    /// An error in an expression, shown at the word that it is about. `owner` says whose it is.
    pub fn in_expression(
        source: &Source,
        text: &Spanned<String>,
        owner: &str,
        error: ExpressionError,
    ) -> Self {
        let value = text.get_ref();
        let position = value.char_indices().nth(error.position);
        let start = position.map_or(value.len(), |(start, _)| start);
        let is_word = |character: char| character.is_alphanumeric() || "_.".contains(character);
        let rest = &value[start..];
        let length = match rest.find(|character| !is_word(character)) {
            Some(0) => rest.chars().next().map_or(0, char::len_utf8),
            Some(length) => length,
            None => rest.len(),
        };
        let span = source.part(text, start..start + length);
        Self {
            span,
            message: format!("{owner}: {}", error.problem),
            hint: error.hint,
        }
    }

    /// The same problem with what to do about it.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl<'s> Report<'s> {
    /// A report without problems.
    pub fn new(source: &'s Source) -> Self {
        Self {
            source,
            problems: Vec::new(),
        }
    }

    /// Adds a problem, unless it is known.
    pub fn add(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The value, or nothing with its problem reported.
    pub fn ok<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems in the order of the lines.
    pub fn into_diagnostics(mut self) -> Diagnostics {
        self.problems.sort_by_key(|problem| problem.span.start);
        let diagnostic = |Problem {
                              span,
                              message,
                              hint,
                          }| Diagnostic {
            message,
            file: self.source.path.clone(),
            place: Some(self.source.place(&span)),
            hint,
        };
        Diagnostics(self.problems.into_iter().map(diagnostic).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source {
            path: "x.toml".into(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn places_count_characters_from_1() {
        let check = |text: &str, span: Span, expected: (usize, usize, usize, &str)| {
            let Place {
                line,
                column,
                length,
                source_line,
            } = source(text).place(&span);
            assert_eq!(
                (line, column, length, source_line.as_str()),
                expected,
                "{text:?} {span:?}"
            );
        };
        check("", 0..0, (1, 1, 1, ""));
        check("ä = 1\r\nb = 2\n", 0..2, (1, 1, 1, "ä = 1"));
        check("ä = 1\r\nb = 2\n", 5..6, (1, 5, 1, "ä = 1"));
        check("a\nb = 'x'", 6..9, (2, 5, 3, "b = 'x'"));
        check("a = [ \n 1,\n]", 4..12, (1, 5, 1, "a = [ "));
        check("a\n", 2..2, (2, 1, 1, ""));
    }

    #[test]
    fn parts_of_strings_are_found_unless_escaped() {
        let check = |text: &str, expected: &str| {
            let table: std::collections::BTreeMap<String, Spanned<String>> =
                toml::from_str(text).unwrap();
            let part = source(text).part(&table["a"], 2..3);
            assert_eq!(&text[part], expected, "{text}");
        };
        check("a = 'x|y'", "y");
        check("a = \"x|y\"", "y");
        check("a = '''\nx|y'''", "y");
        check("a = \"x|\\u0079\"", "\"x|\\u0079\"");
    }
}
