//! Packages: what serving runs. A chain of maps with their parameters and states, and nothing else.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};
use trueline_table::{Digest, Schema, TableSchema};

use crate::applied::request;
use crate::contract::Mapping;
use crate::stage::{Bound, Runtime};
use crate::{Error, Limits, PROFILE, Result};

mod chain;
mod file;
mod texts;
mod typed;

use chain::{Chain, Columns};

/// The version of the manifest that this crate writes and reads.
const FORMAT: u32 = 1;

/// What a package consists of, by digest. Its own digest covers exactly this, so two runs with the same
/// result make the same package; who made it, when, and what a gate said point at it from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this format.
    pub format: u32,
    /// The sandbox profile that its results depend on.
    pub profile: String,
    /// The columns that a request holds.
    pub input: Schema,
    /// The columns that an answer holds: what the last link writes.
    pub output: Schema,
    /// The maps, in order.
    pub chain: Vec<Link>,
    /// The feature service that some of the input comes from, if it was trained with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<ServiceFeatures>,
}

/// Columns of a request that a feature store can bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceFeatures {
    /// The feature service.
    pub service: String,
    /// Its version: what the features were in training.
    pub version: Digest,
    /// Whether its features are called `view__feature`.
    pub full_names: bool,
    /// The columns of the input that it brings.
    pub columns: Vec<String>,
}

/// One map of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Digest of the component.
    pub component: Digest,
    /// Its parameters.
    pub params: serde_json::Value,
    /// Digest of its state.
    pub state: Digest,
    /// The columns that it reads, in full.
    pub reads: Schema,
    /// The columns that it writes, every vector's width known.
    pub writes: Schema,
    /// Columns that the result no longer has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removes: Vec<String>,
}

impl Link {
    /// A link of the chain. `writes` is what the loaded map said; `params` is a JSON text.
    ///
    /// # Errors
    /// If `params` is not JSON.
    pub fn new(
        component: Digest,
        params: &str,
        bound: &Bound,
        writes: &Schema,
        state: Digest,
    ) -> Result<Self> {
        let params = serde_json::from_str(params);
        Ok(Self {
            component,
            params: params
                .map_err(|error| Error::Host(format!("parameters are not JSON: {error}")))?,
            state,
            reads: bound.reads.clone(),
            writes: writes.clone(),
            removes: bound.mapping.removes.clone(),
        })
    }

    /// The signature bound to the table that it is used on.
    pub fn bound(&self) -> Bound {
        let reads = self.reads.names().map(str::to_owned).collect();
        let (writes, removes) = (self.writes.clone(), self.removes.clone());
        Bound {
            reads: self.reads.clone(),
            mapping: Mapping {
                reads,
                writes,
                removes,
            },
        }
    }
}

impl Manifest {
    /// The manifest of a chain. A request holds what the links read and no earlier link writes.
    pub fn new(chain: Vec<Link>) -> Self {
        let mut input = Schema::default();
        let mut written: Vec<&str> = Vec::new();
        for link in &chain {
            for field in &link.reads.fields {
                if !written.contains(&field.name.as_str()) && input.index_of(&field.name).is_none()
                {
                    input.fields.push(field.clone());
                }
            }
            written.extend(link.writes.names());
        }
        let output = chain
            .last()
            .map(|link| link.writes.clone())
            .unwrap_or_default();
        Self {
            format: FORMAT,
            profile: PROFILE.to_owned(),
            input,
            output,
            chain,
            features: None,
        }
    }

    /// The same package, some of whose input comes from a feature service: those of its columns that the
    /// package reads. One that reads none of them has nothing of it.
    #[must_use]
    pub fn with_features(self, features: &ServiceFeatures) -> Self {
        let is_read = |column: &&String| self.input.field(column).is_some();
        let columns: Vec<String> = features.columns.iter().filter(is_read).cloned().collect();
        let features = (!columns.is_empty()).then(|| ServiceFeatures {
            columns,
            ..features.clone()
        });
        Self { features, ..self }
    }

    /// The JSON text that the digest covers.
    ///
    /// # Errors
    /// Never for a manifest that was read or made by [`Manifest::new`].
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Host(error.to_string()))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// If it is no manifest, of a later version, or of another profile than this runtime's.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if manifest.format != FORMAT {
            return Err(format!(
                "its format is {}, this version reads {FORMAT}",
                manifest.format
            ));
        }
        if manifest.profile != PROFILE {
            return Err(format!(
                "its profile is {}, this version runs {PROFILE}",
                manifest.profile
            ));
        }
        Ok(manifest)
    }

    /// Every digest that the manifest names: components and states.
    pub fn parts(&self) -> impl Iterator<Item = Digest> {
        self.chain
            .iter()
            .flat_map(|link| [link.component, link.state])
    }
}

