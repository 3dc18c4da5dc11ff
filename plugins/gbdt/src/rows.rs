//! The rows that training collects, in the least memory that keeps them exactly.

use std::ops::Range;

use trueline_sdk::{Error, Result};

/// Rows per block: small enough that the unused end of the last block is nothing, large enough
/// that following blocks costs nothing.
const BLOCK_ROWS: usize = 4096;

/// A table of float32 features, row-major, with a label per row, and perhaps a weight and a group.
///
/// Missing values are NaN. Rows sit in blocks of fixed size, so that the table never has to be
/// copied to grow and its layout does not depend on how the rows were cut into batches.
#[derive(Debug, Default)]
pub struct Rows {
    feature_count: usize,
    blocks: Vec<Vec<f32>>,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
    /// What the columns of labels and weights are called.
    names: (String, String),
    groups: Option<Vec<u32>>,
}

impl Rows {
    /// An empty table of `feature_count` features.
    pub fn new(feature_count: usize) -> Self {
        let unnamed = Self {
            feature_count,
            ..Self::default()
        };
        unnamed.named("label", None)
    }

    /// The same, with what the columns of labels and weights are called in an error.
    #[must_use]
    pub fn named(mut self, label: &str, weight: Option<&str>) -> Self {
        self.names = (label.to_owned(), weight.unwrap_or("weight").to_owned());
        self
    }

    /// The same, with a weight per row.
    #[must_use]
    pub fn weighted(mut self) -> Self {
        self.weights = Some(Vec::new());
        self
    }

    /// The same, with a group number per row.
    #[must_use]
    pub fn grouped(mut self) -> Self {
        self.groups = Some(Vec::new());
        self
    }

    /// Bytes of a row of so many features, and so many of label, weight and group.
    pub fn bytes_per_row(feature_count: usize, single: usize) -> usize {
        size_of::<f32>() * (feature_count + single)
    }

    /// Features per row.
    pub fn feature_count(&self) -> usize {
        self.feature_count
    }

    /// Rows taken in so far.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether no row was taken in.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The label of every row.
    pub fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// The weight of every row, if rows have weights.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// The group number of every row, if rows have groups.
    pub fn groups(&self) -> Option<&[u32]> {
        self.groups.as_deref()
    }

    /// Appends rows. `features` is row-major; one label, and weight and group where rows have them,
    /// per row. Groups are numbered from 0, without a gap.
    ///
    /// # Errors
    /// If the lengths do not agree, or a label or weight is no finite number or a weight is negative.
    pub fn extend(
        &mut self,
        features: &[f32],
        labels: &[f32],
        weights: Option<&[f32]>,
        groups: Option<&[u32]>,
    ) -> Result<()> {
        let rows = labels.len();
        let fits = |expected: bool, found: Option<usize>| found == expected.then_some(rows);
        if features.len() != rows * self.feature_count
            || !fits(self.weights.is_some(), weights.map(<[f32]>::len))
            || !fits(self.groups.is_some(), groups.map(<[u32]>::len))
        {
            return Err(Error::data(format!(
                "{rows} labels came with {} feature values, {} weights and {} groups, for {} features",
                features.len(),
                weights.map_or(0, <[f32]>::len),
                groups.map_or(0, <[u32]>::len),
                self.feature_count
            )));
        }
        let first = self.len();
        check_column("label", &self.names.0, labels, first, |_| true)?;
        if let (Some(column), Some(weights)) = (&mut self.weights, weights) {
            let is_weight = |weight| weight >= 0.0;
            check_column("weight", &self.names.1, weights, first, is_weight)?;
            column.extend_from_slice(weights);
        }
        if let (Some(column), Some(groups)) = (&mut self.groups, groups) {
            column.extend_from_slice(groups);
        }
        // Adding zero turns -0.0 into 0.0: they are one label.
        self.labels.extend(labels.iter().map(|label| label + 0.0));
        self.extend_features(features);
        Ok(())
    }

