//! The maps of a package: whole, cut at random, row by row; loaded and baked; on both back ends; over the wire.

use std::cell::Cell;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use trueline_dataset::{BATCH_ROWS, Scan};
use trueline_pipeline::{Pipe, Plan};
use trueline_runtime::{Applied, Backend, Limits, Loaded, Mapper, Package, Runtime};
use trueline_study::SplitMix64;
use trueline_table::{Schema, TableDigest, frame};

use super::wires::Wire;
use super::{SEED, differing_bits, elapsed_ms};
use crate::data::Data;
use crate::report::Way;
use crate::{Error, Event, Observer, Options, Result};

/// Rows that the interpreter gets: it is some hundred times slower.
const SAMPLE_ROWS: usize = 2_048;
/// Random cuts are up to this long.
const CUT_ROWS: usize = 10_000;
/// Requests have up to so many rows.
const REQUEST_ROWS: usize = 2_000;

pub(super) fn prove(
    plan: &Plan,
    package: &Package,
    runtime: &Runtime,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Vec<Way>> {
    let planned = plan.package.as_ref();
    let planned =
        planned.ok_or_else(|| Error::Mismatch("the pipeline file packs nothing".to_owned()))?;
    // All rows, whichever part the pipeline uses.
    let pipe = Pipe {
        part: None,
        ..planned.pipe.clone()
    };
    let options = Options {
        batch_rows: BATCH_ROWS,
        ..options.clone()
    };
    let proof = Proof {
        data: Data::of_plan(plan),
        pipe,
        package,
        runtime,
        options,
        observer,
        rows: Cell::new(None),
    };

    let baked = package.load(runtime)?;
    let pulley = Runtime::new(Backend::Pulley, None)?;
    let mut ways = vec![
        proof.way("in batches of 64k, loaded", None, |block| {
            proof.loaded(runtime)?.apply(block)
        })?,
        proof.way("in random chunks, loaded", None, |block| {
            proof.in_cuts(block)
        })?,
        proof.way("in batches of 64k, baked", None, |block| {
            Ok(baked.apply(block)?)
        })?,
        proof.way("row by row, baked, fresh", None, |block| {
            proof.row_by_row(&baked, block)
        })?,
        proof.way("on Pulley, a sample", Some(SAMPLE_ROWS), |block| {
            proof.loaded(&pulley)?.apply(block)
        })?,
    ];
    for wire in Wire::ALL {
        ways.push(proof.over(wire, &baked)?);
    }
    Ok(ways)
}

struct Proof<'a> {
    data: Data,
    pipe: Pipe,
    package: &'a Package,
    runtime: &'a Runtime,
    options: Options,
    observer: &'a dyn Observer,
    /// How many rows there are; the first way counts them for the bars of the others.
    rows: Cell<Option<u64>>,
}

impl Proof<'_> {
    /// Sends every block of rows through `apply` and through the plain way, and compares the frames.
    fn way(
        &self,
        name: &str,
        sample: Option<usize>,
        mut apply: impl FnMut(&RecordBatch) -> Result<RecordBatch>,
    ) -> Result<Way> {
        self.compared(name, sample, |plain, block, compared| {
            let (expected, found) = (plain.apply(block)?, apply(block)?);
            compared.tables(&expected, &found)?;
            Ok(found)
        })
    }

    /// Sends every block of rows to the package as a client does, in requests of random lengths. What the
    /// server reads is compared with what was sent, and what the client reads with the plain way.
    fn over(&self, wire: Wire, baked: &Loaded) -> Result<Way> {
        let mut random = SplitMix64::new(SEED);
        self.compared(wire.name(), None, |plain, block, compared| {
            let sent = plain.request(block)?;
            let expected = columns(baked.output(), &plain.apply(block)?)?;
            let (sent, expected) = wire.sendable(&sent, &expected)?;
            let mut answers = vec![RecordBatch::new_empty(baked.output().to_arrow())];
            let mut start = 0;
            while start < sent.num_rows() {
                let length = 1 + random.below(REQUEST_ROWS);
                let rows = sent.slice(start, length.min(sent.num_rows() - start));
                let (read, answered) = wire.exchange(baked, &rows, random.below(2) == 0)?;
                compared.tables(&rows, &read)?;
                start += rows.num_rows();
                answers.push(answered);
            }
            let found = join(answers)?;
            compared.tables(&expected, &found)?;
            Ok(found)
        })
    }

    /// Lets `step` compare every block of rows with the plain way; it answers with what its own way gave.
    fn compared(
        &self,
        name: &str,
        sample: Option<usize>,
        mut step: impl FnMut(&mut Chain, &RecordBatch, &mut Comparison) -> Result<RecordBatch>,
    ) -> Result<Way> {
        let started = Instant::now();
        self.observer.tell(Event::WayStarted {
            way: name,
            rows: sample.map(|rows| rows as u64).or(self.rows.get()),
        });
        let mut plain = self.loaded(self.runtime)?;
        let mut compared = Comparison::default();
        let mut digest: Option<TableDigest> = None;
        for block in self.blocks()? {
            let mut block = block?;
            if let Some(rows) = sample {
                block = block.slice(0, rows.min(block.num_rows()));
            }
            let found = step(&mut plain, &block, &mut compared)?;
            let schema = Schema::from_arrow(&found.schema())?;
            digest
                .get_or_insert_with(|| TableDigest::new(&schema))
                .update(&found)?;
            compared.rows += found.num_rows() as u64;
            self.observer.tell(Event::WayRows {
                way: name,
                rows: compared.rows,
            });
            if sample.is_some() {
                break;
            }
        }
        if sample.is_none() {
            self.rows.set(Some(compared.rows));
        }
        let digest = digest.unwrap_or_else(|| TableDigest::new(&Schema::default()));
        let way = Way {
            way: name.to_owned(),
            what: "package".to_owned(),
            rows: compared.rows,
            bits: compared.bits,
            bits_differing: compared.bits_differing,
            digest: digest.finish()?,
            elapsed_ms: elapsed_ms(started),
        };
        self.observer.tell(Event::WayFinished { way: &way });
        Ok(way)
    }

    fn blocks(&self) -> Result<Scan> {
        self.data.scan(&self.pipe, &self.options)
    }

    fn loaded(&self, runtime: &Runtime) -> Result<Chain> {
        Chain::load(self.package, runtime)
    }

    /// Cuts of random lengths, none included, through a chain of their own.
    fn in_cuts(&self, block: &RecordBatch) -> Result<RecordBatch> {
        let mut chain = self.loaded(self.runtime)?;
        let mut random = SplitMix64::new(SEED ^ block.num_rows() as u64);
        let mut pieces = Vec::new();
        let mut start = 0;
        while start < block.num_rows() {
            // Every sixteenth cut is empty: a batch without rows must change nothing either.
            let length = if random.below(16) == 0 {
                0
            } else {
                1 + random.below(CUT_ROWS)
            };
            let length = length.min(block.num_rows() - start);
            pieces.push(chain.apply(&block.slice(start, length))?);
            start += length;
        }
        join(pieces)
    }

    /// Every row alone, through fresh instances of baked components, on all threads.
    fn row_by_row(&self, baked: &Loaded, block: &RecordBatch) -> Result<RecordBatch> {
        let share = block
            .num_rows()
            .div_ceil(self.options.threads.max(1))
            .max(1);
        let shares = (0..block.num_rows()).step_by(share);
        let parts = std::thread::scope(|scope| {
            let rows = |start: usize| {
                let end = (start + share).min(block.num_rows());
                let rows = (start..end).map(|row| Ok(baked.apply(&block.slice(row, 1))?));
                join(rows.collect::<Result<Vec<_>>>()?)
            };
            let threads: Vec<_> = shares
                .map(|start| scope.spawn(move || rows(start)))
                .collect();
            let joined = threads.into_iter().map(|thread| match thread.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.collect::<Result<Vec<_>>>()
        })?;
        join(parts)
    }
}

