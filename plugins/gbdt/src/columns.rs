//! Where features, label and weight are in a table, and how they become float32.

use std::{collections::BTreeMap, ops::Range};

use trueline_sdk::{Batch, Column, DataType, Error, Field, Result, Role, Schema, Values};

use crate::{
    cuts::{MAX_BINS, is_category},
    num::{to_f32, to_index},
    params::Params,
};

/// The feature columns of a schema; side by side they are the row that a model sees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Features {
    columns: Vec<String>,
    /// Column of the batch, and the first feature that comes from it.
    places: Vec<(usize, usize)>,
    /// A name for every feature, if the widths of all vectors are known.
    names: Vec<String>,
}

impl Features {
    /// Finds the columns that the parameters name.
    ///
    /// # Errors
    /// [`Error::Schema`] if one is not there or holds no numbers.
    pub(crate) fn find(params: &Params, schema: &Schema) -> Result<Self> {
        if params.features.is_empty() {
            return Err(Error::params(
                "`features` is empty: name at least one column to learn from",
            ));
        }
        let mut features = Self {
            columns: params.features.clone(),
            places: Vec::new(),
            names: Vec::new(),
        };
        for name in &params.features {
            let field = schema.field(name)?;
            if schema
                .fields
                .iter()
                .filter(|other| other.name == *name)
                .count()
                > 1
                || params
                    .features
                    .iter()
                    .filter(|other| *other == name)
                    .count()
                    > 1
            {
                return Err(Error::schema(format!(
                    "the column `{name}` is there more than once"
                )));
            }
            features.places.push((
                schema.index_of(name).unwrap_or_default(),
                features.names.len(),
            ));
            let is_category = params.categorical.contains(name);
            features
                .names
                .append(&mut element_names(field, is_category)?);
        }
        Ok(features)
    }

    /// The names of the columns.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Features per row; 0 for each vector whose width is not known yet.
    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// Whether the width of a vector is not known yet.
    pub(crate) fn has_open_width(&self) -> bool {
        let firsts = self.places.iter().map(|&(_, first)| first);
        let ends = firsts.clone().skip(1).chain([self.count()]);
        firsts.zip(ends).any(|(first, end)| first == end)
    }

    /// The name of each feature: a column's, or a vector element's.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The features of some rows, row-major, missing values as NaN: in place if they stand so in the
    /// batch, else written to `scratch`.
    pub(crate) fn read<'a>(
        &self,
        batch: &'a Batch<'_>,
        rows: Range<usize>,
        scratch: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        let count = self.count();
        if let [(at, _)] = self.places[..] {
            let column = batch.column(at);
            if let (Values::Float32List(_, values), 0) =
                (&column.values, column.validity.null_count())
            {
                return &values[rows.start * count..rows.end * count];
            }
        }
        scratch.clear();
        scratch.resize(rows.len() * count, 0.0);
        for (place, &(at, first)) in self.places.iter().enumerate() {
            let width = self.places.get(place + 1).map_or(count, |&(_, next)| next) - first;
            write_column(batch.column(at), rows.clone(), width, scratch, first, count);
        }
        scratch
    }
}

/// Refuses what is no category where one must be. `rows` is row-major, its first row the so-manieth.
///
/// # Errors
/// [`Error::Data`] with the feature, the row and the value.
pub(crate) fn check_categories(
    rows: &[f32],
    first_row: usize,
    categorical: &[usize],
    names: &[String],
) -> Result<()> {
    for &feature in categorical {
        let values = rows.iter().skip(feature).step_by(names.len());
        for (row, &value) in (first_row..).zip(values) {
            if !value.is_nan() && !is_category(value) {
                return Err(Error::data(format!(
                    "column `{}`, row {row}: {value} is no category; those are whole numbers from 0 to {}",
                    names[feature],
                    MAX_BINS - 1
                )));
            }
        }
    }
    Ok(())
}

/// Numbers groups in the order in which they are met.
#[derive(Debug, Default)]
pub(crate) struct GroupNumbers(BTreeMap<Vec<u8>, u32>);

impl GroupNumbers {
    /// The number of the group of each row.
    ///
    /// # Errors
    /// [`Error::Data`] if a row has none.
    pub(crate) fn read(
        &mut self,
        name: &str,
        column: &Column<'_>,
        rows: Range<usize>,
        first_row: usize,
    ) -> Result<Vec<u32>> {
        let mut numbers = Vec::with_capacity(rows.len());
        let mut key = Vec::new();
        for (at, row) in rows.zip(first_row..) {
            if !column.is_valid(at) {
                return Err(Error::data(format!(
                    "column `{name}`, row {row} is null: every row needs a group"
                )));
            }
            key.clear();
            match &column.values {
                Values::Boolean(bits) => key.push(bits[at / 8] >> (at % 8) & 1),
                Values::Int32(values) | Values::Date(values) => {
                    key.extend(values[at].to_be_bytes());
                }
                Values::Int64(values) | Values::Timestamp(values) => {
                    key.extend(values[at].to_be_bytes());
                }
                // Adding zero turns -0.0 into 0.0.
                Values::Float32(values) => key.extend((values[at] + 0.0).to_be_bytes()),
                Values::Float64(values) => key.extend((values[at] + 0.0).to_be_bytes()),
                Values::Utf8(texts) => key.extend(texts.get(at).bytes()),
                Values::Binary(blobs) => key.extend(blobs.get(at)),
                Values::Float32List(..) | Values::Float64List(..) => {
                    return Err(Error::schema(format!(
                        "the column `{name}` is a vector; a group is a single value"
                    )));
                }
            }
            let next = to_index(self.0.len());
            match self.0.get(&key) {
                Some(&number) => numbers.push(number),
                None => {
                    self.0.insert(key.clone(), next);
                    numbers.push(next);
                }
            }
        }
        Ok(numbers)
    }
}

