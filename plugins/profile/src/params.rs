//! The parameters.

use std::collections::BTreeMap;

use trueline_sdk::prelude::*;

/// The parameters of `profile`; the front page says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) quantiles: Vec<f64>,
    pub(crate) bins: u32,
    pub(crate) edges: BTreeMap<String, Vec<f64>>,
    pub(crate) top: usize,
    pub(crate) exact_distinct: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            columns: None,
            quantiles: vec![0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99],
            bins: 20,
            edges: BTreeMap::new(),
            top: 10,
            exact_distinct: 10_000,
        }
    }
}

/// More bins than these are no picture any more.
const MOST_BINS: u32 = 10_000;

impl Params {
    /// # Errors
    /// [`Error::Params`] with the parameter, its value and what it may be.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(q) = self.quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            return Err(Error::params(format!(
                "`quantiles` has {q}, which is not within 0 and 1"
            )));
        }
        if !(1..=MOST_BINS).contains(&self.bins) {
            return Err(Error::params(format!(
                "`bins` is {}: it takes 1 to {MOST_BINS}",
                self.bins
            )));
        }
        for (column, edges) in &self.edges {
            let is_rising = edges.is_sorted_by(|a, b| a < b);
            if edges.len() < 2 || !is_rising || !edges.iter().all(|edge| edge.is_finite()) {
                return Err(Error::params(format!(
                    "`edges` of column `{column}` must be two or more finite numbers that rise"
                )));
            }
        }
        Ok(())
    }
}
