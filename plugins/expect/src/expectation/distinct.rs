//! How many different values or keys there are: by their hashes.

use trueline_sdk::hash::Hasher;
use trueline_sdk::prelude::*;

use super::statistic::judge;
use super::{Expectation, Interval, Seen, Tolerance, decode, encode};
use crate::rows::{Example, Rows};
use crate::verdict::{About, Verdict, share};

/// Keys of these columns, of rows without a null in them.
#[derive(Default, Serialize, Deserialize)]
struct Keys {
    hashes: Vec<u128>,
    /// The number of each one's row, if rows are shown.
    numbers: Vec<i64>,
}

impl Keys {
    fn update(&mut self, rows: &Rows<'_>, places: &[usize], shows_rows: bool) -> Result<()> {
        let parts: Result<Vec<Part<'_>>> =
            places.iter().map(|&place| Part::new(rows, place)).collect();
        let parts = parts?;
        let columns: Vec<&Column<'_>> = places.iter().map(|&place| rows.column(place)).collect();
        let is_key = |row: &usize| columns.iter().all(|column| column.is_valid(*row));
        for row in (0..rows.count()).filter(is_key) {
            let mut hasher = Hasher::new();
            parts.iter().for_each(|part| part.write(row, &mut hasher));
            self.hashes.push(hasher.finish());
            if shows_rows {
                self.numbers.extend(rows.number(row));
            }
        }
        Ok(())
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let more: Self = decode(partial)?;
        self.hashes.extend(more.hashes);
        self.numbers.extend(more.numbers);
        Ok(())
    }

    /// How many different ones there are.
    fn distinct(mut self) -> u64 {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.len() as u64
    }

    /// How many rows have the key of another row, not counting one row of each key; and the first of them,
    /// if rows are shown.
    fn repeated(mut self, most: usize) -> (u64, Vec<Example>) {
        if self.numbers.is_empty() {
            self.hashes.sort_unstable();
            let repeats = self.hashes.windows(2).filter(|pair| pair[0] == pair[1]);
            return (repeats.count() as u64, Vec::new());
        }
        let mut keys: Vec<(u128, i64)> = self.hashes.into_iter().zip(self.numbers).collect();
        keys.sort_unstable();
        let same_key = keys.chunk_by(|a, b| a.0 == b.0);
        let mut repeats: Vec<(i64, i64)> = same_key
            .flat_map(|same| same[1..].iter().map(|repeat| (repeat.1, same[0].1)))
            .collect();
        repeats.sort_unstable();
        let shown = repeats.iter().take(most).map(|(row, first)| {
            // What names the row was not kept.
            Example::numbered(*row, format!("as row {first}"))
        });
        (repeats.len() as u64, shown.collect())
    }
}

/// A column of the key.
enum Part<'c> {
    Keys(&'c [i64]),
    Texts(&'c trueline_sdk::Texts<'c>),
    Blobs(&'c trueline_sdk::Blobs<'c>),
}

impl<'c> Part<'c> {
    fn new(rows: &'c Rows<'_>, place: usize) -> Result<Self> {
        Ok(match &rows.column(place).values {
            Values::Utf8(texts) => Self::Texts(texts),
            Values::Binary(blobs) => Self::Blobs(blobs),
            _ => Self::Keys(rows.keys(place)?),
        })
    }

    fn write(&self, row: usize, hasher: &mut Hasher) {
        match self {
            Self::Keys(keys) => hasher.word(keys[row] as u64),
            Self::Texts(texts) => hasher.bytes(texts.get(row).as_bytes()),
            Self::Blobs(blobs) => hasher.bytes(blobs.get(row)),
        }
    }
}

/// Sixteen bytes a hash, twice: memory is doubled when it is full.
const BYTES_PER_HASH: u32 = 32;

/// No two rows have the same values in these columns.
pub(crate) struct Unique {
    about: About,
    places: Vec<usize>,
    tolerance: Tolerance,
    most: usize,
    keys: Keys,
}

impl Unique {
    pub(crate) fn new(about: About, places: Vec<usize>, tolerance: Tolerance, most: usize) -> Self {
        Self {
            about,
            places,
            tolerance,
            most,
            keys: Keys::default(),
        }
    }
}

impl Expectation for Unique {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        self.keys.update(rows, &self.places, self.most > 0)
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.keys)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.keys.merge(partial)
    }

    fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict {
        let rows = self.keys.hashes.len() as u64;
        let (repeated, examples) = self.keys.repeated(self.most);
        let what = if repeated == 1 {
            "1 row repeats".to_owned()
        } else {
            format!("{repeated} rows repeat")
        };
        let told = self.tolerance.told(repeated, rows);
        let found = format!("{what} the key of another row{told}");
        let met = self.tolerance.allows(repeated, rows);
        self.about
            .verdict(met, repeated, (repeated > 0).then_some(found))
            .with_examples(examples, seen.key)
    }

    fn reads(&self) -> Vec<usize> {
        self.places.clone()
    }

    fn bytes_per_row(&self) -> u32 {
        if self.most > 0 {
            2 * BYTES_PER_HASH
        } else {
            BYTES_PER_HASH
        }
    }
}

/// How many different values a column has.
pub(crate) struct Distinct {
    about: About,
    place: usize,
    share: Share,
    interval: Interval,
    keys: Keys,
}

/// Whether values are counted, or by how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Count,
    OfValues,
}

impl Distinct {
    pub(crate) fn new(about: About, place: usize, share: Share, interval: Interval) -> Self {
        Self {
            about,
            place,
            share,
            interval,
            keys: Keys::default(),
        }
    }
}

impl Expectation for Distinct {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        self.keys.update(rows, &[self.place], false)
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.keys)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.keys.merge(partial)
    }

    fn verdict(self: Box<Self>, _seen: &Seen<'_>) -> Verdict {
        let values = self.keys.hashes.len() as u64;
        let distinct = self.keys.distinct();
        let (what, found) = match self.share {
            Share::Count => ("number of different values", Some(distinct as f64)),
            Share::OfValues => (
                "share of different values",
                (values > 0).then(|| share(distinct, values)),
            ),
        };
        judge(self.about, what, found, self.interval)
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }

    fn bytes_per_row(&self) -> u32 {
        BYTES_PER_HASH
    }
}
