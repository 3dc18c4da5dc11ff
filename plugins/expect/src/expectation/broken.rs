//! An expectation that no row can meet: the column is missing or has another type.

use trueline_sdk::prelude::*;

use super::{Expectation, Seen};
use crate::rows::Rows;
use crate::verdict::{About, Verdict};

/// What is wrong with the column, told in the run because it only warns.
pub(crate) struct Broken {
    pub(crate) about: About,
    pub(crate) message: String,
    /// Where the column is, if there is one.
    pub(crate) place: Option<usize>,
}

impl Expectation for Broken {
    fn update(&mut self, _rows: &Rows<'_>) -> Result<()> {
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn merge(&mut self, _partial: &[u8]) -> Result<()> {
        Ok(())
    }

    fn verdict(self: Box<Self>, _seen: &Seen<'_>) -> Verdict {
        self.about.verdict(false, 0, Some(self.message))
    }

    fn reads(&self) -> Vec<usize> {
        self.place.into_iter().collect()
    }
}
