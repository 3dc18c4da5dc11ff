//! What a column holds: how its values are computed from the columns of a batch.
//!
//! Steps that work on one column lengthen the list of kernels that its numbers go through, so a chain
//! of steps costs one pass over a block that stays in cache. Only when a batch comes is anything
//! computed, by `eval`.

use std::rc::Rc;

use crate::{encoder::Encoder, kernel::Kernel, ops::Part};

/// How a column's values come about.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// One number a row; booleans count as 0 and 1.
    Scalar(Scalar),
    /// One text a row.
    Text(Text),
    /// Several numbers a row.
    Vector(Vector),
    /// A column of the batch that no step can compute with: bytes, timestamps, dates.
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
    /// A part of a timestamp or date column of the batch, on a clock ahead of UTC.
    DatePart {
        input: usize,
        part: Part,
        offset_seconds: i32,
    },
    /// The codes of categories.
    Code(Rc<Encoder>),
}

/// A utf8 column of the batch, with a text for its nulls.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) input: usize,
    pub(crate) fill: Option<Rc<str>>,
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
    /// The elements of a vector column of the batch.
    List { input: usize },
}

/// Values to learn from or to encode by.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Texts(Text),
    /// An integer or boolean column of the batch, taken exactly.
    Integers(usize),
    Numbers(Scalar),
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
        self.kernels.push(kernel);
        self
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