/// A manifest and the bytes that it names.
#[derive(Clone, Debug)]
pub struct Package {
    manifest: Manifest,
    digest: Digest,
    parts: BTreeMap<Digest, Vec<u8>>,
}

impl Package {
    /// Puts a package together; `part` answers with the bytes of a digest.
    ///
    /// # Errors
    /// [`Error::MissingPart`] if bytes are missing or are not what their digest says.
    pub fn new<E: From<Error>>(
        manifest: Manifest,
        mut part: impl FnMut(Digest) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut parts = BTreeMap::new();
        for digest in manifest.parts() {
            let Entry::Vacant(entry) = parts.entry(digest) else {
                continue;
            };
            let bytes = part(digest)?;
            if Digest::of(&bytes) != digest {
                return Err(Error::MissingPart {
                    what: "the unchanged bytes of",
                    digest,
                }
                .into());
            }
            entry.insert(bytes);
        }
        let digest = Digest::of(manifest.to_json()?.as_bytes());
        Ok(Self {
            manifest,
            digest,
            parts,
        })
    }

    /// Reads a package file, checking every digest.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Package`] with what is wrong with it.
    pub fn open(path: &Path) -> Result<Self> {
        file::read(path)
    }

    /// Writes a package file. Equal packages give equal files.
    ///
    /// # Errors
    /// [`Error::Io`]; nothing half-written stays.
    pub fn write(&self, path: &Path) -> Result<()> {
        file::write(self, path)
    }

    /// What the package consists of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The digest of the manifest: the package's name for machines.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The bytes of a component or state of the chain.
    ///
    /// # Errors
    /// [`Error::MissingPart`] if the manifest does not name it.
    pub fn part(&self, digest: Digest) -> Result<&[u8]> {
        let part = self.parts.get(&digest).map(Vec::as_slice);
        part.ok_or(Error::MissingPart {
            what: "the bytes of",
            digest,
        })
    }

    /// Bakes every link, ready to predict.
    ///
    /// # Errors
    /// If a component is not admitted or its state does not load.
    pub fn load(&self, runtime: &Runtime) -> Result<Loaded> {
        let mut chain = Chain::new(&self.manifest.input);
        for link in &self.manifest.chain {
            let (component, state) = (self.part(link.component)?, self.part(link.state)?);
            let bound = link.bound();
            let params = link.params.to_string();
            let (baked, _) = runtime.bake(component, &params, &bound, state, &Limits::default())?;
            chain.push(&bound, baked)?;
        }
        let Manifest { input, output, .. } = &self.manifest;
        Ok(Loaded {
            digest: self.digest,
            input: input.clone().into(),
            output: output.clone(),
            answer: chain.columns(output.names()),
            table: chain.table(),
            chain,
        })
    }
}

/// A package whose links are baked. Share it between threads; every call runs on fresh instances.
pub struct Loaded {
    digest: Digest,
    input: TableSchema,
    output: Schema,
    chain: Chain,
    /// The output columns of the table that the chain leaves, and all of them.
    answer: Columns,
    table: Columns,
}

impl Loaded {
    /// The digest of the package.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The columns that rows must have.
    pub fn input(&self) -> &TableSchema {
        &self.input
    }

    /// The columns of an answer.
    pub fn output(&self) -> &Schema {
        &self.output
    }

    /// The same package, every call of whose links may take this and no more. Compiled code and states
    /// are shared, so this costs next to nothing.
    #[must_use]
    pub fn limited(&self, limits: &Limits) -> Self {
        Self {
            digest: self.digest,
            input: self.input.clone(),
            output: self.output.clone(),
            chain: self.chain.limited(limits),
            answer: self.answer.clone(),
            table: self.table.clone(),
        }
    }

    /// Answers with the output columns, one row for each of `rows`. Columns are found by name; further
    /// ones are ignored. Arrow types with an exact counterpart among the contract's are converted.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::ColumnType`], or whatever stopped a stage.
    pub fn predict(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        self.through(rows, &self.answer)
    }

    /// Answers with the input columns and all that the chain wrote.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        self.through(rows, &self.table)
    }

    fn through(&self, rows: &RecordBatch, wanted: &Columns) -> Result<RecordBatch> {
        let request = request(&self.input, rows)?;
        let written = self.chain.run(&request, rows.num_rows())?;
        wanted.batch(&request, &written, rows.num_rows())
    }
}
