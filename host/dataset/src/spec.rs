//! How a dataset is declared: the keys of a `[dataset.<name>]` table.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use trueline_table::DataType;

/// A dataset as it is declared, before anything is looked at.
///
/// ```
/// let spec: trueline_dataset::DatasetSpec = toml::from_str(
///     r#"
///     path = "data/flights.parquet"
///     join = [{ with = "weather", on = ["origin", "time_hour"], take = ["temp"] }]
///     where = "arr_delay != null"
///     label = { name = "late", value = "arr_delay > 15" }
///     split = { by = "time_hour", test_from = "2013-10-01T00:00:00Z" }
///     "#,
/// )?;
/// assert_eq!(spec.join[0].with, "weather");
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct DatasetSpec {
    /// Files, relative to the pipeline file; `*`, `?`, `[..]` and `**` match files, which are then
    /// read in the bytewise order of their paths.
    #[serde(default)]
    pub path: OneOrMany,
    /// Instead of files: rows of another dataset with features of a feature store.
    #[serde(default)]
    pub features: Option<FeaturesSpec>,
    /// What the files are; by default their extension says it.
    #[serde(default)]
    pub format: Option<Format>,
    #[serde(default)]
    pub csv: CsvOptions,
    /// Types of columns where the file's own, or what would be inferred, is not wanted.
    #[serde(default)]
    pub types: BTreeMap<String, DataType>,
    /// Columns of other datasets, one after the other.
    #[serde(default)]
    pub join: Vec<JoinSpec>,
    /// The columns that identify a row. They get the role key.
    #[serde(default)]
    pub key: OneOrMany,
    /// A condition over the columns, joined ones included; rows for which it is false or null are
    /// left out.
    #[serde(default, rename = "where")]
    pub condition: Option<String>,
    #[serde(default)]
    pub label: Option<LabelSpec>,
    /// The column with the role weight.
    #[serde(default)]
    pub weight: Option<String>,
    /// The column with the role event-time. By default the column that the rows are split by, if it
    /// is a timestamp and not part of the key.
    #[serde(default)]
    pub event_time: Option<String>,
    /// The column with the role group.
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub split: Option<SplitSpec>,
    /// The columns to keep, in this order, and a computed label; by default all.
    #[serde(default)]
    pub select: Option<Vec<String>>,
    /// Columns to leave out. Conditions, labels, joins and splits may still read them.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Whether a run keeps a copy of the files.
    #[serde(default)]
    pub pin: PinPolicy,
}

/// The rows of a spine with the features of a service, each as of the row's instant.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct FeaturesSpec {
    /// The feature file, relative to the pipeline file.
    #[serde(default = "usual_feature_file")]
    pub file: String,
    pub service: String,
    /// A dataset, or files as in `path`: rows with the join keys of the features, and an instant each.
    pub spine: String,
    /// The spine's column of instants; by default `event_timestamp`, or the only one that is a time.
    #[serde(default)]
    pub time: Option<String>,
    /// Whether features are called `view__feature`.
    #[serde(default)]
    pub full_names: bool,
}

/// What a feature file is called unless it is said otherwise.
fn usual_feature_file() -> String {
    "features.toml".to_owned()
}

/// One text or a list of them.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(untagged, expecting = "a string or a list of strings")]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    Parquet,
    /// One JSON object a line.
    Ndjson,
    /// Arrow's IPC, as a file or as a stream.
    Arrow,
}

/// How CSV files are written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a table, such as { delimiter = \";\", null = [\"\"] }"
)]
pub struct CsvOptions {
    /// What stands between two values: one ASCII character.
    pub delimiter: char,
    /// The texts that stand for a missing value, quoted or not. The default, nothing and `NA`, is
    /// what pandas and R write; a column where `NA` means something needs `null = [""]`.
    pub null: Vec<String>,
}

/// What a run keeps of the files it read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PinPolicy {
    /// A copy, so that the run can be reproduced.
    #[default]
    Copy,
    /// Only their digests; `reproduce` then names what is missing.
    Reference,
}

/// A left join by a unique key: each row gets the columns of the one row of the other dataset that has
/// its key, or nulls if there is none. A null in a key matches nothing.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table, such as { with = \"weather\", on = \"time_hour\" }"
)]
pub struct JoinSpec {
    /// The other dataset. It is kept in memory, at most [`MAX_JOIN_BYTES`](crate::MAX_JOIN_BYTES).
    pub with: String,
    pub on: JoinOn,
    /// The columns to take; by default all but the key.
    #[serde(default)]
    pub take: Option<Vec<String>>,
    /// Put before the names of the taken columns.
    #[serde(default)]
    pub prefix: String,
}

/// The columns to join by: names that both sides have, or this side's names with the other's.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "a name, a list of names, or a table of this dataset's names to the other's"
)]
pub enum JoinOn {
    Same(OneOrMany),
    Pairs(BTreeMap<String, String>),
}

