//! A stage that does what no stage may: it panics, loops, eats memory, lies about what it does, or
//! remembers what it should forget. The parameter `mode` says which, and `at` in which export.
//!
//! Without a mode it is a good stage: it counts rows and copies the column `x` to `y`.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use trueline_sdk::prelude::*;

/// What to do.
#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// What is right.
    #[default]
    Good,

    // In the export that `at` names.
    Panic,
    Loop,
    Allocate,
    Recurse,
    /// Answer with an error of this many bytes and more.
    LongError,

    // In `describe`.
    ReadMissingColumn,
    ReadColumnTwice,
    NoPasses,
    WriteColumnTwice,
    ManyColumns,

    // In `load`.
    WriteOtherColumns,

    // In `map`.
    OneRowMore,
    NoRows,
    OtherType,
    Garbage,
    Nothing,
    HugeOutput,
    OddNans,
    NotUtf8,
    /// Answer with how often this instance's memory was asked.
    Count,
    /// Take so many million steps for a row as `x` says.
    Slow,

    // In `update`.
    /// Count batches instead of rows, which breaks law 2.
    Batches,

    // In `finish`.
    HugeState,
    OddMetric,
}

/// An export of the contract.
#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Export {
    Describe,
    Begin,
    Update,
    Partial,
    Merge,
    Finish,
    Load,
    Map,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    mode: Mode,
    at: Option<Export>,
}

impl Params {
    /// Called first in every export.
    fn enter(self, export: Export) -> Result<()> {
        if self.at != Some(export) {
            return Ok(());
        }
        match self.mode {
            Mode::Panic => panic!("nobody hears this"),
            Mode::Loop => loop {
                black_box(());
            },
            Mode::Allocate => {
                let mut kept = Vec::new();
                loop {
                    kept.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            Mode::Recurse => Err(Error::other(recurse(0).to_string())),
            Mode::LongError => Err(Error::other("x".repeat(8 << 20))),
            _ => Ok(()),
        }
    }
}

#[expect(unconditional_recursion, reason = "that is what it is for")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse(depth + 1) + frame[63]
}

struct Hostile;

impl Stage for Hostile {
    type Params = Params;
    type Reduce = Counter;
    type Map = Copier;

    fn describe(params: &Params, inputs: &[Input], rows: Option<&Schema>) -> Result<Signature> {
        params.enter(Export::Describe)?;
        let column = match params.mode {
            Mode::ReadMissingColumn => "z",
            _ => "x",
        };
        let times = if params.mode == Mode::ReadColumnTwice {
            2
        } else {
            1
        };
        let reads = vec![column.to_owned(); times];
        let reduction = (!inputs.is_empty()).then(|| Reduction {
            reads: vec![reads.clone()],
            passes: u32::from(params.mode != Mode::NoPasses),
            mergeable: true,
            bytes_per_row: 0,
            seeded: false,
        });
        let mapping = rows.map(|_| Mapping::new(reads, writes(params.mode).fields));
        Ok(Signature { reduction, mapping })
    }
}

/// The columns that the signature speaks of.
fn writes(mode: Mode) -> Schema {
    let y = Field::new("y", DataType::Float64);
    match mode {
        Mode::WriteColumnTwice => Schema::new([y.clone(), y]),
        Mode::ManyColumns => {
            let names = (0..500_000).map(|number| format!("a column with a long name, {number}"));
            Schema::new(names.map(|name| Field::new(name, DataType::Float64)))
        }
        Mode::NotUtf8 => Schema::new([Field::new("y", DataType::Utf8)]),
        _ => Schema::new([y]),
    }
}

/// Counts rows.
struct Counter {
    params: Params,
    rows: u64,
}

impl Reduce for Counter {
    type Params = Params;

    fn begin(params: Params, _: &[Input], _: u32, _: &[u8]) -> Result<Self> {
        params.enter(Export::Begin)?;
        Ok(Self { params, rows: 0 })
    }

