//! What is defined: entities, sources, feature views and feature services, checked.
//!
//! The version of a view or service is the digest of what it means: not of its description, owner or
//! tags, nor of where the file with it stands. Names point to versions, and a version never changes.

mod aggregate;
mod check;
mod derived;
mod expectations;
mod file;
mod plan;
mod transform;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trueline_dataset::{DatasetSpec, Format};
use trueline_runtime::Manifest;
use trueline_table::{DataType, Digest, Field, Schema};

pub use aggregate::{Aggregate, Aggregates, Function};
pub use check::{check, check_with};
pub(crate) use check::{open, same_key_type};
pub use derived::{AnyView, DerivedInput, DerivedView};
pub(crate) use plan::plan;
pub use plan::{Change, Kind, Planned};
pub(crate) use transform::Parts;
pub use transform::Tools;

use crate::contract::{Knowledge, Rule};

/// All that a feature file defines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definitions {
    pub entities: BTreeMap<String, Entity>,
    pub sources: BTreeMap<String, Source>,
    /// Views of sources.
    pub views: BTreeMap<String, View>,
    /// Views of other views, of requests, or of both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub derived: BTreeMap<String, DerivedView>,
    pub services: BTreeMap<String, Service>,
    /// The address of the online store, if it is not the SQLite file of the home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<String>,
    /// What people say about them, by kind and name.
    pub about: BTreeMap<Kind, BTreeMap<String, About>>,
    /// The bytes that views name by digest, of definitions that come from a file.
    #[serde(skip)]
    pub(crate) parts: Parts,
}

/// What is said about a definition; no part of its version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// What features describe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    pub name: String,
    /// The columns that identify one, by name.
    pub keys: BTreeMap<String, DataType>,
}

/// Where rows come from: files, pushes, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    pub name: String,
    pub columns: Vec<Column>,
    /// The instant of the event: a column, or an expression over the columns. Without, rows of files have always
    /// been so, and pushed rows are so from when they are taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<String>,
    /// The column with the instant at which a row was made, and known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// What rows must be like to be taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expected>,
}

/// The stream of a Redis that a source is read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The address of the server, without a password.
    pub redis: String,
    pub key: String,
    /// The field of an entry that holds a row as a JSON object; without, the fields are the columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// A component that looks at rows before they are taken in, and what it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub component: Digest,
    /// JSON.
    pub params: String,
}

/// The files that a source is loaded from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Relative to the feature file.
    pub path: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The rows to take, as a condition.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Types that are not those of the files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, DataType>,
}

/// A column of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
}

/// A group of features of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    pub name: String,
    pub entities: Vec<String>,
    /// The columns that identify what it describes, in the order of their names.
    pub keys: Vec<JoinKey>,
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// In the order of the file.
    pub features: Vec<Feature>,
    /// How the features are computed of the rows in windows, if they are not the columns of one row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregates: Option<Aggregates>,
    /// How old a value may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_us: Option<i64>,
    /// What computes the features of the rows of the source, one row each; without, they are its columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<Manifest>,
}

/// A column that identifies an entity, and what its source calls it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JoinKey {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
    pub column: String,
}

/// A feature of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// What its source, or what computes it, calls it.
    pub column: String,
}

/// Features that are read together, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub features: Vec<ServiceFeature>,
}

/// A feature of a service, of one version of its view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceFeature {
    pub view: String,
    pub version: Digest,
    pub feature: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
}

impl Definitions {
    /// The view of that name, whatever it is of.
    pub fn view(&self, name: &str) -> Option<AnyView> {
        let of_source = self.views.get(name).cloned().map(AnyView::Source);
        of_source.or_else(|| self.derived.get(name).cloned().map(AnyView::Derived))
    }

    /// The names of all views.
    pub fn view_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.views
            .keys()
            .chain(self.derived.keys())
            .map(String::as_str)
    }
}

impl View {
    /// Names what it means.
    pub fn version(&self) -> Digest {
        version(self)
    }

    /// The rule by which its rows are chosen.
    pub fn rule(&self, knowledge: Knowledge) -> Rule {
        Rule {
            ttl_us: self.ttl_us,
            knowledge,
        }
    }

    /// The columns of its features.
    pub fn schema(&self) -> Schema {
        let field = |feature: &Feature| Field::new(&feature.name, feature.data_type);
        Schema::new(self.features.iter().map(field))
    }
}

impl Service {
    /// Names what it means.
    pub fn version(&self) -> Digest {
        version(self)
    }
}

impl Source {
    /// Its columns.
    pub fn schema(&self) -> Schema {
        let field = |column: &Column| Field::new(&column.name, column.data_type);
        Schema::new(self.columns.iter().map(field))
    }
}

impl Load {
    /// As a dataset of these files.
    pub(crate) fn dataset(&self, path: Vec<String>) -> DatasetSpec {
        DatasetSpec {
            format: self.format,
            types: self.types.clone(),
            condition: self.condition.clone(),
            ..DatasetSpec::of_files(trueline_dataset::OneOrMany::Many(path))
        }
    }
}

/// The digest of a definition's JSON, whose keys stand in the order of the struct's fields.
fn version(definition: &impl Serialize) -> Digest {
    // Texts, numbers and maps with text keys always have a JSON.
    Digest::of(&serde_json::to_vec(definition).unwrap_or_default())
}
