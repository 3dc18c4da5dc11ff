//! What is expected of one column: of each of its values, and how many may miss.

mod whole;

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use trueline_sdk::order::{Kind, Value};
use trueline_sdk::prelude::*;

use super::{Defaults, is_as_of, tolerance};
use crate::expectation::contents::list;
use crate::expectation::{
    Broken, Contains, Expectation, MaxShare, MostCommon, Rowwise, Test, Tolerance, What,
};
use crate::kind::{example, value};
use crate::params::{self, Literal};
use crate::verdict::About;

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

impl Defaults {
    /// The expectations of a column.
    ///
    /// # Errors
    /// [`Error::Params`] if one makes no sense for it, [`Error::Schema`] if it is not there or has another
    /// type and that is to fail.
    pub(super) fn column(
        &self,
        name: &str,
        expected: &params::Column,
        schema: &Schema,
    ) -> Result<Vec<Box<dyn Expectation>>> {
        let place = schema.index_of(name);
        let message = match place.map(|place| (&schema.fields[place], expected.data_type)) {
            None => format!("there is no column `{name}`"),
            Some((field, Some(data_type))) if data_type != field.data_type => format!(
                "column `{name}` is {}, but {data_type} is expected",
                field.data_type
            ),
            Some((field, _)) => {
                let column = ColumnContext {
                    defaults: self,
                    expected,
                    field,
                    place: place.unwrap_or_default(),
                    kind: Kind::of(field.data_type),
                    tolerance: tolerance(expected.mostly, &format!("column `{name}`"))?,
                };
                return column.expectations();
            }
        };
        let what = "the column is there and has its type".to_owned();
        let about = self.about(name, what, expected.severity);
        if about.severity == params::Level::Fail {
            // Of a missing column, this says which there are.
            schema.field(name)?;
            return Err(Error::schema(message));
        }
        Ok(vec![Box::new(Broken {
            about,
            message,
            place,
        })])
    }
}

/// A column that is there and has the right type.
struct ColumnContext<'p> {
    defaults: &'p Defaults,
    expected: &'p params::Column,
    field: &'p Field,
    place: usize,
    kind: Kind,
    tolerance: Tolerance,
}

type Boxed = Box<dyn Expectation>;

