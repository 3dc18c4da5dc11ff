//! Counts of values by bucket number, ascending.

use crate::{Result, canonical::Reader};

/// Neighbouring buckets share a page: finding a page costs more than counting.
const PAGE: usize = 256;

/// How many values fell into each bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    /// The pages that hold values, in ascending order of their numbers. Counters saturate: bytes
    /// from elsewhere may claim any count.
    pages: Vec<(u64, Box<[u64; PAGE]>)>,
}

impl Buckets {
    /// Counts one value more in each of these buckets.
    #[inline]
    pub(super) fn add_each(&mut self, buckets: impl Iterator<Item = u64>) {
        // Often the page of the value before.
        let mut index = 0;
        for bucket in buckets {
            let page = bucket / PAGE as u64;
            if self
                .pages
                .get(index)
                .is_none_or(|(number, _)| *number != page)
            {
                index = self.index_of(page);
            }
            let counter = &mut self.pages[index].1[bucket as usize % PAGE];
            *counter = counter.saturating_add(1);
        }
    }

    /// Counts `count` values more, at least one, in a bucket.
    fn add(&mut self, bucket: u64, count: u64) {
        let index = self.index_of(bucket / PAGE as u64);
        let counter = &mut self.pages[index].1[bucket as usize % PAGE];
        *counter = counter.saturating_add(count);
    }

    /// Where a page is, which is made if there is none.
    fn index_of(&mut self, page: u64) -> usize {
        self.pages
            .binary_search_by_key(&page, |(number, _)| *number)
            .unwrap_or_else(|index| {
                self.pages.insert(index, (page, Box::new([0; PAGE])));
                index
            })
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other
            .iter()
            .for_each(|(bucket, count)| self.add(bucket, count));
    }

    /// The buckets that hold values, with their counts, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.pages.iter().flat_map(|(page, counts)| {
            let first = page * PAGE as u64;
            (first..)
                .zip(counts.iter().copied())
                .filter(|(_, count)| *count > 0)
        })
    }

    pub(super) fn count(&self) -> u64 {
        self.iter()
            .fold(0, |total, (_, count)| total.saturating_add(count))
    }

    /// The bucket of the value with this rank, counted from 0 in ascending order among the buckets
    /// in `range`, and the value's rank within the bucket. `None` if there are not so many values.
    pub(super) fn find(
        &self,
        range: std::ops::RangeInclusive<u64>,
        mut rank: u64,
    ) -> Option<(u64, u64)> {
        let first = self
            .pages
            .partition_point(|(page, _)| *page < range.start() / PAGE as u64);
        for (page, counts) in &self.pages[first..] {
            for (bucket, &count) in (page * PAGE as u64..).zip(counts.iter()) {
                if !range.contains(&bucket) {
                    continue;
                }
                if rank < count {
                    return Some((bucket, rank));
                }
                rank -= count;
            }
        }
        None
    }

    /// The number of buckets that hold values, then each one's number and count: 8 bytes each.
    pub(super) fn write(&self, into: &mut Vec<u8>) {
        into.extend((self.iter().count() as u64).to_le_bytes());
        for (bucket, count) in self.iter() {
            into.extend(bucket.to_le_bytes());
            into.extend(count.to_le_bytes());
        }
    }

    /// What [`write`](Self::write) wrote, for buckets of `bits` bits.
    pub(super) fn read(reader: &mut Reader<'_>, bits: u32) -> Result<Self> {
        let mut buckets = Self::default();
        let mut previous = None;
        for _ in 0..reader.u64()? {
            let (bucket, count) = (reader.u64()?, reader.u64()?);
            if previous.is_some_and(|previous| previous >= bucket) {
                return Err(reader.error(format!("bucket {bucket} is not in ascending order")));
            }
            if bucket.checked_shr(bits).unwrap_or(0) != 0 || count == 0 {
                return Err(reader.error(format!("bucket {bucket} has {count} values")));
            }
            buckets.add(bucket, count);
            previous = Some(bucket);
        }
        Ok(buckets)
    }
}
