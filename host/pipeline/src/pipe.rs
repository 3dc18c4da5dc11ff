//! Pipes as they are written: `flights.train | plane | features`.

use toml::Spanned;
use trueline_dataset::Part;

use crate::source::{Problem, Source, Span};

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// A dataset, perhaps one part of it, and the stages that its rows go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PipeText {
    pub(crate) dataset: Word,
    pub(crate) part: Option<(Part, Span)>,
    pub(crate) through: Vec<Word>,
}

/// The words between the bars of a text.
///
/// # Errors
/// If there is nothing between two of them.
pub(crate) fn words(source: &Source, value: &Spanned<String>) -> Result<Vec<Word>, Problem> {
    let mut words = Vec::new();
    let mut start = 0;
    for piece in value.get_ref().split('|') {
        let text = piece.trim();
        let offset = start + (piece.len() - piece.trim_start().len());
        let span = source.part(value, offset..offset + text.len());
        if text.is_empty() {
            let span = if value.get_ref().contains('|') {
                span
            } else {
                value.span()
            };
            return Err(Problem::new(span, "a name is missing here")
                .hint("names stand between bars: \"flights.train | plane | features\""));
        }
        words.push(Word {
            text: text.to_owned(),
            span,
        });
        start += piece.len() + 1;
    }
    Ok(words)
}

impl PipeText {
    /// Reads a pipe; whether its names exist is not looked at.
    ///
    /// # Errors
    /// If a name is missing or the part is none of the three.
    pub(crate) fn parse(source: &Source, value: &Spanned<String>) -> Result<Self, Problem> {
        let mut through = words(source, value)?;
        let head = through.remove(0);
        let Some((name, part)) = head.text.split_once('.') else {
            return Ok(Self {
                dataset: head,
                part: None,
                through,
            });
        };
        // A string with escapes is marked as a whole, and then so is each word of it.
        let (name_span, part_span) = match head.span.len() == head.text.len() {
            true => {
                let dot = head.span.start + name.len();
                (head.span.start..dot, dot + 1..head.span.end)
            }
            false => (head.span.clone(), head.span.clone()),
        };
        let part = part.parse::<Part>().map_err(|_| {
            Problem::new(
                part_span.clone(),
                format!("`{part}` is not a part of a dataset"),
            )
            .hint("the parts are `train`, `valid` and `test`")
        })?;
        let dataset = Word {
            text: name.to_owned(),
            span: name_span,
        };
        Ok(Self {
            dataset,
            part: Some((part, part_span)),
            through,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parse(text: &str) -> Result<(String, Option<Part>, Vec<String>), String> {
        let source = Source {
            path: "x.toml".into(),
            text: text.to_owned(),
        };
        let table: BTreeMap<String, Spanned<String>> = toml::from_str(text).unwrap();
        let pipe = PipeText::parse(&source, &table["a"])
            .map_err(|problem| text[problem.span].to_owned())?;
        for word in pipe.through.iter().chain([&pipe.dataset]) {
            assert!(
                text[word.span.clone()].contains(&word.text) || text.contains('\\'),
                "{text}: {word:?}"
            );
        }
        let through = pipe.through.into_iter().map(|word| word.text).collect();
        Ok((pipe.dataset.text, pipe.part.map(|(part, _)| part), through))
    }

    #[test]
    fn pipes_have_a_dataset_a_part_and_stages() {
        let check = |text: &str, dataset: &str, part: Option<Part>, through: &[&str]| {
            let through = through.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(
                parse(text),
                Ok((dataset.to_owned(), part, through)),
                "{text}"
            );
        };
        check("a = 'planes'", "planes", None, &[]);
        check(
            "a = ' flights.train|plane |  features '",
            "flights",
            Some(Part::Train),
            &["plane", "features"],
        );
        check(
            "a = '''\nflights.test\n  | plane'''",
            "flights",
            Some(Part::Test),
            &["plane"],
        );
        check("a = \"\\u0066.valid\"", "f", Some(Part::Valid), &[]);
    }

    #[test]
    fn mistakes_are_marked() {
        let check =
            |text: &str, marked: &str| assert_eq!(parse(text), Err(marked.to_owned()), "{text}");
        check("a = ''", "''");
        check("a = 'x | | y'", "");
        check("a = 'x.tset'", "tset");
        check("a = 'x.train.y'", "train.y");
    }
}
