//! Schemas: what a column is called, what it holds and what it is for.

use crate::{DataType, Error, Field, Input, Result, Role, Schema};

impl Field {
    /// A nullable column with the role of a feature.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable: true,
            role: Role::Feature,
            elements: Vec::new(),
        }
    }

    /// The same column, never null.
    pub fn required(self) -> Self {
        Self {
            nullable: false,
            ..self
        }
    }

    /// The same column with another role.
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// The same vector column with names for its elements.
    pub fn with_elements(self, elements: Vec<String>) -> Self {
        Self { elements, ..self }
    }
}

impl DataType {
    /// Bytes that one value takes in a frame; `None` for bits and for values of no fixed width.
    pub fn byte_width(self) -> Option<usize> {
        match self {
            Self::Int32 | Self::Float32 | Self::Date => Some(4),
            Self::Int64 | Self::Float64 | Self::Timestamp => Some(8),
            Self::Float32List(width) => Some(4 * width as usize),
            Self::Float64List(width) => Some(8 * width as usize),
            Self::Boolean | Self::Utf8 | Self::Binary => None,
        }
    }

    /// Whether a value is a number, or a truth value that counts as 0 or 1.
    pub fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Boolean | Self::Int32 | Self::Int64 | Self::Float32 | Self::Float64
        )
    }

    /// Whether values are vectors of numbers.
    pub fn is_vector(self) -> bool {
        matches!(self, Self::Float32List(_) | Self::Float64List(_))
    }
}

/// The name that pipeline files and messages use.
impl std::fmt::Display for DataType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Boolean => "boolean",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Utf8 => "utf8",
            Self::Binary => "binary",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Float32List(width) => return write!(f, "float32-list({width})"),
            Self::Float64List(width) => return write!(f, "float64-list({width})"),
        };
        f.write_str(name)
    }
}

/// As parameters and messages call it.
impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Feature => "feature",
            Self::Label => "label",
            Self::Weight => "weight",
            Self::Key => "key",
            Self::EventTime => "event_time",
            Self::Group => "group",
            Self::Prediction => "prediction",
        })
    }
}

/// Reads the name that [`Display`](std::fmt::Display) writes.
impl std::str::FromStr for DataType {
    type Err = Error;

    /// # Errors
    /// [`Error::Params`] with the valid names.
    fn from_str(name: &str) -> Result<Self> {
        let width = |list: &str| {
            name.strip_prefix(list)?
                .strip_prefix('(')?
                .strip_suffix(')')?
                .parse()
                .ok()
        };
        Ok(match name {
            "boolean" => Self::Boolean,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "float32" => Self::Float32,
            "float64" => Self::Float64,
            "utf8" => Self::Utf8,
            "binary" => Self::Binary,
            "timestamp" => Self::Timestamp,
            "date" => Self::Date,
            _ => match (width("float32-list"), width("float64-list")) {
                (Some(width), _) => Self::Float32List(width),
                (_, Some(width)) => Self::Float64List(width),
                _ => {
                    return Err(Error::params(format!(
                        "`{name}` is not a type; the types are boolean, int32, int64, float32, float64, utf8, \
                         binary, timestamp, date, float32-list(n), float64-list(n)"
                    )));
                }
            },
        })
    }
}

impl Schema {
    /// A schema of these columns.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        Self {
            fields: fields.into_iter().collect(),
        }
    }

    /// Where the column of this name is.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The column of this name.
    pub fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The column of this name, or an error that lists the columns there are.
    pub fn field(&self, name: &str) -> Result<&Field> {
        self.find(name).ok_or_else(|| {
            let names: Vec<_> = self
                .fields
                .iter()
                .map(|field| field.name.as_str())
                .collect();
            Error::schema(format!(
                "there is no column `{name}`; the columns are {}",
                names.join(", ")
            ))
        })
    }

    /// The columns with this role.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.role == role)
    }

    /// The column called `name`, or without a name the only one with the role; none if there is none.
    ///
    /// # Errors
    /// [`Error::Schema`] if there is no column of this name, or several have the role.
    pub fn named_or_with_role(&self, name: Option<&str>, role: Role) -> Result<Option<&Field>> {
        if let Some(name) = name {
            return self.field(name).map(Some);
        }
        let mut fields = self.with_role(role);
        match (fields.next(), fields.next()) {
            (Some(first), Some(second)) => Err(Error::schema(format!(
                "columns `{}` and `{}` both have the role {role}: name one with `{role}`",
                first.name, second.name
            ))),
            (first, _) => Ok(first),
        }
    }

    /// These columns of the schema, in this order.
    pub fn select(&self, names: &[String]) -> Result<Self> {
        let fields: Result<Vec<_>> = names.iter().map(|name| self.field(name).cloned()).collect();
        Ok(Self { fields: fields? })
    }
}

impl Input {
    /// The main input of a reduction.
    pub const ROWS: &'static str = "rows";
}

/// The name by which a reduction reads the number of each row, counted from 0 in the order of its input: an int64
/// column that is never null and that no table has, so it is in no schema that `describe` sees. A row keeps its number
/// wherever it is taken in, so what shows it may be mergeable.
pub const ROW_NUMBER: &str = "@row";

/// The schema of the input called `rows`, or an error that says the stage needs one.
pub fn rows(inputs: &[Input]) -> Result<&Schema> {
    inputs
        .iter()
        .find(|input| input.name == Input::ROWS)
        .map(|input| &input.schema)
        .ok_or_else(|| Error::schema("this stage reads rows: name them with `fit` or `in`"))
}
