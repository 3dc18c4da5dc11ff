//! What is expected of one column.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use trueline_sdk::exact_sum::ExactMoments;
use trueline_sdk::order::{Kind, Value};
use trueline_sdk::prelude::*;

use super::{Defaults, is_as_of, tolerance};
use crate::expectation::contents::list;
use crate::expectation::fresh::parse_age;
use crate::expectation::{
    Broken, Contains, Distinct, DistinctShare, Expectation, Fresh, Interval, MaxShare, Moment,
    Moments, Monotone, MostCommon, Quantiles, Rowwise, Test, Tolerance, Unique, What,
};
use crate::kind::{example, value};
use crate::params::{self, Literal, Quantile, Range};
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
                count: 0,
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

    fn different(&self) -> Result<Vec<Boxed>> {
        let mut all: Vec<Boxed> = Vec::new();
        let is_vector = matches!(
            self.field.data_type,
            DataType::Float32List(_) | DataType::Float64List(_)
        );
        let counts = [
            ("distinct", self.expected.distinct, DistinctShare::Count),
            (
                "distinct_share",
                self.expected.distinct_share,
                DistinctShare::OfValues,
            ),
        ];
        let asked = self.expected.unique || counts.iter().any(|(_, range, _)| range.is_some());
        if asked && is_vector {
            return Err(self.refused("unique", "vectors are not compared"));
        }
        if self.expected.unique {
            all.push(Box::new(Unique::new(
                self.about("unique".to_owned()),
                vec![self.place],
                self.tolerance,
                self.defaults.examples,
                self.defaults.is_numbered,
            )));
        }
        for (name, range, share) in counts {
            let Some(range) = range else { continue };
            let interval = Interval::new(range, &self.named(name))?;
            let about = self.about(format!("{name} {interval}"));
            all.push(Box::new(Distinct::new(about, self.place, share, interval)));
        }
        Ok(all)
    }

    fn statistics(&self) -> Result<Vec<Boxed>> {
        let mut all: Vec<Boxed> = Vec::new();
        let check = |name: &str| match self.field.data_type.is_numeric() {
            true => Ok(()),
            false => Err(self.refused(name, "only numbers have one")),
        };
        let moments = [
            (Moment::Mean, self.expected.mean),
            (Moment::StandardDeviation, self.expected.std),
            (Moment::Sum, self.expected.sum),
        ];
        for (moment, range) in moments {
            let Some(range) = range else { continue };
            let name = moment.name();
            check(name)?;
            let interval = Interval::new(range, &self.named(name))?;
            all.push(Box::new(Moments {
                about: self.about(format!("{name} {interval}")),
                place: self.place,
                moment,
                interval,
                moments: Box::new(ExactMoments::new()),
            }));
        }
        let median = self
            .expected
            .median
            .map(|Range { min, max }| Quantile { q: 0.5, min, max });
        for Quantile { q, min, max } in median.into_iter().chain(self.expected.quantiles.clone()) {
            check("quantiles")?;
            if !(0.0..=1.0).contains(&q) {
                return Err(self.refused("quantiles", &format!("{q} is not within 0 and 1")));
            }
            let interval = Interval::new(Range { min, max }, &self.named("quantiles"))?;
            all.push(Box::new(Quantiles {
                about: self.about(format!("quantile {q} {interval}")),
                place: self.place,
                q,
                interval,
                keys: Vec::new(),
            }));
        }
        Ok(all)
    }

    fn order(&self) -> Result<Vec<Boxed>> {
        let Some(order) = self.expected.order else {
            return Ok(Vec::new());
        };
        if self.kind == Kind::Other {
            return Err(self.refused("order", "its values have none"));
        }
        Ok(vec![Box::new(Monotone {
            about: self.about(order.name().to_owned()),
            place: self.place,
            kind: self.kind,
            order,
            tolerance: self.tolerance,
            most: self.defaults.examples,
            walked: Default::default(),
        })])
    }

    fn fresh(&self) -> Result<Vec<Boxed>> {
        let Some(max_age) = &self.expected.max_age else {
            return Ok(Vec::new());
        };
        if !matches!(self.kind, Kind::Date | Kind::Timestamp) {
            return Err(self.refused("max_age", "only dates and timestamps have an age"));
        }
        let age = parse_age(max_age).ok_or_else(|| {
            self.refused(
                "max_age",
                &format!("{max_age:?} is no duration; write \"90min\", \"36h\", \"2d\" or \"1w\""),
            )
        })?;
        Ok(vec![Box::new(Fresh {
            about: self.about(format!("max_age {max_age}")),
            place: self.place,
            kind: self.kind,
            oldest: self.as_of("max_age")?.saturating_sub(age),
            newest: None,
        })])
    }
}
