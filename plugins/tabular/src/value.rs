//! What a column holds: how its values are computed from the columns of a batch.
//!
//! Steps that work on one column lengthen the list of kernels that its numbers go through, or of edits
//! that its texts do, so a chain of steps costs one pass over a block that stays in cache. Only when a
//! batch comes is anything computed, by `eval` and `texts`.

use std::rc::Rc;

use trueline_sdk::DataType;

use crate::{
    cast::Parse,
    elements::Elements,
    encoder::Encoder,
    expression::Expression,
    hash::Hashed,
    integers::Integers,
    kernel::{self, Kernel},
    monomials::Monomials,
    ops::Part,
    texts::Edit,
    time::{Difference, Time},
};

/// How a column's values come about.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// One number a row; booleans count as 0 and 1.
    Scalar(Scalar),
    /// One text a row.
    Text(Text),
    /// Several numbers a row.
    Vector(Vector),
    /// One moment or day a row.
    Time(Time),
    /// A column of the batch that no step can compute with: bytes.
    Opaque(usize),
}

/// Numbers of a source that go through kernels, in order.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) source: Source,
    pub(crate) kernels: Vec<Kernel>,
}

/// Where numbers come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A boolean, integer or float column of the batch.
    Input(usize),
    /// 1 where this has no value, else 0.
    Missing(Box<Value>),
    /// A part of a moment or day, on a clock ahead of UTC.
    DatePart {
        time: Time,
        part: Part,
        offset_seconds: i32,
    },
    /// The time between two moments.
    Difference(Difference),
    /// The codes of categories.
    Code(Rc<Encoder>),
    /// How many characters a text has.
    Length(Box<Text>),
    /// What a text says.
    Parsed(Rc<Parse>),
    /// Computed from several columns.
    Computed(Rc<Expression>),
}

/// Texts of a source that are edited, in order.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) source: TextSource,
    pub(crate) edits: Vec<Edit>,
}

/// Where texts come from.
#[derive(Clone, Debug)]
pub(crate) enum TextSource {
    /// A utf8 column of the batch.
    Input(usize),
    /// Numbers of a column of this type, as text.
    Label(Box<Operand>, DataType),
    /// Moments or days, as text on a clock so many seconds ahead of UTC.
    Time(Time, i32),
    /// Several texts, one behind the other; missing if one is.
    Joined(Rc<[Text]>, Rc<str>),
}

/// Pieces that fill the elements of a vector, one after another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vector {
    pub(crate) width: usize,
    pub(crate) pieces: Vec<Piece>,
}

/// Some neighbouring elements.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The first element.
    pub(crate) offset: usize,
    /// Whether the numbers went through a float32 vector before.
    pub(crate) rounded: bool,
    pub(crate) content: Content,
}

/// What fills a piece.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// One element: a number, NaN where it is missing.
    Scalar(Scalar),
    /// A 1 at the place of the row's code, less `dropped`, and 0 elsewhere.
    OneHot { encoder: Rc<Encoder>, dropped: i32 },
    /// A 1 or -1 at a place that the value's hash tells, and 0 elsewhere.
    Hashed(Rc<Hashed>),
    /// Products of numbers.
    Monomials(Rc<Monomials>),
    /// The elements of a vector column of the batch.
    List { input: usize },
    /// The elements of another vector, each sent through kernels.
    Elements(Elements),
}

/// Values to learn from or to encode by.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Texts(Text),
    /// Whole numbers, taken exactly.
    Integers(Integers),
    Numbers(Scalar),
}

/// How deep values may be nested in each other: what an encoder encodes, an expression computes with.
/// Each level takes stack when it is evaluated.
pub(crate) const MAX_DEPTH: usize = 32;
/// How many parts a value may have, each counted as often as it is computed.
pub(crate) const MAX_PARTS: usize = 10_000;

/// How much there is to compute for a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) depth: usize,
    pub(crate) parts: usize,
}

impl Value {
    pub(crate) fn weight(&self) -> Weight {
        match self {
            Self::Scalar(scalar) => scalar.weight(),
            Self::Text(text) => text.weight(),
            Self::Vector(vector) => vector.weight(),
            Self::Time(time) => time.weight(),
            Self::Opaque(_) => Weight::default(),
        }
    }

