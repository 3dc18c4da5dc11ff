//! The reduction: two passes, of which the second knows the range and what may be common.

use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::Params;
use crate::distinct::Common;
use crate::first::First;
use crate::histogram::Histogram;
use crate::lanes::{Lane, lanes};
use crate::report::report;

/// Takes in rows and describes their columns.
pub struct Describe {
    params: Params,
    lanes: Vec<Lane>,
    pass: Pass,
}

enum Pass {
    First(Vec<First>),
    Second {
        first: Vec<First>,
        second: Vec<Second>,
    },
}

/// What is counted of a lane in the second pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Second {
    pub(crate) histogram: Option<Histogram>,
    pub(crate) common: Common,
}

impl Second {
    fn new(params: &Params, lane: &Lane, first: &First) -> Self {
        let given = params.edges.get(&lane.column);
        let histogram = match (given, first.finite) {
            (Some(edges), _) => Some(Histogram::new(edges.clone())),
            (None, Some((low, high))) => Some(Histogram::between(
                lane.number(low),
                lane.number(high),
                params.bins,
            )),
            (None, None) => None,
        };
        Self {
            histogram,
            common: Common::default(),
        }
    }
}

impl Reduce for Describe {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], pass: u32, state: &[u8]) -> Result<Self> {
        let lanes = lanes(&params, trueline_sdk::schema::rows(inputs)?)?;
        let pass = if pass == 0 {
            Pass::First(lanes.iter().map(First::new).collect::<Result<_>>()?)
        } else {
            let first: Vec<First> = state::decode(state)?;
            if first.len() != lanes.len() {
                return Err(Error::data("the state is of other columns"));
            }
            let second = lanes.iter().zip(&first);
            Pass::Second {
                second: second
                    .map(|(lane, first)| Second::new(&params, lane, first))
                    .collect(),
                first,
            }
        };
        Ok(Self {
            params,
            lanes,
            pass,
        })
    }

    fn update(&mut self, _input: usize, batch: &Batch<'_>) -> Result<()> {
        for (at, lane) in self.lanes.iter().enumerate() {
            let cells = lane.cells(batch)?;
            match &mut self.pass {
                Pass::First(first) => first[at].update(lane, &cells, self.params.exact_distinct),
                Pass::Second { first, second } => {
                    let Second { histogram, common } = &mut second[at];
                    if let Some(histogram) = histogram {
                        let numbers = cells.keys().map(|key| lane.number(key));
                        numbers
                            .filter(|number| !number.is_nan())
                            .for_each(|number| histogram.add(number));
                    }
                    if !first[at].distinct.is_exact() {
                        cells.each(|value| common.add(value, &first[at].distinct));
                    }
                }
            }
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        match &self.pass {
            Pass::First(first) => state::encode(first),
            Pass::Second { second, .. } => state::encode(second),
        }
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        match &mut self.pass {
            Pass::First(first) => {
                let more: Vec<First> = state::decode(partial)?;
                for (first, more) in first.iter_mut().zip(more) {
                    first.merge(more, self.params.exact_distinct)?;
                }
            }
            Pass::Second { second, .. } => {
                let more: Vec<Second> = state::decode(partial)?;
                for (second, more) in second.iter_mut().zip(more) {
                    second.common.merge(more.common);
                    if let (Some(histogram), Some(more)) = (&mut second.histogram, &more.histogram)
                    {
                        histogram.merge(more);
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        let (first, second) = match self.pass {
            Pass::First(first) => return Ok(Outcome::state(state::encode(&first)?)),
            Pass::Second { first, second } => (first, second),
        };
        let rows = first.first().map_or(0, |first| first.nulls + first.values);
        let nulls: u64 = first.iter().map(|first| first.nulls).sum();
        let report = report(&self.params, rows, &self.lanes, &first, &second);
        Ok(Outcome {
            metrics: vec![
                Metric::new("rows", rows as f64),
                Metric::new("columns", self.lanes.len() as f64),
                Metric::new("nulls", nulls as f64),
            ],
            report: Some(report.to_string()),
            ..Outcome::default()
        })
    }
}
