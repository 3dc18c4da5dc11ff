//! Rows on their way through a chain. What a link writes goes to the next one as it lies in its frame; only what
//! somebody asks for becomes Arrow.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use trueline_table::frame::{Frame, Source};
use trueline_table::{Error as TableError, Field, Schema};

use crate::applied::batch;
use crate::bake::Baked;
use crate::stage::Bound;
use crate::{Error, Limits, Result};

/// Of so few rows the instances of all links end together, which is quicker. Of more, each ends before the next one
/// begins, so that their memories are not there at once.
const ROWS_TOGETHER: usize = 256;

/// Where a column is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Request(usize),
    Written { link: usize, column: usize },
}

/// Baked maps, in order. Every run takes fresh instances.
pub(super) struct Chain {
    links: Vec<Link>,
    /// The columns that there are behind the last link.
    table: Vec<(Field, Place)>,
}

struct Link {
    reads: Vec<Place>,
    baked: Baked,
}

impl Chain {
    /// No links; tables are of this schema.
    pub(super) fn new(input: &Schema) -> Self {
        let place = |(index, field): (usize, &Field)| (field.clone(), Place::Request(index));
        Self {
            links: Vec::new(),
            table: input.fields.iter().enumerate().map(place).collect(),
        }
    }

    /// Adds a map that was bound to the table behind the last link.
    ///
    /// # Errors
    /// If the table lacks a column that the map reads, or has it of another type.
    pub(super) fn push(&mut self, bound: &Bound, baked: Baked) -> Result<()> {
        let before = Schema::new(self.table.iter().map(|(field, _)| field.clone()));
        let reads = bound.reads.fields.iter().map(|field| {
            let found = self
                .table
                .iter()
                .find(|(found, _)| found.name == field.name);
            match found {
                Some((found, place)) if found.data_type == field.data_type => Ok(*place),
                Some((found, _)) => Err(TableError::Mismatch {
                    column: field.name.clone(),
                    found: found.data_type.to_string(),
                    expected: field.data_type.to_string(),
                }),
                None => Err(TableError::NoSuchColumn {
                    name: field.name.clone(),
                    columns: before.names().map(str::to_owned).collect(),
                }),
            }
        });
        let reads = reads.collect::<Result<_, _>>()?;
        let link = self.links.len();
        let after = bound.mapping.output(&before).fields.into_iter();
        let table = after.filter_map(|field| {
            let written = bound.mapping.writes.index_of(&field.name);
            let place = match written {
                Some(column) => Place::Written { link, column },
                None => self.table[before.index_of(&field.name)?].1,
            };
            Some((field, place))
        });
        self.table = table.collect();
        self.links.push(Link { reads, baked });
        Ok(())
    }

    /// The same, a call of whose links may take this and no more.
    pub(super) fn limited(&self, limits: &Limits) -> Self {
        let links = self.links.iter().map(|link| Link {
            reads: link.reads.clone(),
            baked: link.baked.limited(limits),
        });
        Self {
            links: links.collect(),
            table: self.table.clone(),
        }
    }

    /// What the links write, given the columns of a request.
    ///
    /// # Errors
    /// Whatever stopped a stage.
    pub(super) fn run(&self, request: &[ArrayRef], rows: usize) -> Result<Vec<Frame>> {
        let mut written: Vec<Frame> = Vec::with_capacity(self.links.len());
        let mut before = None;
        for link in &self.links {
            let columns = link.reads.iter().map(|place| match *place {
                Place::Request(index) => Source::Array(&request[index]),
                Place::Written { link, column } => Source::Frame(&written[link], column),
            });
            let (mapped, live) = link.baked.map_columns(before.take(), rows, columns)?;
            written.push(mapped);
            before = (rows <= ROWS_TOGETHER).then_some(live);
        }
        Ok(written)
    }

    /// All columns behind the last link.
    pub(super) fn table(&self) -> Columns {
        Columns::new(self.table.clone())
    }

    /// Those of them that have these names.
    pub(super) fn columns<'n>(&self, names: impl Iterator<Item = &'n str>) -> Columns {
        let find = |name| self.table.iter().find(|(field, _)| field.name == name);
        Columns::new(names.filter_map(find).cloned().collect())
    }
}

/// Columns that somebody asks for.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    columns: Vec<(Field, Place)>,
    schema: SchemaRef,
}

impl Columns {
    fn new(columns: Vec<(Field, Place)>) -> Self {
        let schema = Schema::new(columns.iter().map(|(field, _)| field.clone()));
        Self {
            columns,
            schema: schema.to_arrow(),
        }
    }

    /// As Arrow.
    ///
    /// # Errors
    /// None, of what the chain was run on.
    pub(super) fn batch(
        &self,
        request: &[ArrayRef],
        written: &[Frame],
        rows: usize,
    ) -> Result<RecordBatch> {
        let columns = self.columns.iter().map(|(field, place)| match *place {
            Place::Request(index) => Ok(request[index].clone()),
            Place::Written { link, column } => written[link].array(field, column),
        });
        let columns = columns.collect::<Result<_, _>>();
        batch(&self.schema, columns.map_err(Error::Rows)?, rows)
    }
}
