//! `bucketize`: the number of the bin that a number falls into.

use std::rc::Rc;

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result};

use super::Op;
use crate::{
    columns::Columns,
    kernel::Kernel,
    learn::{Fitted, Quantiles, Task},
    table::Column,
    value::Value,
    walk::Here,
};

const MAX_BINS: usize = 10_000;
/// Bins that are not wider are no bins, as in scikit-learn.
const NARROWEST: f64 = 1e-8;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucketize {
    columns: Columns,
    strategy: Option<Strategy>,
    bins: Option<usize>,
    /// Between the bins, in ascending order.
    edges: Option<Vec<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Strategy {
    /// Bins of one width.
    Uniform,
    /// Bins of equally many training rows.
    Quantile,
}

impl Op for Bucketize {
    fn name(&self) -> &'static str {
        "bucketize"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        self.check()?;
        for column in here.numbers(&self.columns)? {
            let (edges, ready) = self.edges(&column, here);
            let bins = column
                .scalar()
                .zip(edges)
                .map(|(scalar, edges)| Value::Scalar(scalar.then(Kernel::Bucket(Rc::from(edges)))));
            here.replace(column.becomes(DataType::Int32, column.may_miss(), bins, ready))?;
        }
        Ok(())
    }
}

impl Bucketize {
    fn check(&self) -> Result<()> {
        match (&self.edges, self.strategy, self.bins) {
            (Some(edges), None, None) => {
                let rises = edges.windows(2).all(|pair| pair[0] < pair[1]);
                if edges.is_empty() || !rises {
                    return Err(Error::params(
                        "`edges` must hold at least one number, in ascending order",
                    ));
                }
                Ok(())
            }
            (None, _, Some(bins)) if !(2..=MAX_BINS).contains(&bins) => Err(Error::params(
                format!("`bins` is {bins}; it must be from 2 to {MAX_BINS}"),
            )),
            (None, Some(_), Some(_)) => Ok(()),
            _ => Err(Error::params(
                "give either `edges`, or `bins` and a `strategy`: \"uniform\" or \"quantile\"",
            )),
        }
    }

    /// The edges between the bins, if they are known yet, and the first pass that knows them.
    fn edges(&self, column: &Column, here: &mut Here<'_>) -> (Option<Vec<f64>>, u32) {
        let (Some(strategy), Some(bins)) = (self.strategy, self.bins) else {
            return (self.edges.clone(), column.ready);
        };
        let task = match strategy {
            Strategy::Uniform => Task::Range,
            Strategy::Quantile => Task::Quantiles(Quantiles::Bins(bins)),
        };
        let (fitted, ready) = here.learn(column, task);
        let edges = fitted.map(|fitted| match fitted {
            Fitted::Range { min, max } => uniform(min, max, bins),
            Fitted::Quantiles(edges) => wide_enough(&edges),
            _ => Vec::new(),
        });
        (edges, ready)
    }
}

/// The inner edges, as `numpy.linspace` makes them; none for a constant column.
fn uniform(min: f64, max: f64, bins: usize) -> Vec<f64> {
    if min == max {
        return Vec::new();
    }
    let step = (max - min) / bins as f64;
    (1..bins).map(|edge| edge as f64 * step + min).collect()
}

/// The inner edges without those that make narrow bins.
fn wide_enough(edges: &[f64]) -> Vec<f64> {
    let mut kept: Vec<f64> = edges.first().copied().into_iter().collect();
    for pair in edges.windows(2) {
        if pair[1] - pair[0] > NARROWEST {
            kept.push(pair[1]);
        }
    }
    // The last one is the end of the last bin.
    kept.pop();
    kept.into_iter().skip(1).collect()
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{assert_same, check, check_error, learned};

    fn table() -> Table {
        let x = [Some(0.0), Some(1.0), Some(2.0), None, Some(3.0), Some(10.0)];
        Table::new().with_column("x", x)
    }

    #[test]
    fn bins_begin_at_their_edge() {
        for (options, expected) in [
            (r#""strategy": "uniform", "bins": 5"#, [0, 0, 1, 1, 4]),
            (r#""strategy": "quantile", "bins": 2"#, [0, 0, 1, 1, 1]),
            (r#""edges": [1, 3]"#, [0, 1, 1, 2, 2]),
        ] {
            let steps = format!(r#"[{{"op": "bucketize", "columns": "x", {options}}}]"#);
            let [a, b, c, d, e] = expected.map(Some);
            let expected = Table::new().with_column("x", [a, b, c, None, d, e]);
            check(&steps, &table(), &expected);
        }
    }

    #[test]
    fn what_lies_outside_falls_into_the_last_bins() {
        let steps = r#"[{"op": "bucketize", "columns": "x", "strategy": "uniform", "bins": 5}]"#;
        let rows = Table::new().with_column("x", [-7.0, f64::INFINITY]);
        let result = learned(steps, &table(), &rows).unwrap();
        assert_same(steps, &result, &Table::new().with_column("x", [0, 4]));
    }

    #[test]
    fn repeated_quantiles_make_one_bin_and_a_constant_makes_none() {
        let steps = r#"[{"op": "bucketize", "columns": "*", "strategy": "quantile", "bins": 4}]"#;
        let table = Table::new()
            .with_column("x", [1, 1, 1, 1, 1, 2, 3])
            .with_column("constant", [5; 7]);
        let expected = Table::new()
            .with_column("x", [0, 0, 0, 0, 0, 1, 1])
            .with_column("constant", [0; 7]);
        check(steps, &table, &expected);
    }

    #[test]
    fn errors_say_what_is_needed() {
        for (options, part) in [
            (
                r#""bins": 3"#,
                "give either `edges`, or `bins` and a `strategy`",
            ),
            (r#""bins": 3, "edges": [1]"#, "give either `edges`"),
            (r#""bins": 1, "strategy": "uniform""#, "`bins` is 1"),
            (r#""edges": [2, 2]"#, "in ascending order"),
            (r#""edges": []"#, "at least one number"),
        ] {
            let steps = format!(r#"[{{"op": "bucketize", "columns": "x", {options}}}]"#);
            check_error(&steps, &table(), &["steps[0] (`bucketize`)", part]);
        }
    }
}
