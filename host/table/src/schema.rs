//! Schemas: what a column is called, what it holds and what it is for.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes as arrow_types;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The metadata key under which an Arrow field keeps its role.
const ROLE: &str = "trueline.role";
/// The metadata key under which an Arrow field keeps the names of a vector's elements, as JSON.
const ELEMENTS: &str = "trueline.elements";

/// The type of a column; `wit/types.wit` says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataType {
    Boolean,
    Int32,
    Int64,
    Float32,
    Float64,
    Utf8,
    Binary,
    /// Microseconds since the epoch, UTC.
    Timestamp,
    /// Days since the epoch.
    Date,
    /// A vector of so many float32 a row; 0 in a signature: known only once fitted.
    Float32List(u32),
    /// A vector of so many float64 a row; 0 in a signature: known only once fitted.
    Float64List(u32),
}

/// What a column is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    #[default]
    Feature,
    Label,
    Weight,
    Key,
    EventTime,
    Group,
    Prediction,
}

/// One column of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
    pub nullable: bool,
    #[serde(default)]
    pub role: Role,
    /// Names of a vector's elements, in order; empty if unknown or not a vector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<String>,
}

/// The columns of a table, in order; no two have the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    pub fields: Vec<Field>,
}

/// A schema of ours or of a [`TableSchema`].
pub trait AnySchema {
    /// The columns.
    fn schema(&self) -> &Schema;

    /// As [`Schema::to_arrow`].
    fn arrow(&self) -> arrow_types::SchemaRef;
}

/// A schema with Arrow's at hand: making that takes as long as answering a row.
#[derive(Clone, Debug)]
pub struct TableSchema {
    schema: Schema,
    arrow: arrow_types::SchemaRef,
}

impl From<Schema> for TableSchema {
    fn from(schema: Schema) -> Self {
        Self {
            arrow: schema.to_arrow(),
            schema,
        }
    }
}

impl Deref for TableSchema {
    type Target = Schema;

    fn deref(&self) -> &Schema {
        &self.schema
    }
}

impl AnySchema for Schema {
    fn schema(&self) -> &Schema {
        self
    }

    fn arrow(&self) -> arrow_types::SchemaRef {
        self.to_arrow()
    }
}

impl AnySchema for TableSchema {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn arrow(&self) -> arrow_types::SchemaRef {
        self.arrow.clone()
    }
}

impl Field {
    /// A nullable feature.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable: true,
            role: Role::Feature,
            elements: Vec::new(),
        }
    }

    /// The same column with another role.
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
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
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// Whether a vector has a width that only a fitted stage upstream will tell.
    pub fn has_open_width(&self) -> bool {
        self.fields.iter().any(|field| {
            matches!(
                field.data_type,
                DataType::Float32List(0) | DataType::Float64List(0)
            )
        })
    }

    /// These columns, in this order.
    ///
    /// # Errors
    /// [`Error::NoSuchColumn`] for the first name that the schema lacks.
    pub fn select(&self, names: &[String]) -> Result<Self> {
        let find = |name: &String| {
            self.field(name)
                .cloned()
                .ok_or_else(|| Error::NoSuchColumn {
                    name: name.clone(),
                    columns: self.names().map(str::to_owned).collect(),
                })
        };
        Ok(Self {
            fields: names.iter().map(find).collect::<Result<_>>()?,
        })
    }

    /// The Arrow schema, roles and element names in its metadata.
    pub fn to_arrow(&self) -> arrow_types::SchemaRef {
        Arc::new(arrow_types::Schema::new(
            self.fields.iter().map(Field::to_arrow).collect::<Vec<_>>(),
        ))
    }

    /// Reads an Arrow schema whose types are the contract's own; [`normalize`](crate::normalize) makes
    /// a batch of such types.
    ///
    /// # Errors
    /// [`Error::UnsupportedType`] or [`Error::DuplicateColumn`].
    pub fn from_arrow(schema: &arrow_types::Schema) -> Result<Self> {
        let fields = schema.fields().iter().map(|field| Field::from_arrow(field));
        let schema = Self {
            fields: fields.collect::<Result<_>>()?,
        };
        for (index, field) in schema.fields.iter().enumerate() {
            if schema.index_of(&field.name) != Some(index) {
                return Err(Error::DuplicateColumn {
                    name: field.name.clone(),
                });
            }
        }
        Ok(schema)
    }
}

