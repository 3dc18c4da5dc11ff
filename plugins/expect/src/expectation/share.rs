//! How many values may be null, NaN or infinite.

use trueline_sdk::order::{is_infinite, is_nan};
use trueline_sdk::prelude::*;

use super::{Expectation, Seen, decode, encode};
use crate::rows::{Examples, Rows};
use crate::verdict::{About, Verdict, share};

/// What is counted, by all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Null,
    Nan,
    Infinite,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Nan => "NaN",
            Self::Infinite => "infinite",
        }
    }
}

/// At most this share of the rows.
pub(crate) struct MaxShare {
    pub(crate) about: About,
    pub(crate) place: usize,
    pub(crate) what: What,
    pub(crate) max: f64,
    /// How many examples are kept.
    pub(crate) most: usize,
    pub(crate) counted: Counted,
}

/// What was taken in.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    count: u64,
    examples: Examples,
}

impl Expectation for MaxShare {
    fn update(&mut self, rows: &Rows<'_>) -> Result<()> {
        let column = rows.column(self.place);
        let counted: Vec<usize> = match self.what {
            What::Null if column.validity.null_count() == 0 => return Ok(()),
            What::Null => (0..rows.count())
                .filter(|&row| !column.is_valid(row))
                .collect(),
            What::Nan | What::Infinite => {
                let is_counted = match self.what {
                    What::Nan => is_nan,
                    _ => is_infinite,
                };
                let keys = rows.keys(self.place)?.iter().enumerate();
                keys.filter(|(row, key)| column.is_valid(*row) && is_counted(**key))
                    .map(|(row, _)| row)
                    .collect()
            }
        };
        self.counted.count += counted.len() as u64;
        for row in counted {
            let shown = || Ok(self.what.name().to_owned());
            let examples = &mut self.counted.examples;
            examples.add(rows, row, self.most, 0, shown)?;
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        encode(&self.counted)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let more: Counted = decode(partial)?;
        self.counted.count += more.count;
        self.counted.examples.merge(more.examples, self.most);
        Ok(())
    }

    fn verdict(self: Box<Self>, seen: &Seen<'_>) -> Verdict {
        let Counted { count, examples } = self.counted;
        let (rows, max, what) = (seen.rows, self.max, self.what.name());
        let share = share(count, rows);
        let mut found = format!("{count} of {rows} values are {what}");
        let met = share <= max;
        if !met {
            found += &format!(", a share of {share:.4} where at most {max} is expected");
        }
        self.about
            .verdict(met, count, Some(found))
            .with_examples(examples.into_vec(), seen.key)
    }

    fn reads(&self) -> Vec<usize> {
        vec![self.place]
    }
}