/// The names of the features that a column makes.
fn element_names(field: &Field, is_category: bool) -> Result<Vec<String>> {
    match field.data_type {
        DataType::Float32List(width) | DataType::Float64List(width) => {
            if field.elements.len() == width as usize {
                return Ok(field.elements.clone());
            }
            Ok((0..width)
                .map(|element| format!("{}_{element}", field.name))
                .collect())
        }
        numeric if numeric.is_numeric() => Ok(vec![field.name.clone()]),
        DataType::Utf8 => Err(Error::schema(format!(
            "the column `{name}` is utf8; features are numbers, booleans or vectors: number its categories \
             before, with the step {{ op = \"ordinal\", columns = \"{name}\", unknown = \"null\" }} of `tabular`{also}",
            name = field.name,
            also = match is_category {
                true => "",
                false => ", and name it in `categorical`",
            }
        ))),
        other => Err(Error::schema(format!(
            "the column `{}` is {other}; features are numbers, booleans or vectors: encode it before, with \
             `tabular` for example",
            field.name
        ))),
    }
}

/// The label, weight or group column of a schema.
///
/// # Errors
/// [`Error::Schema`] if the named column is not there, if several have the role, or if it holds no
/// numbers, as labels and weights must.
pub(crate) fn find_one<'s>(
    name: Option<&str>,
    role: Role,
    schema: &'s Schema,
) -> Result<Option<&'s Field>> {
    let found = match name {
        Some(name) => Some(schema.field(name)?),
        None => {
            let mut with_role = schema.with_role(role);
            let first = with_role.next();
            if let (Some(first), Some(second)) = (first, with_role.next()) {
                return Err(Error::schema(format!(
                    "`{}` and `{}` both have the role {}: name the one to use",
                    first.name,
                    second.name,
                    match role {
                        Role::Label => "label",
                        Role::Group => "group",
                        _ => "weight",
                    }
                )));
            }
            first
        }
    };
    match found {
        Some(field) if role != Role::Group && !field.data_type.is_numeric() => {
            let number_it = match (role, field.data_type) {
                (Role::Label, DataType::Utf8) => format!(
                    ": number its classes before, with the step {{ op = \"ordinal\", columns = \"{}\" }} of `tabular`",
                    field.name
                ),
                _ => String::new(),
            };
            Err(Error::schema(format!(
                "the column `{}` is {}, but must be a number{number_it}",
                field.name, field.data_type
            )))
        }
        found => Ok(found),
    }
}

/// A column of single numbers as float32, nulls as NaN.
pub(crate) fn read_numbers(column: &Column<'_>, rows: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; rows];
    write_column(column, 0..rows, 1, &mut numbers, 0, 1);
    numbers
}

/// Writes the rows of a column into a row-major table of `stride` features, from feature `first` on.
fn write_column(
    column: &Column<'_>,
    rows: Range<usize>,
    width: usize,
    out: &mut [f32],
    first: usize,
    stride: usize,
) {
    let mut write = |value: &dyn Fn(usize) -> f32| {
        for (row, to) in rows.clone().zip(out[first..].chunks_mut(stride)) {
            for (element, to) in to[..width].iter_mut().enumerate() {
                *to = value(row * width + element);
            }
        }
    };
    match &column.values {
        Values::Float32(values) | Values::Float32List(_, values) => write(&|at| values[at]),
        Values::Float64(values) | Values::Float64List(_, values) => write(&|at| to_f32(values[at])),
        Values::Int32(values) | Values::Date(values) => write(&|at| values[at] as f32),
        Values::Int64(values) | Values::Timestamp(values) => write(&|at| values[at] as f32),
        Values::Boolean(bits) => write(&|at| f32::from(bits[at / 8] >> (at % 8) & 1)),
        // `find` and `find_one` admit numbers only.
        Values::Utf8(_) | Values::Binary(_) => write(&|_| f32::NAN),
    }
    if column.validity.null_count() > 0 {
        for (row, to) in rows.zip(out[first..].chunks_mut(stride)) {
            if !column.is_valid(row) {
                to[..width].fill(f32::NAN);
            }
        }
    }
}