impl Field {
    /// The Arrow field, role and element names in its metadata.
    pub fn to_arrow(&self) -> arrow_types::Field {
        let mut metadata = std::collections::HashMap::new();
        if self.role != Role::Feature {
            metadata.insert(ROLE.to_owned(), self.role.to_string());
        }
        if !self.elements.is_empty() {
            let names = serde_json::Value::from(self.elements.clone());
            metadata.insert(ELEMENTS.to_owned(), names.to_string());
        }
        arrow_types::Field::new(&self.name, self.data_type.to_arrow(), self.nullable)
            .with_metadata(metadata)
    }

    /// Reads an Arrow field of one of the contract's own types.
    ///
    /// # Errors
    /// [`Error::UnsupportedType`] for any other type.
    pub fn from_arrow(field: &arrow_types::Field) -> Result<Self> {
        let unsupported = || Error::UnsupportedType {
            column: field.name().clone(),
            data_type: field.data_type().to_string(),
        };
        let role = field
            .metadata()
            .get(ROLE)
            .map_or(Ok(Role::Feature), |role| role.parse());
        let elements = field
            .metadata()
            .get(ELEMENTS)
            .map(|names| serde_json::from_str(names));
        Ok(Self {
            name: field.name().clone(),
            data_type: DataType::from_arrow(field.data_type()).ok_or_else(unsupported)?,
            nullable: field.is_nullable(),
            role: role.map_err(|_: UnknownRole| unsupported())?,
            elements: elements
                .transpose()
                .map_err(|_| unsupported())?
                .unwrap_or_default(),
        })
    }
}

impl DataType {
    /// The Arrow type.
    pub fn to_arrow(self) -> arrow_types::DataType {
        use arrow_types::DataType as Arrow;
        let list = |item, width: u32| {
            let item = arrow_types::Field::new_list_field(item, false);
            Arrow::FixedSizeList(Arc::new(item), i32::try_from(width).unwrap_or(i32::MAX))
        };
        match self {
            Self::Boolean => Arrow::Boolean,
            Self::Int32 => Arrow::Int32,
            Self::Int64 => Arrow::Int64,
            Self::Float32 => Arrow::Float32,
            Self::Float64 => Arrow::Float64,
            Self::Utf8 => Arrow::Utf8,
            Self::Binary => Arrow::Binary,
            Self::Timestamp => {
                Arrow::Timestamp(arrow_types::TimeUnit::Microsecond, Some("UTC".into()))
            }
            Self::Date => Arrow::Date32,
            Self::Float32List(width) => list(Arrow::Float32, width),
            Self::Float64List(width) => list(Arrow::Float64, width),
        }
    }