    fn extend_features(&mut self, mut features: &[f32]) {
        let block_len = BLOCK_ROWS * self.feature_count;
        while !features.is_empty() {
            if self
                .blocks
                .last()
                .is_none_or(|block| block.len() == block_len)
            {
                self.blocks.push(Vec::with_capacity(block_len));
            }
            let Some(block) = self.blocks.last_mut() else {
                return;
            };
            let (now, later) = features.split_at(features.len().min(block_len - block.len()));
            block.extend_from_slice(now);
            features = later;
        }
    }

    /// The features, in row-major blocks of whole rows.
    pub fn blocks(&self) -> impl Iterator<Item = &[f32]> {
        self.blocks.iter().map(Vec::as_slice)
    }

    /// Takes the features out, block by block, so that each can be dropped once it was used.
    pub fn take_blocks(&mut self) -> impl Iterator<Item = Vec<f32>> + use<> {
        std::mem::take(&mut self.blocks).into_iter()
    }

    /// The values of some features, in row order.
    pub fn columns(&self, features: Range<usize>) -> Vec<Vec<f32>> {
        let column = |_| Vec::with_capacity(self.len());
        let mut columns: Vec<Vec<f32>> = features.clone().map(column).collect();
        for row in self
            .blocks()
            .flat_map(|block| block.chunks_exact(self.feature_count.max(1)))
        {
            for (column, &value) in columns.iter_mut().zip(&row[features.clone()]) {
                column.push(value);
            }
        }
        columns
    }
}

/// Refuses a label or weight that is not finite or not `allowed`, naming its column and row.
fn check_column(
    what: &str,
    column: &str,
    values: &[f32],
    first_row: usize,
    allowed: impl Fn(f32) -> bool,
) -> Result<()> {
    let is_wrong = |&value: &f32| !value.is_finite() || !allowed(value);
    let Some(at) = values.iter().position(is_wrong) else {
        return Ok(());
    };
    let value = match values[at] {
        missing if missing.is_nan() => "missing (null or NaN)".to_owned(),
        value => value.to_string(),
    };
    let range = match what {
        "weight" => "a finite weight of 0 or more",
        _ => "a finite label",
    };
    Err(Error::data(format!(
        "column `{column}`, row {}: the {what} is {value}; every row needs {range}: leave such rows out with \
         `where`, or mend them before",
        first_row + at
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_does_not_depend_on_chunking() {
        let features: Vec<f32> = (0..3 * 10_000).map(|value| value as f32).collect();
        let labels = vec![0.0; 10_000];
        let mut whole = Rows::new(3);
        whole.extend(&features, &labels, None, None).unwrap();
        let mut cut = Rows::new(3);
        for (features, labels) in features.chunks(3 * 77).zip(labels.chunks(77)) {
            cut.extend(features, labels, None, None).unwrap();
        }
        assert_eq!(
            whole.blocks().collect::<Vec<_>>(),
            cut.blocks().collect::<Vec<_>>()
        );
        assert_eq!(whole.columns(2..3)[0][9_999], 29_999.0);
        assert_eq!(whole.len(), 10_000);
    }

    #[test]
    fn refuses_labels_and_weights_that_cannot_be_learned_from() {
        let mut rows = Rows::new(1).weighted().named("label", Some("w"));
        rows.extend(&[1.0], &[1.0], Some(&[1.0]), None).unwrap();
        for (label, weight, expected) in [
            (f32::NAN, 1.0, "column `label`, row 1: the label is missing"),
            (1.0, -1.0, "column `w`, row 1: the weight is -1"),
        ] {
            let error = rows
                .extend(&[1.0], &[label], Some(&[weight]), None)
                .unwrap_err();
            assert!(error.message().starts_with(expected), "{error:?}");
        }
        let wide = rows.extend(&[1.0, 2.0], &[1.0], Some(&[1.0]), None);
        assert!(wide.is_err(), "{wide:?}");
        let grouped = rows.extend(&[1.0], &[1.0], Some(&[1.0]), Some(&[0]));
        assert!(grouped.is_err(), "{grouped:?}");
    }
}
