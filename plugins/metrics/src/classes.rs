//! The classes of a classification of several, as small numbers.

use std::collections::BTreeMap;

use trueline_sdk::order::{Kind, Value, is_nan, keys};
use trueline_sdk::prelude::*;

use crate::Params;
use crate::columns::Columns;

/// Whether the elements of a vector are the names of classes, rather than numbered names of the column.
fn is_named(prediction: &Field, width: usize) -> bool {
    let Field { name, elements, .. } = prediction;
    let mut numbered = elements.iter().enumerate();
    elements.len() == width && !numbered.all(|(at, element)| *element == format!("{name}_{at}"))
}

/// More classes than these are likely a mistake, and their confusion matrix would fill a report.
const MOST_CLASSES: usize = 1000;

/// Classes and their numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Classes {
    numbers: BTreeMap<String, u64>,
    /// Whether all of them are known from the start, in this order.
    is_fixed: bool,
}

impl Classes {
    /// The classes that the parameters or the elements of the prediction name; for a vector without
    /// names 0, 1, … Without a vector, whatever is met is a class.
    ///
    /// # Errors
    /// If the names are not as many as the prediction has numbers, or one is there twice.
    pub(crate) fn new(params: &Params, columns: &Columns) -> Result<Self> {
        let is_vector = matches!(
            columns.prediction.data_type,
            DataType::Float32List(_) | DataType::Float64List(_)
        );
        let width = columns.width();
        let names: Vec<String> = match &params.classes {
            Some(classes) => classes.iter().map(ToString::to_string).collect(),
            None if !is_vector => return Ok(Self::default()),
            None if is_named(&columns.prediction, width) => columns.prediction.elements.clone(),
            None => (0..width).map(|class| class.to_string()).collect(),
        };
        // A width of 0 is not known yet.
        if is_vector && width > 0 && names.len() != width {
            return Err(Error::params(format!(
                "`classes` names {}, but the prediction `{}` has {width} probabilities",
                names.len(),
                columns.prediction.name
            )));
        }
        let numbers: BTreeMap<String, u64> = names.iter().cloned().zip(0..).collect();
        if numbers.len() != names.len() {
            return Err(Error::params(format!(
                "of the classes {} one is there twice",
                names.join(", ")
            )));
        }
        Ok(Self {
            numbers,
            is_fixed: true,
        })
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The numbers of a column's values; a null row's means nothing.
    ///
    /// # Errors
    /// [`Error::Data`] if one is not a class, or there are too many.
    pub(crate) fn read(
        &mut self,
        field: &Field,
        column: &Column<'_>,
        rows: usize,
    ) -> Result<Vec<u64>> {
        if let Values::Utf8(texts) = &column.values {
            return (0..rows)
                .map(|row| match column.is_valid(row) {
                    true => self.number(field, texts.get(row)),
                    false => Ok(0),
                })
                .collect();
        }
        let kind = Kind::of(field.data_type);
        let keys = keys(column, rows)?;
        (0..rows)
            .map(|row| match column.is_valid(row) {
                true if kind.is_float() && is_nan(keys[row]) => Err(Error::data(format!(
                    "column `{}` has a NaN, which is no class: leave such rows out with `where`",
                    field.name
                ))),
                // A float that is whole is written without a point.
                true => self.number(field, &kind.show(&Value::Key(keys[row]))),
                false => Ok(0),
            })
            .collect()
    }

    fn number(&mut self, field: &Field, class: &str) -> Result<u64> {
        if let Some(number) = self.numbers.get(class) {
            return Ok(*number);
        }
        if self.is_fixed {
            return Err(Error::data(format!(
                "column `{}` has {class:?}, which is none of the classes {}",
                field.name,
                self.some()
            )));
        }
        if self.len() == MOST_CLASSES {
            return Err(Error::data(format!(
                "column `{}` has more than {MOST_CLASSES} classes; for numbers set `task = \"regression\"`",
                field.name
            )));
        }
        let number = self.len() as u64;
        self.numbers.insert(class.to_owned(), number);
        Ok(number)
    }

    /// The first few, for a message.
    fn some(&self) -> String {
        const SHOWN: usize = 10;
        let mut names = self.names();
        if names.len() > SHOWN {
            names.truncate(SHOWN);
            names.push("…".to_owned());
        }
        names.join(", ")
    }

    /// All classes by their numbers.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<(&u64, &String)> = self.numbers.iter().map(|(a, b)| (b, a)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// Takes in the classes of another instance; answers with the number here of each of its numbers.
    ///
    /// # Errors
    /// If there are too many.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<Vec<u64>> {
        let names = other.names();
        for name in &names {
            let next = self.len() as u64;
            self.numbers.entry(name.clone()).or_insert(next);
        }
        if !self.is_fixed && self.len() > MOST_CLASSES {
            return Err(Error::data(format!(
                "there are more than {MOST_CLASSES} classes; for numbers set `task = \"regression\"`"
            )));
        }
        Ok(names.iter().map(|name| self.numbers[name]).collect())
    }

    /// Numbers learned classes in an order that does not depend on that of the rows: whole numbers by
    /// value, then texts. Answers with the new number of each old one.
    pub(crate) fn sort(&mut self) -> Vec<u64> {
        let names = self.names();
        if !self.is_fixed {
            let mut sorted = names.clone();
            sorted.sort_unstable_by_key(|name| match name.parse::<i64>() {
                Ok(number) => (0, number, String::new()),
                Err(_) => (1, 0, name.clone()),
            });
            self.numbers = sorted.into_iter().zip(0..).collect();
        }
        names.iter().map(|name| self.numbers[name]).collect()
    }
}
