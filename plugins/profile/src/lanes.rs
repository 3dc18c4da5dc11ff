//! What is profiled alone: a column, or an element of a vector.

use trueline_sdk::order::{self, Kind, Value};
use trueline_sdk::prelude::*;

use crate::Params;

/// A column, or an element of a vector column.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) column: String,
    pub(crate) data_type: DataType,
    /// Where the column is in a batch.
    place: usize,
    /// Which element, and what it is called.
    element: Option<(usize, String)>,
    pub(crate) kind: Kind,
}

/// The values of a lane in a batch.
pub(crate) struct Cells<'b> {
    column: &'b Column<'b>,
    rows: usize,
    keys: Vec<i64>,
}

/// The lanes of the columns that the parameters name, or of all.
///
/// # Errors
/// If one is not there, or edges are given for one that is not profiled or has no histogram.
pub(crate) fn lanes(params: &Params, schema: &Schema) -> Result<Vec<Lane>> {
    params.check()?;
    let names: Vec<&String> = match &params.columns {
        Some(columns) => columns.iter().collect(),
        None => schema.fields.iter().map(|field| &field.name).collect(),
    };
    let mut lanes = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(Error::params(format!("`columns` names `{name}` twice")));
        }
        lanes.extend(Lane::of(
            schema.field(name)?,
            schema.index_of(name).unwrap_or_default(),
        ));
    }
    for name in params.edges.keys() {
        let with_edges = lanes.iter().find(|lane| lane.column == *name);
        let lane = with_edges.ok_or_else(|| {
            Error::params(format!("`edges` names `{name}`, which is not profiled"))
        })?;
        if !lane.kind.has_range() {
            return Err(Error::params(format!(
                "`edges`: column `{name}` is {}, which has no histogram",
                lane.data_type
            )));
        }
    }
    Ok(lanes)
}

impl Lane {
    fn of(field: &Field, place: usize) -> Vec<Self> {
        let lane = |element, kind| Self {
            column: field.name.clone(),
            data_type: field.data_type,
            place,
            element,
            kind,
        };
        let (width, kind) = match field.data_type {
            DataType::Float32List(width) => (width, Kind::Float32),
            DataType::Float64List(width) => (width, Kind::Float64),
            data_type => return vec![lane(None, Kind::of(data_type))],
        };
        let name = |at: usize| match field.elements.get(at) {
            Some(name) => name.clone(),
            None => at.to_string(),
        };
        (0..width as usize)
            .map(|at| lane(Some((at, name(at))), kind))
            .collect()
    }

    /// The name of the element, of a vector.
    pub(crate) fn element(&self) -> Option<&str> {
        self.element.as_ref().map(|(_, name)| name.as_str())
    }

    /// Its values in a batch.
    pub(crate) fn cells<'b>(&self, batch: &'b Batch<'b>) -> Result<Cells<'b>> {
        let (column, rows) = (batch.column(self.place), batch.rows());
        let at = self.element.as_ref().map_or(0, |(at, _)| *at);
        let keys = match &column.values {
            Values::Utf8(_) | Values::Binary(_) => Vec::new(),
            Values::Float32List(width, values) => {
                let element = values.iter().skip(at).step_by((*width).max(1));
                element.map(|&value| order::key(f64::from(value))).collect()
            }
            Values::Float64List(width, values) => {
                let element = values.iter().skip(at).step_by((*width).max(1));
                element.map(|&value| order::key(value)).collect()
            }
            _ => order::keys(column, rows)?,
        };
        Ok(Cells { column, rows, keys })
    }

    /// A value as a number, of any kind that has a range.
    pub(crate) fn number(&self, key: i64) -> f64 {
        if self.kind.is_float() {
            order::float(key)
        } else {
            key as f64
        }
    }
}

impl Cells<'_> {
    pub(crate) fn nulls(&self) -> u64 {
        self.column.validity.null_count() as u64
    }

    /// The keys of values that are not null, of any kind but text and bytes.
    pub(crate) fn keys(&self) -> impl Iterator<Item = i64> {
        let keys = self.keys.iter().enumerate();
        keys.filter(|(row, _)| self.column.is_valid(*row))
            .map(|(_, &key)| key)
    }

    /// Every value that is not null. Bytes are written in hexadecimal digits.
    pub(crate) fn each(&self, mut take: impl FnMut(Value)) {
        let valid = (0..self.rows).filter(|&row| self.column.is_valid(row));
        match &self.column.values {
            Values::Utf8(texts) => {
                valid.for_each(|row| take(Value::Text(texts.get(row).to_owned())))
            }
            Values::Binary(blobs) => {
                valid.for_each(|row| take(Value::Text(hexadecimal(blobs.get(row)))))
            }
            _ => valid.for_each(|row| take(Value::Key(self.keys[row]))),
        }
    }

    /// The characters of each text or bytes of each binary that is not null; none of other columns.
    pub(crate) fn lengths(&self) -> Option<Vec<u64>> {
        let valid = (0..self.rows).filter(|&row| self.column.is_valid(row));
        Some(match &self.column.values {
            Values::Utf8(texts) => valid
                .map(|row| texts.get(row).chars().count() as u64)
                .collect(),
            Values::Binary(blobs) => valid.map(|row| blobs.get(row).len() as u64).collect(),
            _ => return None,
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
