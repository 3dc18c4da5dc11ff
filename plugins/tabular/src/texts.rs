//! Computing texts, some rows at a time.

use std::borrow::Cow;
use std::rc::Rc;

use regex::Regex;
use trueline_sdk::{Batch, DataType, Result, Texts, Validity};

use crate::{
    civil,
    encoder::{integer_label, number_label},
    value::{Operand, Text, TextSource},
};

/// What a text goes through.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Puts this where the text is missing.
    Fill(Rc<str>),
    Lower,
    /// Takes white space from both ends.
    Trim,
    /// What a group of the first match holds; missing if nothing matches.
    Extract(Rc<Regex>, usize),
}

/// The texts of some rows.
pub(crate) enum Block<'a> {
    /// As they are in the batch, from a row on, with what stands for its nulls.
    Input {
        texts: &'a Texts<'a>,
        validity: &'a Validity<'a>,
        start: usize,
        fill: Option<&'a str>,
    },
    Made(Made),
}

/// Texts that are in no batch, one behind the other.
#[derive(Default)]
pub(crate) struct Made {
    texts: String,
    /// Where each ends; none if it is missing.
    ends: Vec<Option<usize>>,
    /// Where each begins.
    starts: Vec<usize>,
}

impl Text {
    /// The texts of so many rows from `start` on.
    ///
    /// # Errors
    /// As what they are made of.
    pub(crate) fn block<'a>(
        &'a self,
        batch: &'a Batch<'a>,
        start: usize,
        count: usize,
    ) -> Result<Block<'a>> {
        let block = match &self.source {
            TextSource::Input(input) => {
                let column = batch.column(*input);
                // Nothing is missing once it is filled.
                let (fill, rest) = match &self.edits[..] {
                    [Edit::Fill(fill), rest @ ..] => (Some(&**fill), rest),
                    rest => (None, rest),
                };
                let block = Block::Input {
                    texts: column.utf8()?,
                    validity: &column.validity,
                    start,
                    fill,
                };
                return Ok(edited(block, rest, count));
            }
            TextSource::Label(operand, data_type) => {
                Block::Made(labels(operand, *data_type, batch, start, count)?)
            }
            TextSource::Time(time, offset_seconds) => {
                let mut made = Made::default();
                for value in time.block(batch, start, count)? {
                    let show = |value| civil::show(value, time.is_date(), *offset_seconds);
                    made.push(value.map(show).as_deref());
                }
                Block::Made(made)
            }
            TextSource::Joined(texts, separator) => {
                let parts = texts.iter().map(|text| text.block(batch, start, count));
                Block::Made(joined(
                    &parts.collect::<Result<Vec<_>>>()?,
                    separator,
                    count,
                ))
            }
        };
        Ok(edited(block, &self.edits, count))
    }
}

impl Block<'_> {
    /// The text of a row, counted from where the block starts.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        match self {
            Self::Input {
                texts,
                validity,
                start,
                fill,
            } => {
                if validity.is_valid(start + index) {
                    Some(texts.get(start + index))
                } else {
                    *fill
                }
            }
            Self::Made(made) => made.ends[index].map(|end| &made.texts[made.starts[index]..end]),
        }
    }
}

impl Made {
    fn push(&mut self, text: Option<&str>) {
        self.starts.push(self.texts.len());
        if let Some(text) = text {
            self.texts.push_str(text);
        }
        self.ends.push(text.map(|_| self.texts.len()));
    }
}

fn edited<'a>(block: Block<'a>, edits: &[Edit], count: usize) -> Block<'a> {
    if edits.is_empty() {
        return block;
    }
    let mut made = Made::default();
    for index in 0..count {
        let text = edits
            .iter()
            .fold(block.get(index).map(Cow::Borrowed), |text, edit| {
                edit.of(text)
            });
        made.push(text.as_deref());
    }
    Block::Made(made)
}

impl Edit {
    fn of<'t>(&'t self, text: Option<Cow<'t, str>>) -> Option<Cow<'t, str>> {
        let Some(text) = text else {
            return match self {
                Self::Fill(fill) => Some(Cow::Borrowed(&**fill)),
                Self::Lower | Self::Trim | Self::Extract(..) => None,
            };
        };
        match self {
            Self::Fill(_) => Some(text),
            Self::Lower => Some(Cow::Owned(text.to_lowercase())),
            Self::Trim => Some(part_of(text, |text| Some(text.trim()))?),
            Self::Extract(regex, group) => part_of(text, |text| {
                let captures = regex.captures(text)?;
                Some(captures.get(*group)?.as_str())
            }),
        }
    }
}

fn part_of<'t>(text: Cow<'t, str>, part: impl Fn(&str) -> Option<&str>) -> Option<Cow<'t, str>> {
    match text {
        Cow::Borrowed(text) => part(text).map(Cow::Borrowed),
        Cow::Owned(text) => part(&text).map(|part| Cow::Owned(part.to_owned())),
    }
}

fn joined(parts: &[Block<'_>], separator: &str, count: usize) -> Made {
    let mut made = Made::default();
    let mut whole = String::new();
    for index in 0..count {
        whole.clear();
        let mut is_missing = false;
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                whole.push_str(separator);
            }
            match part.get(index) {
                Some(text) => whole.push_str(text),
                None => is_missing = true,
            }
        }
        made.push((!is_missing).then_some(&whole));
    }
    made
}

fn labels(
    operand: &Operand,
    data_type: DataType,
    batch: &Batch<'_>,
    start: usize,
    count: usize,
) -> Result<Made> {
    let mut made = Made::default();
    match operand {
        Operand::Integers(integers) => {
            let integers = integers.block(batch, start, count)?;
            for index in 0..count {
                let label = integers
                    .get(index)
                    .map(|integer| integer_label(integer, data_type));
                made.push(label.as_deref());
            }
        }
        Operand::Numbers(scalar) => {
            let mut numbers = vec![0.0; count];
            scalar.eval_from(batch, start, &mut numbers)?;
            for number in numbers {
                let label = (!number.is_nan()).then(|| number_label(number, data_type));
                made.push(label.as_deref());
            }
        }
        Operand::Texts(text) => {
            let block = text.block(batch, start, count)?;
            (0..count).for_each(|index| made.push(block.get(index)));
        }
    }
    Ok(made)
}