    fn update(&mut self, _: usize, batch: &Batch<'_>) -> Result<()> {
        self.params.enter(Export::Update)?;
        self.rows += match self.params.mode {
            Mode::Batches => 1,
            _ => batch.rows() as u64,
        };
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        self.params.enter(Export::Partial)?;
        Ok(self.rows.to_le_bytes().to_vec())
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        self.params.enter(Export::Merge)?;
        let partial = partial.try_into();
        self.rows += u64::from_le_bytes(partial.map_err(|_| Error::other("not a partial"))?);
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        self.params.enter(Export::Finish)?;
        let mut outcome = Outcome::state(self.rows.to_le_bytes().to_vec());
        match self.params.mode {
            Mode::HugeState => outcome.state = vec![7; 8 << 20],
            Mode::OddMetric => {
                let odd = f64::from_bits(0xfff8_dead_beef_0001);
                outcome.metrics.push(Metric::new("odd", odd));
            }
            _ => outcome.metrics.push(Metric::new("rows", self.rows as f64)),
        }
        Ok(outcome)
    }
}

/// Copies `x` to `y`.
struct Copier {
    params: Params,
    writes: Schema,
}

/// Lives in the instance's memory, outside of what `load` makes.
static CALLS: AtomicU64 = AtomicU64::new(0);

impl Map for Copier {
    type Params = Params;

    fn load(params: Params, _: &Schema, _: &[u8]) -> Result<Self> {
        params.enter(Export::Load)?;
        let writes = match params.mode {
            Mode::WriteOtherColumns => Schema::new([Field::new("other", DataType::Int32)]),
            mode => writes(mode),
        };
        Ok(Self { params, writes })
    }

    fn writes(&self) -> &Schema {
        &self.writes
    }

    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
        self.params.enter(Export::Map)?;
        let rows = batch.rows();
        match self.params.mode {
            Mode::OneRowMore => numbers(rows + 1, |_| 0.0),
            Mode::NoRows => numbers(0, |_| 0.0),
            Mode::Garbage => Ok((0..=255).cycle().take(1000).collect()),
            Mode::Nothing => Ok(Vec::new()),
            Mode::HugeOutput => Ok(vec![0; 8 << 20]),
            Mode::OddNans => numbers(rows, |row| {
                f64::from_bits([0x7ff0_0000_0000_0001, 0xffff_ffff_ffff_ffff][row % 2])
            }),
            Mode::Count => {
                let calls = CALLS.fetch_add(1, Ordering::Relaxed);
                numbers(rows, |_| calls as f64)
            }
            Mode::Slow => {
                let x = batch.column(0).float64()?;
                for millions in x {
                    let mut steps = 1e6 * millions;
                    while black_box(steps) > 0.0 {
                        steps -= 1.0;
                    }
                }
                numbers(rows, |row| x[row])
            }
            Mode::OtherType => {
                let schema = Schema::new([Field::new("y", DataType::Boolean)]);
                let mut writer = BatchWriter::new(&schema, rows);
                writer.boolean(&Validity::ALL, |_| true)?;
                writer.finish()
            }
            Mode::NotUtf8 => {
                // Text and bytes have the same layout; only the promise differs.
                let schema = Schema::new([Field::new("y", DataType::Binary)]);
                let mut writer = BatchWriter::new(&schema, rows);
                writer.binary(&Validity::ALL, |_| &[0xff])?;
                writer.finish()
            }
            _ => {
                let x = batch.column(0);
                let mut writer = BatchWriter::new(&self.writes, rows);
                writer.float64(&x.validity)?.copy_from_slice(x.float64()?);
                writer.finish()
            }
        }
    }
}

/// A frame of one float64 column.
fn numbers(rows: usize, mut value: impl FnMut(usize) -> f64) -> Result<Vec<u8>> {
    let schema = Schema::new([Field::new("y", DataType::Float64)]);
    let mut writer = BatchWriter::new(&schema, rows);
    for (row, slot) in writer.float64(&Validity::ALL)?.iter_mut().enumerate() {
        *slot = value(row);
    }
    writer.finish()
}

export_transform!(Hostile);