fn join(pieces: Vec<RecordBatch>) -> Result<RecordBatch> {
    let Some(first) = pieces.first() else {
        return Err(Error::Mismatch("there are no rows".to_owned()));
    };
    concat_batches(&first.schema(), &pieces).map_err(|error| Error::Table(error.into()))
}

/// A package's maps with their states loaded, as a batch job has them.
struct Chain {
    input: Schema,
    links: Vec<(Applied, Mapper)>,
}

impl Chain {
    fn load(package: &Package, runtime: &Runtime) -> Result<Self> {
        let mut links = Vec::new();
        let mut table = package.manifest().input.clone();
        for link in &package.manifest().chain {
            let stage = runtime.admit(package.part(link.component)?)?;
            let (bound, state) = (link.bound(), package.part(link.state)?);
            let mapper = stage.map(&link.params.to_string(), &bound, state, &Limits::default())?;
            let applied = Applied::new(&bound.mapping, &table)?;
            table = applied.output().clone();
            links.push((applied, mapper));
        }
        Ok(Self {
            input: package.manifest().input.clone(),
            links,
        })
    }

    /// The input columns.
    fn request(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        columns(&self.input, rows)
    }

    /// The input columns and all that the chain writes.
    fn apply(&mut self, rows: &RecordBatch) -> Result<RecordBatch> {
        let mut table = self.request(rows)?;
        for (applied, mapper) in &mut self.links {
            let mapped = mapper.map(&applied.select(&table)?)?;
            table = applied.carry(&table, &mapped)?;
        }
        Ok(table)
    }
}

/// The columns of a schema, in its order.
fn columns(schema: &Schema, rows: &RecordBatch) -> Result<RecordBatch> {
    let have = rows.schema();
    let places: Vec<usize> = schema
        .names()
        .filter_map(|name| have.index_of(name).ok())
        .collect();
    rows.project(&places)
        .map_err(|error| Error::Table(error.into()))
}

/// How many bits were compared, and how many differ.
#[derive(Default)]
struct Comparison {
    rows: u64,
    bits: u64,
    bits_differing: u64,
    expected: Vec<u8>,
    found: Vec<u8>,
}

impl Comparison {
    fn tables(&mut self, expected: &RecordBatch, found: &RecordBatch) -> Result<()> {
        let expected_schema = Schema::from_arrow(&expected.schema())?;
        let found_schema = Schema::from_arrow(&found.schema())?;
        if expected_schema.names().ne(found_schema.names()) {
            return Err(Error::Mismatch(
                "two ways gave different columns".to_owned(),
            ));
        }
        frame::encode(&expected_schema, expected, &mut self.expected)?;
        frame::encode(&found_schema, found, &mut self.found)?;
        self.bits += 8 * self.expected.len() as u64;
        self.bits_differing += differing_bits(&self.expected, &self.found);
        Ok(())
    }
}
