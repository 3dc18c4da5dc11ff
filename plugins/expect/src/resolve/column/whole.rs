//! What is expected of the values of a column taken together.

use trueline_sdk::exact_sum::ExactMoments;
use trueline_sdk::order::Kind;
use trueline_sdk::prelude::*;

use super::{Boxed, ColumnContext};
use crate::expectation::fresh::parse_age;
use crate::expectation::{
    Distinct, DistinctShare, Fresh, Interval, Moment, Moments, Monotone, Quantiles, Unique,
};
use crate::params::{Quantile, Range};

impl ColumnContext<'_> {
    pub(super) fn different(&self) -> Result<Vec<Boxed>> {
        let mut all: Vec<Boxed> = Vec::new();
        let is_vector = self.field.data_type.is_vector();
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

    pub(super) fn statistics(&self) -> Result<Vec<Boxed>> {
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

    pub(super) fn order(&self) -> Result<Vec<Boxed>> {
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

    pub(super) fn fresh(&self) -> Result<Vec<Boxed>> {
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
