//! Numbering a column's values by category.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};
use trueline_sdk::{Batch, DataType, Error, Result, order};

use crate::{
    convert,
    dictionary::{Dictionary, Hashed},
    integers::Integers,
    value::{Operand, Scalar, Text, Weight},
};

/// The values that a column is encoded by, in the order of their codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Categories {
    Texts(Vec<String>),
    /// Of an integer or boolean column as it came in; every int64 is told from its neighbours.
    Integers(Vec<i64>),
    /// Of floats, or of a column that a step computed. Never NaN, never -0.0.
    Numbers(Vec<f64>),
}

impl Categories {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Integers(integers) => integers.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// What people call each category of a column of this type.
    pub(crate) fn labels(&self, data_type: DataType) -> Vec<String> {
        match self {
            Self::Texts(texts) => texts.clone(),
            Self::Integers(integers) => integers
                .iter()
                .map(|integer| integer_label(*integer, data_type))
                .collect(),
            Self::Numbers(numbers) => numbers
                .iter()
                .map(|number| number_label(*number, data_type))
                .collect(),
        }
    }

    /// Those that are kept, in the same order.
    pub(crate) fn filtered(self, keep: &[bool]) -> Self {
        fn kept<T>(all: Vec<T>, keep: &[bool]) -> Vec<T> {
            let pairs = all.into_iter().zip(keep);
            pairs
                .filter(|(_, keep)| **keep)
                .map(|(one, _)| one)
                .collect()
        }
        match self {
            Self::Texts(texts) => Self::Texts(kept(texts, keep)),
            Self::Integers(integers) => Self::Integers(kept(integers, keep)),
            Self::Numbers(numbers) => Self::Numbers(kept(numbers, keep)),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Texts(_) => "texts",
            Self::Integers(_) => "integers",
            Self::Numbers(_) => "numbers",
        }
    }
}

/// What people call an integer of a column of this type.
pub(crate) fn integer_label(integer: i64, data_type: DataType) -> String {
    match data_type {
        DataType::Boolean => (integer != 0).to_string(),
        _ => integer.to_string(),
    }
}

/// What people call a number of a column of this type: the shortest decimal that leads back to it.
pub(crate) fn number_label(number: f64, data_type: DataType) -> String {
    match data_type {
        DataType::Boolean => (number != 0.0).to_string(),
        // The zero added turns -0.0 into 0.0.
        DataType::Float32 => (convert::to_float32(number) + 0.0).to_string(),
        _ => (number + 0.0).to_string(),
    }
}

/// Gives every row the code of its category.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// The step and the column, for messages.
    place: String,
    keys: Keys,
    unknown: Answer,
    missing: Answer,
}

/// What a row gets that is in no category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An error.
    Refuse,
    /// This code; [`Encoder::NONE`] for none.
    Code(i32),
}

/// Where keys come from, and the codes of the known ones.
#[derive(Debug)]
enum Keys {
    Texts(Text, Dictionary<String>),
    Integers(Integers, Dictionary<i64>),
    /// Numbers, by their place in the order of numbers.
    Numbers(Scalar, Dictionary<i64>),
}

impl Encoder {
    /// No code at all.
    pub(crate) const NONE: i32 = i32::MIN;

    /// `place` is the step and the column, for messages.
    ///
    /// # Errors
    /// [`Error::Schema`] if the categories are not of the column's kind.
    pub(crate) fn new(
        place: String,
        operand: Operand,
        categories: &Categories,
        unknown: Answer,
        missing: Answer,
    ) -> Result<Self> {
        let keys = match (operand, categories) {
            (Operand::Texts(text), Categories::Texts(texts)) => {
                Keys::Texts(text, numbered(texts.iter().map(String::as_str)))
            }
            (Operand::Integers(source), Categories::Integers(integers)) => {
                Keys::Integers(source, numbered(integers))
            }
            (Operand::Numbers(scalar), Categories::Numbers(numbers)) => {
                let keys: Vec<i64> = numbers.iter().map(|number| order::key(*number)).collect();
                Keys::Numbers(scalar, numbered(&keys))
            }
            (_, categories) => {
                return Err(Error::schema(format!(
                    "{place} was learned from {}, and now is of another type",
                    categories.kind()
                )));
            }
        };
        Ok(Self {
            place,
            keys,
            unknown,
            missing,
        })
    }

    pub(crate) fn weight(&self) -> Weight {
        Weight::around([match &self.keys {
            Keys::Texts(text, _) => text.weight(),
            Keys::Integers(integers, _) => integers.weight(),
            Keys::Numbers(scalar, _) => scalar.weight(),
        }])
    }

    /// The codes of the rows from `start` on.
    ///
    /// # Errors
    /// [`Error::Data`] if a row is in no category and that is not answered with a code.
    pub(crate) fn encode(&self, batch: &Batch<'_>, start: usize, codes: &mut [i32]) -> Result<()> {
        match &self.keys {
            Keys::Texts(text, dictionary) => {
                let texts = text.block(batch, start, codes.len())?;
                for (index, code) in codes.iter_mut().enumerate() {
                    let text = texts.get(index);
                    *code = self.answer(text.map(|text| (text, dictionary.find(text))))?;
                }
            }
            Keys::Integers(integers, dictionary) => {
                let integers = integers.block(batch, start, codes.len())?;
                for (index, code) in codes.iter_mut().enumerate() {
                    let key = integers.get(index);
                    *code = self.answer(key.map(|key| (key, dictionary.find(&key))))?;
                }
            }
            Keys::Numbers(scalar, dictionary) => {
                // On the heap, since the numbers may be codes themselves.
                let mut numbers = vec![0.0; codes.len()];
                scalar.eval(batch, start, &mut numbers)?;
                for (&number, code) in numbers.iter().zip(codes) {
                    let find = || (number, dictionary.find(&order::key(number)));
                    *code = self.answer((!number.is_nan()).then(find))?;
                }
            }
        }
        Ok(())
    }

    /// The code for a value and its number, if it is not missing and not unknown.
    #[inline]
    fn answer(&self, found: Option<(impl std::fmt::Debug, Option<usize>)>) -> Result<i32> {
        let answer = match &found {
            Some((_, Some(number))) => return Ok(code(*number)),
            Some((_, None)) => self.unknown,
            None => self.missing,
        };
        match answer {
            Answer::Code(code) => Ok(code),
            Answer::Refuse => Err(self.refusal(found.map(|(value, _)| value))),
        }
    }

    #[cold]
    fn refusal(&self, value: Option<impl std::fmt::Debug>) -> Error {
        Error::data(match value {
            Some(value) => format!(
                "{} holds {value:?}, which is none of its categories; set `unknown` to say what becomes of such values",
                self.place
            ),
            None => format!(
                "{} has no value in some row; `impute` it first, or set `nulls`",
                self.place
            ),
        })
    }
}

/// The code of the category with this number.
pub(crate) fn code(number: usize) -> i32 {
    i32::try_from(number).expect("learners stop long before 2^31 categories")
}

fn numbered<'k, K, Q>(keys: impl IntoIterator<Item = &'k Q>) -> Dictionary<K>
where
    K: Borrow<Q>,
    Q: Hashed + Eq + ToOwned<Owned = K> + ?Sized + 'k,
{
    let mut dictionary = Dictionary::default();
    for key in keys {
        dictionary.insert(key);
    }
    dictionary
}