    /// The contract's type, if the Arrow type is one of those that [`to_arrow`](Self::to_arrow) gives.
    pub fn from_arrow(data_type: &arrow_types::DataType) -> Option<Self> {
        use arrow_types::DataType as Arrow;
        Some(match data_type {
            Arrow::Boolean => Self::Boolean,
            Arrow::Int32 => Self::Int32,
            Arrow::Int64 => Self::Int64,
            Arrow::Float32 => Self::Float32,
            Arrow::Float64 => Self::Float64,
            Arrow::Utf8 => Self::Utf8,
            Arrow::Binary => Self::Binary,
            Arrow::Timestamp(arrow_types::TimeUnit::Microsecond, Some(zone))
                if &**zone == "UTC" =>
            {
                Self::Timestamp
            }
            Arrow::Date32 => Self::Date,
            Arrow::FixedSizeList(item, width) if !item.is_nullable() => {
                let width = u32::try_from(*width).ok()?;
                match item.data_type() {
                    Arrow::Float32 => Self::Float32List(width),
                    Arrow::Float64 => Self::Float64List(width),
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// The code that stands for the type in a table digest, and a vector's width (else 0).
    pub(crate) fn code(self) -> (u8, u32) {
        match self {
            Self::Boolean => (0, 0),
            Self::Int32 => (1, 0),
            Self::Int64 => (2, 0),
            Self::Float32 => (3, 0),
            Self::Float64 => (4, 0),
            Self::Utf8 => (5, 0),
            Self::Binary => (6, 0),
            Self::Timestamp => (7, 0),
            Self::Date => (8, 0),
            Self::Float32List(width) => (9, width),
            Self::Float64List(width) => (10, width),
        }
    }

    /// Bytes that one value takes in a frame; `None` for bits and for values of no fixed width.
    pub(crate) fn byte_width(self) -> Option<usize> {
        match self {
            Self::Int32 | Self::Float32 | Self::Date => Some(4),
            Self::Int64 | Self::Float64 | Self::Timestamp => Some(8),
            Self::Float32List(width) => Some(4 * width as usize),
            Self::Float64List(width) => Some(8 * width as usize),
            Self::Boolean | Self::Utf8 | Self::Binary => None,
        }
    }

    /// Whether a table of `self` fits where `declared` was announced: equal, or a vector whose width
    /// was left open.
    pub fn fits(self, declared: Self) -> bool {
        self == declared
            || matches!(
                (self, declared),
                (Self::Float32List(_), Self::Float32List(0))
                    | (Self::Float64List(_), Self::Float64List(0))
            )
    }
}

/// The name that pipeline files and messages use: `float64`, `float32-list(12)`.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            Self::Float32List(width) => return f.pad(&format!("float32-list({width})")),
            Self::Float64List(width) => return f.pad(&format!("float64-list({width})")),
        };
        f.pad(name)
    }
}

/// A text that names no type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a type; the types are boolean, int32, int64, float32, float64, utf8, binary, \
     timestamp, date, float32-list(n) and float64-list(n)"
)]
pub struct UnknownType(String);

impl FromStr for DataType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let width = |prefix: &str| -> Option<u32> {
            text.strip_prefix(prefix)?
                .strip_prefix('(')?
                .strip_suffix(')')?
                .parse()
                .ok()
        };
        Ok(match text {
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
                _ => return Err(UnknownType(text.to_owned())),
            },
        })
    }
}

impl Serialize for DataType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Feature => "feature",
            Self::Label => "label",
            Self::Weight => "weight",
            Self::Key => "key",
            Self::EventTime => "event-time",
            Self::Group => "group",
            Self::Prediction => "prediction",
        })
    }
}

/// A text that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a role; the roles are feature, label, weight, key, event-time, group and prediction"
)]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Ok(match text {
            "feature" => Self::Feature,
            "label" => Self::Label,
            "weight" => Self::Weight,
            "key" => Self::Key,
            "event-time" => Self::EventTime,
            "group" => Self::Group,
            "prediction" => Self::Prediction,
            _ => return Err(UnknownRole(text.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_survives_arrow_and_text() {
        use DataType::*;
        let types = [
            Boolean,
            Int32,
            Int64,
            Float32,
            Float64,
            Utf8,
            Binary,
            Timestamp,
            Date,
            Float32List(3),
            Float64List(137),
        ];
        for data_type in types {
            assert_eq!(DataType::from_arrow(&data_type.to_arrow()), Some(data_type));
            assert_eq!(data_type.to_string().parse(), Ok(data_type));
        }
        assert!("float16".parse::<DataType>().is_err());
    }

    #[test]
    fn roles_and_elements_survive_arrow() {
        let mut vector = Field::new("v", DataType::Float32List(2));
        vector.elements = vec!["a".into(), "b=\"c\"".into()];
        let schema = Schema::new([
            Field::new("late", DataType::Boolean).with_role(Role::Label),
            vector,
        ]);
        assert_eq!(Schema::from_arrow(&schema.to_arrow()).unwrap(), schema);
    }

    #[test]
    fn two_columns_of_one_name_are_refused() {
        let twice = Schema::new([
            Field::new("a", DataType::Int32),
            Field::new("a", DataType::Utf8),
        ]);
        let error = Schema::from_arrow(&twice.to_arrow()).unwrap_err();
        assert_eq!(error.to_string(), "two columns are called `a`");
    }
}
