//! How values are spread over bins.

use trueline_sdk::prelude::*;

/// Counts between edges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Histogram {
    pub(crate) edges: Vec<f64>,
    /// One fewer than edges. A bin has its lower edge; the last one its upper edge, too.
    pub(crate) counts: Vec<u64>,
    /// Values outside of the edges, such as infinities.
    pub(crate) below: u64,
    pub(crate) above: u64,
}

impl Histogram {
    /// An empty one with these edges, which rise.
    pub(crate) fn new(edges: Vec<f64>) -> Self {
        Self {
            counts: vec![0; edges.len().saturating_sub(1)],
            edges,
            below: 0,
            above: 0,
        }
    }

    /// Bins of equal width from the lowest to the highest value, with the edges of `numpy.histogram`: around
    /// a single value, half a unit to either side.
    pub(crate) fn between(low: f64, high: f64, bins: u32) -> Self {
        let (low, high) = if low == high {
            (low - 0.5, high + 0.5)
        } else {
            (low, high)
        };
        let step = (high - low) / f64::from(bins);
        let half_step = (high / 2.0 - low / 2.0) / f64::from(bins);
        let edge = |bin: u32| {
            let edge = f64::from(bin) * step + low;
            // The difference of two finite numbers may not be one, but that of their halves is.
            if edge.is_finite() {
                edge
            } else {
                (f64::from(bin) * half_step + low / 2.0) * 2.0
            }
        };
        let mut edges: Vec<f64> = (0..bins).map(edge).collect();
        edges.push(high);
        // Where numbers are too close to each other for so many bins, equal edges are one.
        edges.dedup();
        Self::new(edges)
    }

    /// Counts a number that is not NaN.
    pub(crate) fn add(&mut self, number: f64) {
        let (Some(&first), Some(&last)) = (self.edges.first(), self.edges.last()) else {
            return;
        };
        if number < first {
            self.below += 1;
        } else if number > last {
            self.above += 1;
        } else {
            let bin = self.edges.partition_point(|&edge| edge <= number) - 1;
            // The highest edge belongs to the last bin.
            let bin = bin.min(self.counts.len().saturating_sub(1));
            if let Some(count) = self.counts.get_mut(bin) {
                *count += 1;
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.below += other.below;
        self.above += other.above;
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_bin_above_but_the_last() {
        let mut histogram = Histogram::between(0.0, 4.0, 4);
        for number in [0.0, 0.5, 1.0, 2.0, 3.9, 4.0, -1.0, f64::INFINITY] {
            histogram.add(number);
        }
        assert_eq!(histogram.edges, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(histogram.counts, [2, 1, 1, 2]);
        assert_eq!((histogram.below, histogram.above), (1, 1));
    }

    #[test]
    fn any_range_has_bins() {
        assert_eq!(Histogram::between(7.0, 7.0, 2).edges, [6.5, 7.0, 7.5]);
        let widest = Histogram::between(f64::MIN, f64::MAX, 4);
        assert!(widest.edges.iter().all(|edge| edge.is_finite()));
        let mut narrow = Histogram::between(1.0, 1.0 + f64::EPSILON, 8);
        narrow.add(1.0);
        narrow.add(1.0 + f64::EPSILON);
        assert_eq!(narrow.counts.iter().sum::<u64>(), 2);
    }
}
