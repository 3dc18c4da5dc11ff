//! A loaded map, and how rows are put before it.

use arrow::array::RecordBatch;
use trueline_table::frame::{Assembler, Encoder};
use trueline_table::{Error as TableError, Schema};
use wasmtime::component::ComponentExportIndex;

use crate::instance::Live;
use crate::stage::{Bound, Stage};
use crate::{Error, Limits, Result, convert};

/// Bytes of rows that cross at once. Small enough that what is copied in, computed and copied out stays
/// in a core's own cache; law 1 makes the cut invisible.
const PIECE_BYTES: usize = 256 << 10;
/// Fewer rows than this would make the cost of a call itself show.
const PIECE_ROWS_MIN: usize = 256;
/// A piece has a multiple of so many rows: stages work on blocks, and rows beyond the last whole block
/// take them longer.
const WHOLE_BLOCKS: usize = 128;

/// An instance with a loaded map. It stays alive between batches: use it for one partition.
pub struct Mapper {
    live: Live,
    map: ComponentExportIndex,
    reads: Schema,
    writes: Schema,
    piece_rows: usize,
}

impl Mapper {
    pub(crate) fn load(
        stage: &Stage,
        params: &str,
        bound: &Bound,
        state: &[u8],
        limits: &Limits,
    ) -> Result<Self> {
        let exports = stage.map_exports()?;
        let mut live = Live::start(stage, limits, None)?;
        let guest = live.load(|store, instance| exports.guest.load(store, instance))?;
        let rows = convert::schema_to_guest(&bound.reads);
        let writes = live.call(|store| guest.call_load(store, params, &rows, state))?;
        let writes = convert::schema_from_guest(writes);
        check_writes(&writes, &bound.mapping.writes)?;
        Ok(Self {
            live,
            map: exports.map,
            piece_rows: piece_rows(&bound.reads),
            reads: bound.reads.clone(),
            writes,
        })
    }

    /// The columns that it writes, every vector's width known.
    pub fn writes(&self) -> &Schema {
        &self.writes
    }

    /// Maps rows; their columns are those that the map reads, in its order.
    ///
    /// # Errors
    /// If the rows are not of that schema, if the answer is not of the announced one or has another
    /// number of rows, or with the stage's own words.
    pub fn map(&mut self, rows: &RecordBatch) -> Result<RecordBatch> {
        let count = rows.num_rows();
        // Each piece goes to its place while it is in the cache.
        let mut mapped = Assembler::new(&self.writes, count);
        // No rows are a piece as well: what a stage does with them is its own to answer.
        for start in (0..count.max(1)).step_by(self.piece_rows) {
            let length = self.piece_rows.min(count - start);
            self.piece(&rows.slice(start, length), &mut mapped)?;
        }
        mapped.finish().map_err(not_of_schema)
    }

    fn piece(&mut self, rows: &RecordBatch, mapped: &mut Assembler) -> Result<()> {
        let encoder = Encoder::new(&self.reads, rows)?;
        let count = self.live.map_rows(&self.map, &encoder, mapped)?;
        check_rows(rows.num_rows(), count)
    }

    /// Gives up the live instance, to be snapshotted.
    pub(crate) fn into_live(self) -> Live {
        self.live
    }
}

pub(crate) fn not_of_schema(error: TableError) -> Error {
    Error::contract(error.to_string())
}

pub(crate) fn check_rows(rows_in: usize, rows_out: usize) -> Result<()> {
    if rows_in == rows_out {
        return Ok(());
    }
    Err(Error::contract(format!(
        "{rows_in} rows in, {rows_out} rows out"
    )))
}

fn piece_rows(reads: &Schema) -> usize {
    let row: usize = reads
        .fields
        .iter()
        .map(|field| match field.data_type.to_arrow().primitive_width() {
            Some(width) => width,
            None => match field.data_type {
                trueline_table::DataType::Float32List(width) => 4 * width as usize,
                trueline_table::DataType::Float64List(width) => 8 * width as usize,
                _ => 16,
            },
        })
        .sum();
    let rows = PIECE_BYTES / row.max(1);
    (rows / WHOLE_BLOCKS * WHOLE_BLOCKS).max(PIECE_ROWS_MIN)
}

/// The loaded map must write what its signature said, vectors left open excepted.
fn check_writes(loaded: &Schema, signed: &Schema) -> Result<()> {
    let fits = loaded.fields.len() == signed.fields.len()
        && loaded
            .fields
            .iter()
            .zip(&signed.fields)
            .all(|(loaded, signed)| {
                loaded.name == signed.name
                    && loaded.data_type.fits(signed.data_type)
                    && loaded.nullable == signed.nullable
                    && loaded.role == signed.role
            });
    if fits {
        return Ok(());
    }
    let names = |schema: &Schema| {
        let columns = schema
            .fields
            .iter()
            .map(|field| format!("{} {}", field.name, field.data_type));
        columns.collect::<Vec<_>>().join(", ")
    };
    Err(Error::contract(format!(
        "its signature says that it writes ({}), loaded it writes ({})",
        names(signed),
        names(loaded)
    )))
}