impl ColumnContext<'_> {
    fn expectations(&self) -> Result<Vec<Boxed>> {
        let mut all = self.shares()?;
        all.extend(self.bounds()?);
        all.extend(self.sets()?);
        all.extend(self.texts()?);
        all.extend(self.different()?);
        all.extend(self.statistics()?);
        all.extend(self.order()?);
        all.extend(self.fresh()?);
        Ok(all)
    }

    fn about(&self, expected: String) -> About {
        self.defaults
            .about(&self.field.name, expected, self.expected.severity)
    }

    /// `what` of this column, for an error.
    fn named(&self, what: &str) -> String {
        format!(
            "`{what}` of column `{}` ({})",
            self.field.name, self.field.data_type
        )
    }

    fn refused(&self, what: &str, why: &str) -> Error {
        Error::params(format!("{}: {why}", self.named(what)))
    }

    fn rowwise(&self, expected: String, test: Test) -> Boxed {
        Box::new(Rowwise {
            about: self.about(expected),
            place: self.place,
            kind: self.kind,
            test,
            tolerance: self.tolerance,
            most: self.defaults.examples,
            taken: Default::default(),
        })
    }

    fn shares(&self) -> Result<Vec<Boxed>> {
        let shares = [
            ("max_null_share", self.expected.max_null_share, What::Null),
            ("max_nan_share", self.expected.max_nan_share, What::Nan),
            (
                "max_infinite_share",
                self.expected.max_infinite_share,
                What::Infinite,
            ),
        ];
        let mut all: Vec<Boxed> = Vec::new();
        for (name, share, what) in shares {
            let Some(max) = share else { continue };
            if !(0.0..=1.0).contains(&max) {
                return Err(self.refused(name, &format!("{max} must be from 0 to 1")));
            }
            if what != What::Null && !self.kind.is_float() {
                return Err(self.refused(name, "only floats can be NaN or infinite"));
            }
            all.push(Box::new(MaxShare {
                about: self.about(format!("{name} {max}")),
                place: self.place,
                what,
                max,
                most: self.defaults.examples,
                counted: Default::default(),
            }));
        }
        Ok(all)
    }

    fn bound(&self, what: &str, literal: &Option<Literal>) -> Result<Option<i64>> {
        let Some(literal) = literal else {
            return Ok(None);
        };
        if !self.kind.has_range() {
            return Err(self.refused(what, "only numbers, dates and timestamps have bounds"));
        }
        if matches!(self.kind, Kind::Date | Kind::Timestamp) && is_as_of(literal) {
            let as_of = self.as_of(what)?;
            return Ok(Some(match self.kind {
                Kind::Date => as_of.div_euclid(MICROSECONDS_PER_DAY),
                _ => as_of,
            }));
        }
        match value(self.kind, literal) {
            Some(Value::Key(key)) => Ok(Some(key)),
            _ => Err(self.wrong(what, literal)),
        }
    }

    fn wrong(&self, what: &str, literal: &Literal) -> Error {
        Error::params(format!(
            "{} cannot be {literal}: it takes {}",
            self.named(what),
            example(self.kind)
        ))
    }

    fn as_of(&self, what: &str) -> Result<i64> {
        self.defaults.as_of.ok_or_else(|| {
            self.refused(
                what,
                "give the parameter `as_of`, since a stage has no clock",
            )
        })
    }

    fn bounds(&self) -> Result<Vec<Boxed>> {
        let min = self.bound("min", &self.expected.min)?;
        let max = self.bound("max", &self.expected.max)?;
        let above = self.bound("above", &self.expected.above)?;
        let below = self.bound("below", &self.expected.below)?;
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            return Err(self.refused("min", "it is above `max`"));
        }
        if above
            .or(min)
            .zip(below.or(max))
            .is_some_and(|(low, high)| low > high)
        {
            return Err(self.refused("above", "it leaves nothing below the upper bound"));
        }
        let show = |key: i64| self.kind.show(&Value::Key(key));
        let tests = [
            ("min", min, Test::Min as fn(i64) -> Test),
            ("above", above, Test::Above),
            ("max", max, Test::Max),
            ("below", below, Test::Below),
        ];
        let mut all: Vec<Boxed> = tests
            .into_iter()
            .filter_map(|(name, key, test)| {
                key.map(|key| self.rowwise(format!("{name} {}", show(key)), test(key)))
            })
            .collect();
        if self.expected.finite {
            if !self.kind.is_float() {
                return Err(self.refused("finite", "only floats can be infinite"));
            }
            all.push(self.rowwise("finite".to_owned(), Test::Finite));
        } else if self.kind.is_float() && !all.is_empty() && self.expected.max_nan_share.is_none() {
            all.push(self.rowwise("not NaN".to_owned(), Test::NotNan));
        }
        Ok(all)
    }

    fn set(&self, what: &str, literals: &Option<Vec<Literal>>) -> Result<Option<BTreeSet<Value>>> {
        let Some(literals) = literals else {
            return Ok(None);
        };
        if literals.is_empty() {
            return Err(Error::params(format!(
                "`{what}` of column `{}` is empty",
                self.field.name
            )));
        }
        let value = |literal| value(self.kind, literal).ok_or_else(|| self.wrong(what, literal));
        literals.iter().map(value).collect::<Result<_>>().map(Some)
    }

    fn sets(&self) -> Result<Vec<Boxed>> {
        let mut all: Vec<Boxed> = Vec::new();
        let (place, kind) = (self.place, self.kind);
        if let Some(allowed) = self.set("allowed", &self.expected.allowed)? {
            all.push(self.rowwise(
                format!("one of {}", list(kind, &allowed)),
                Test::Allowed(allowed),
            ));
        }
        if let Some(forbidden) = self.set("forbidden", &self.expected.forbidden)? {
            let what = format!("none of {}", list(kind, &forbidden));
            all.push(self.rowwise(what, Test::Forbidden(forbidden)));
        }
        if let Some(wanted) = self.set("contains", &self.expected.contains)? {
            all.push(Box::new(Contains {
                about: self.about(format!("contains {}", list(kind, &wanted))),
                place,
                kind,
                wanted,
                found: BTreeSet::new(),
            }));
        }
        if let Some(wanted) = self.set("most_common", &self.expected.most_common)? {
            all.push(Box::new(MostCommon {
                about: self.about(format!("most common is one of {}", list(kind, &wanted))),
                place,
                kind,
                wanted,
                counts: BTreeMap::new(),
            }));
        }
        Ok(all)
    }

    fn texts(&self) -> Result<Vec<Boxed>> {
        let mut all: Vec<Boxed> = Vec::new();
        let patterns = [
            (
                "matches",
                &self.expected.matches,
                Test::Matches as fn(Regex) -> Test,
            ),
            ("not_matches", &self.expected.not_matches, Test::NotMatches),
        ];
        for (name, pattern, test) in patterns {
            let Some(pattern) = pattern else { continue };
            if self.kind != Kind::Text {
                return Err(self.refused(name, "only texts match a pattern"));
            }
            let regex = Regex::new(pattern).map_err(|error| {
                // The last line says what is wrong; those above draw where.
                let error = error.to_string();
                let why = error
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                self.refused(name, &format!("{pattern:?} is no pattern: {why}"))
            })?;
            all.push(self.rowwise(format!("{name} {pattern}"), test(regex)));
        }
        let (min, max) = (self.expected.min_length, self.expected.max_length);
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            return Err(self.refused("min_length", "it is above `max_length`"));
        }
        let lengths = [
            ("min_length", min, Test::MinLength as fn(u64) -> Test),
            ("max_length", max, Test::MaxLength),
        ];
        for (name, length, test) in lengths {
            let Some(length) = length else { continue };
            if !matches!(self.field.data_type, DataType::Utf8 | DataType::Binary) {
                return Err(self.refused(name, "only texts and bytes have a length"));
            }
            all.push(self.rowwise(format!("{name} {length}"), test(length)));
        }
        Ok(all)
    }
}