    /// The column of the batch that this is, if nothing was done to it.
    pub(crate) fn untouched(&self) -> Option<usize> {
        match self {
            Self::Scalar(Scalar {
                source: Source::Input(input),
                kernels,
            }) if kernels.is_empty() => Some(*input),
            Self::Text(Text {
                source: TextSource::Input(input),
                edits,
            }) if edits.is_empty() => Some(*input),
            Self::Vector(Vector { pieces, .. }) => match pieces[..] {
                [
                    Piece {
                        rounded: false,
                        content: Content::List { input },
                        ..
                    },
                ] => Some(input),
                _ => None,
            },
            Self::Time(time) => time.untouched(),
            Self::Opaque(input) => Some(*input),
            _ => None,
        }
    }
}

impl Scalar {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            kernels: Vec::new(),
        }
    }

    /// The same numbers, sent through one kernel more.
    pub(crate) fn then(mut self, kernel: Kernel) -> Self {
        kernel::push(&mut self.kernels, kernel);
        self
    }

    pub(crate) fn weight(&self) -> Weight {
        let inner = match &self.source {
            Source::Input(_) => Weight::default(),
            Source::DatePart { time, .. } => time.weight(),
            Source::Difference(difference) => difference.weight(),
            Source::Missing(value) => value.weight(),
            Source::Code(encoder) => encoder.weight(),
            Source::Length(text) => text.weight(),
            Source::Parsed(parse) => parse.text.weight(),
            Source::Computed(expression) => expression.weight(),
        };
        Weight::around([inner])
    }
}

impl Text {
    pub(crate) fn new(source: TextSource) -> Self {
        Self {
            source,
            edits: Vec::new(),
        }
    }

    /// The same texts, edited once more.
    pub(crate) fn then(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    pub(crate) fn weight(&self) -> Weight {
        match &self.source {
            TextSource::Input(_) => Weight::around([]),
            TextSource::Label(operand, _) => Weight::around([operand.weight()]),
            TextSource::Time(time, _) => Weight::around([time.weight()]),
            TextSource::Joined(texts, _) => Weight::around(texts.iter().map(Self::weight)),
        }
    }
}

impl Content {
    fn weight(&self) -> Weight {
        match self {
            Self::Scalar(scalar) => scalar.weight(),
            Self::OneHot { encoder, .. } => encoder.weight(),
            Self::Hashed(hashed) => hashed.texts.weight(),
            Self::Monomials(monomials) => {
                Weight::around(monomials.factors.iter().map(Scalar::weight))
            }
            Self::List { .. } => Weight::default(),
            Self::Elements(elements) => elements.weight(),
        }
    }
}

impl Operand {
    pub(crate) fn weight(&self) -> Weight {
        match self {
            Self::Texts(text) => text.weight(),
            Self::Integers(integers) => integers.weight(),
            Self::Numbers(scalar) => scalar.weight(),
        }
    }
}

impl Weight {
    /// That of something that has all of these inside.
    pub(crate) fn around(inner: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self { depth: 1, parts: 1 };
        for weight in inner {
            all.depth = all.depth.max(weight.depth + 1);
            all.parts = all.parts.saturating_add(weight.parts);
        }
        all
    }
}

impl Vector {
    /// A vector of one piece.
    pub(crate) fn of(width: usize, content: Content) -> Self {
        Self {
            width,
            pieces: vec![Piece {
                offset: 0,
                rounded: false,
                content,
            }],
        }
    }

    pub(crate) fn weight(&self) -> Weight {
        let piece = |piece: &Piece| piece.content.weight();
        Weight::around(self.pieces.iter().map(piece))
    }

    /// Puts the elements of another vector behind these. `rounded` says that it is of float32.
    pub(crate) fn append(&mut self, other: Self, rounded: bool) {
        self.pieces
            .extend(other.pieces.into_iter().map(|piece| Piece {
                offset: self.width + piece.offset,
                rounded: piece.rounded || rounded,
                content: piece.content,
            }));
        self.width += other.width;
    }
}