/// What a model learns to predict.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table, such as { name = \"late\", value = \"delay > 10\" }"
)]
pub struct LabelSpec {
    pub name: String,
    /// What computes it; without, the column of this name is the label.
    #[serde(default)]
    pub value: Option<String>,
}

/// How the rows are divided into train, valid and test.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table, such as { by = \"at\", test_from = \"2020-01-13\" }"
)]
pub struct SplitSpec {
    /// A timestamp or date column; or, with shares, the columns whose hash decides, so that rows which
    /// agree in them stay together.
    pub by: OneOrMany,
    /// From when on rows are in valid; without, there is no valid part.
    #[serde(default)]
    pub valid_from: Option<String>,
    /// From when on rows are in test.
    #[serde(default)]
    pub test_from: Option<String>,
    /// The share of rows in valid, from 0 to 1.
    #[serde(default)]
    pub valid: Option<f64>,
    /// The share of rows in test, from 0 to 1.
    #[serde(default)]
    pub test: Option<f64>,
}

impl DatasetSpec {
    /// All the rows and columns of these files.
    pub fn of_files(path: impl Into<OneOrMany>) -> Self {
        Self {
            path: path.into(),
            features: None,
            format: None,
            csv: CsvOptions::default(),
            types: BTreeMap::new(),
            join: Vec::new(),
            key: OneOrMany::default(),
            condition: None,
            label: None,
            weight: None,
            event_time: None,
            group: None,
            split: None,
            select: None,
            drop: Vec::new(),
            pin: PinPolicy::default(),
        }
    }
}

/// A file's path as a `path` that means this file, whatever characters it has.
pub fn literal_path(path: &Path) -> String {
    let mut text = String::new();
    for character in path.to_string_lossy().chars() {
        match character {
            '*' | '?' | '[' => text.extend(['[', character, ']']),
            _ => text.push(character),
        }
    }
    text
}

impl OneOrMany {
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl From<&str> for OneOrMany {
    fn from(one: &str) -> Self {
        Self::One(one.to_owned())
    }
}

impl From<Vec<String>> for OneOrMany {
    fn from(many: Vec<String>) -> Self {
        Self::Many(many)
    }
}

impl JoinOn {
    /// Pairs of this side's and the other side's names.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Same(names) => names
                .as_slice()
                .iter()
                .map(|name| (name.as_str(), name.as_str()))
                .collect(),
            Self::Pairs(pairs) => pairs
                .iter()
                .map(|(this, other)| (this.as_str(), other.as_str()))
                .collect(),
        }
    }
}

impl Format {
    /// The format that a file's extension names.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "parquet" => Self::Parquet,
            "ndjson" | "jsonl" => Self::Ndjson,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            _ => return None,
        })
    }
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: ',',
            null: vec![String::new(), "NA".to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_key() {
        let spec: DatasetSpec = toml::from_str(
            r#"
            path = ["a/*.csv", "b.csv"]
            format = "csv"
            csv = { delimiter = ";", null = ["-"] }
            types = { zip = "utf8", at = "timestamp" }
            join = [{ with = "w", on = { dest = "faa" }, take = ["lat"], prefix = "dest_" }, { with = "v", on = "k" }]
            key = "id"
            where = "a > 1"
            label = { name = "y" }
            weight = "w"
            event_time = "at"
            group = "g"
            split = { by = ["id"], valid = 0.1, test = 0.2 }
            select = ["id", "y"]
            drop = ["b"]
            pin = "reference"
            "#,
        )
        .unwrap();
        assert_eq!(spec.path.as_slice(), ["a/*.csv", "b.csv"]);
        assert_eq!(
            spec.csv,
            CsvOptions {
                delimiter: ';',
                null: vec!["-".to_owned()]
            }
        );
        assert_eq!(spec.types["at"], DataType::Timestamp);
        assert_eq!(spec.join[0].on.pairs(), [("dest", "faa")]);
        assert_eq!(spec.join[1].on.pairs(), [("k", "k")]);
        assert_eq!(spec.condition.as_deref(), Some("a > 1"));
        assert_eq!(spec.pin, PinPolicy::Reference);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let check = |toml: &str, expected: &str| {
            let error = toml::from_str::<DatasetSpec>(toml).unwrap_err().to_string();
            assert!(error.contains(expected), "{toml}: {error}");
        };
        check("path = 'a.csv'\nlabels = 'y'", "unknown field `labels`");
        check("path = 3", "a string or a list of strings");
        check("path = 'a'\nformat = 'xlsx'", "unknown variant `xlsx`");
        check("path = 'a'\ntypes = { a = 'int' }", "`int` is not a type");
        check(
            "path = 'a'\nsplit = { by = 'a', train = 0.5 }",
            "unknown field `train`",
        );
        check("features = { service = 's' }", "missing field `spine`");
    }
}
