//! An admitted component, ready for describing, reducing and mapping.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use trueline_table::{Digest, Schema};
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use crate::bindings::{describe, map, reduce};
use crate::code_cache::CodeCache;
use crate::contract::{Input, Mapping, Reduction as ReductionSignature, Signature, World};
use crate::engine::{self, Backend, Fingerprint};
use crate::error::GuestErrorKind;
use crate::instance::{self, HostState, Live, Progress};
use crate::mapper::Mapper;
use crate::reading::ROW_NUMBER;
use crate::reduction::Reduction;
use crate::watch::Watch;
use crate::{Error, Limits, Result, admission, convert};

/// What `describe` may take. It sees no rows and answers within microseconds, so whatever comes near
/// these limits runs away, and a pipeline file is checked by a person who waits.
const DESCRIBE_LIMITS: Limits = Limits {
    memory_bytes: 256 << 20,
    time: Duration::from_secs(5),
    cpu_time: None,
    output_bytes: 16 << 20,
};

/// Where stages run: one engine, its clock, its pool of instances, its compiled code.
///
/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    backend: Backend,
    fingerprint: Fingerprint,
    linker: Linker<HostState>,
    code: CodeCache,
}

impl Runtime {
    /// A runtime that keeps compiled code in `code_folder`, or nowhere.
    ///
    /// # Errors
    /// [`Error::Host`] if the machine lacks what the pool needs, such as address space.
    pub fn new(backend: Backend, code_folder: Option<PathBuf>) -> Result<Self> {
        let (engine, fingerprint) = engine::engine(backend)?;
        let linker = instance::linker(&engine)?;
        let code = CodeCache::new(code_folder.as_deref(), fingerprint);
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                backend,
                fingerprint,
                linker,
                code,
            }),
        })
    }

    /// What runs the code.
    pub fn backend(&self) -> Backend {
        self.inner.backend
    }

    /// What compiled code depends on here.
    pub fn fingerprint(&self) -> Fingerprint {
        self.inner.fingerprint
    }

    /// Checks and compiles a component.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the bytes are no component of the profile, [`Error::Import`] if it wants
    /// something outside its world, [`Error::MissingExport`] if it is no stage.
    pub fn admit(&self, component: &[u8]) -> Result<Stage> {
        let digest = Digest::of(component);
        self.admit_compiled(
            digest,
            &self
                .inner
                .code
                .component(&self.inner.engine, component, digest)?,
        )
    }

    /// What was compiled and baked before.
    pub(crate) fn code(&self) -> &CodeCache {
        &self.inner.code
    }

    /// Admits a component that will not be seen again, without keeping its compiled code.
    pub(crate) fn admit_once(&self, component: &[u8]) -> Result<Stage> {
        self.admit_compiled(
            Digest::of(component),
            &CodeCache::compile(&self.inner.engine, component)?,
        )
    }

    fn admit_compiled(&self, digest: Digest, compiled: &Component) -> Result<Stage> {
        let world = admission::world(&self.inner.engine, compiled)?;
        let invalid = |error: wasmtime::Error| Error::Invalid {
            reason: format!("{error:#}"),
        };
        let pre = self
            .inner
            .linker
            .instantiate_pre(compiled)
            .map_err(invalid)?;
        let map = match world {
            World::Check => None,
            World::Transform | World::Model => Some(MapExports {
                guest: map::GuestIndices::new(&pre).map_err(invalid)?,
                map: admission::export(compiled, admission::MAP, "map")?,
            }),
        };
        Ok(Stage {
            inner: Arc::new(StageInner {
                digest,
                world,
                describe: describe::GuestIndices::new(&pre).map_err(invalid)?,
                reduce: reduce::GuestIndices::new(&pre).map_err(invalid)?,
                update: admission::export(compiled, admission::REDUCE, "update")?,
                map,
                pre,
            }),
            watch: None,
        })
    }
}

/// An admitted component. Cheap to clone.
#[derive(Clone)]
pub struct Stage {
    pub(crate) inner: Arc<StageInner>,
    pub(crate) watch: Option<Arc<Watch>>,
}

pub(crate) struct StageInner {
    digest: Digest,
    world: World,
    pub(crate) pre: InstancePre<HostState>,
    describe: describe::GuestIndices,
    pub(crate) reduce: reduce::GuestIndices,
    pub(crate) update: ComponentExportIndex,
    map: Option<MapExports>,
}

/// Where the exports of a stage that maps are.
pub(crate) struct MapExports {
    pub(crate) guest: map::GuestIndices,
    pub(crate) map: ComponentExportIndex,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Stage({}, {})",
            self.inner.world.name(),
            self.inner.digest.short()
        )
    }
}

impl Stage {
    /// The digest of the component's bytes.
    pub fn digest(&self) -> Digest {
        self.inner.digest
    }

    /// The same stage, all of whose instances are stopped when the watch says so.
    #[must_use]
    pub fn watched(&self, watch: &Watch) -> Self {
        Self {
            inner: self.inner.clone(),
            watch: Some(Arc::new(watch.clone())),
        }
    }

    /// What the component is.
    pub fn world(&self) -> World {
        self.inner.world
    }

    pub(crate) fn map_exports(&self) -> Result<&MapExports> {
        self.inner
            .map
            .as_ref()
            .ok_or_else(|| Error::contract("a check does not map rows"))
    }

    /// Asks what the stage will do, on a fresh instance and without rows. `inputs` are the tables to
    /// reduce (none if nothing is to be learned or checked), `rows` the table to map.
    ///
    /// # Errors
    /// [`Error::Guest`] with the stage's own words if parameters or schemas do not fit;
    /// [`Error::Contract`] if its answer makes no sense.
    pub fn describe(
        &self,
        params: &str,
        inputs: &[Input],
        rows: Option<&Schema>,
    ) -> Result<Signature> {
        let mut live = Live::start(self, &DESCRIBE_LIMITS, None)?;
        let guest = live.load(|store, instance| self.inner.describe.load(store, instance))?;
        let guest_inputs = convert::inputs_to_guest(inputs);
        let guest_rows = rows.map(convert::schema_to_guest);
        let signature = live
            .call(|store| guest.call_describe(store, params, &guest_inputs, guest_rows.as_ref()))?;
        let signature = convert::signature_from_guest(signature);
        if let Some(reduction) = &signature.reduction {
            check_reduction(reduction, inputs)?;
        }
        if let (Some(mapping), Some(rows)) = (&signature.mapping, rows) {
            check_mapping(mapping, rows)?;
        }
        Ok(signature)
    }

    /// Asks what the stage will do with a state that came from elsewhere. Such a state may know more than
    /// the parameters, as a model knows its classes: the columns written are those of the loaded map.
    ///
    /// Where the width of a vector of the rows is still open, a map may refuse to be loaded, but not because
    /// of its state; it is described as ever then.
    ///
    /// # Errors
    /// As [`describe`](Self::describe), and if the state cannot be loaded.
    pub fn describe_given(
        &self,
        params: &str,
        rows: &Schema,
        state: &[u8],
        limits: &Limits,
    ) -> Result<Signature> {
        let mut signature = self.describe(params, &[], Some(rows))?;
        if let Some(mapping) = &mut signature.mapping {
            let reads = rows.select(&mapping.reads)?;
            match self.load(params, &reads, state, limits) {
                Ok(writes) => mapping.writes = writes,
                Err(Error::Guest { kind, .. })
                    if reads.has_open_width() && kind != GuestErrorKind::Data => {}
                Err(error) => return Err(error),
            }
            check_mapping(mapping, rows)?;
        }
        Ok(signature)
    }

    /// What a map writes once it has its state.
    fn load(&self, params: &str, reads: &Schema, state: &[u8], limits: &Limits) -> Result<Schema> {
        let exports = self.map_exports()?;
        let mut live = Live::start(self, limits, None)?;
        let guest = live.load(|store, instance| exports.guest.load(store, instance))?;
        let rows = convert::schema_to_guest(reads);
        let writes = live.call(|store| guest.call_load(store, params, &rows, state))?;
        Ok(convert::schema_from_guest(writes))
    }

    /// Begins a pass of a reduction on a fresh instance. `inputs` hold the columns that the signature
    /// reads, in its order; `state` is what the pass before finished with.
    ///
    /// # Errors
    /// [`Error::Guest`] with the stage's own words, or whatever stopped it.
    pub fn reduce(
        &self,
        params: &str,
        inputs: &[Input],
        pass: u32,
        state: &[u8],
        limits: &Limits,
        progress: Option<Progress>,
    ) -> Result<Reduction> {
        Reduction::begin(self, params, inputs, pass, state, limits, progress)
    }

    /// Loads a map on a fresh instance that serves until it is dropped: one partition of a batch job.
    ///
    /// # Errors
    /// [`Error::Guest`] with the stage's own words; [`Error::Contract`] if what it will write is not
    /// what its signature said.
    pub fn map(
        &self,
        params: &str,
        bound: &Bound,
        state: &[u8],
        limits: &Limits,
    ) -> Result<Mapper> {
        Mapper::load(self, params, bound, state, limits)
    }
}

/// A map's signature bound to the table that it is used on: what it reads, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The columns that the map reads, in its order.
    pub reads: Schema,
    /// The signature.
    pub mapping: Mapping,
}

impl Bound {
    /// Binds a signature to a table's schema.
    ///
    /// # Errors
    /// If the table lacks a column that the map reads.
    pub fn new(mapping: &Mapping, rows: &Schema) -> Result<Self> {
        Ok(Self {
            reads: rows.select(&mapping.reads)?,
            mapping: mapping.clone(),
        })
    }
}

fn check_reduction(reduction: &ReductionSignature, inputs: &[Input]) -> Result<()> {
    if reduction.passes == 0 {
        return Err(Error::contract("its reduction takes no passes"));
    }
    if reduction.reads.len() != inputs.len() {
        return Err(Error::contract(format!(
            "it was given {} inputs and reads {}",
            inputs.len(),
            reduction.reads.len()
        )));
    }
    for (columns, input) in reduction.reads.iter().zip(inputs) {
        let is_numbered = columns.iter().any(|column| column == ROW_NUMBER);
        if is_numbered && input.schema.index_of(ROW_NUMBER).is_some() {
            return Err(Error::ReservedColumn { column: ROW_NUMBER });
        }
        check_reads(columns, &input.schema, &[ROW_NUMBER])?;
    }
    Ok(())
}

fn check_mapping(mapping: &Mapping, rows: &Schema) -> Result<()> {
    check_reads(&mapping.reads, rows, &[])?;
    for (index, field) in mapping.writes.fields.iter().enumerate() {
        if field.name.is_empty() || mapping.writes.index_of(&field.name) != Some(index) {
            return Err(Error::contract(format!(
                "it writes two columns called `{}`",
                field.name
            )));
        }
    }
    Ok(())
}

/// Checks that the columns are in the table, or are among what the host adds, and none is there twice.
fn check_reads(columns: &[String], schema: &Schema, added: &[&str]) -> Result<()> {
    for (index, column) in columns.iter().enumerate() {
        if schema.index_of(column).is_none() && !added.contains(&column.as_str()) {
            return Err(Error::contract(format!(
                "it reads `{column}`, which the table lacks"
            )));
        }
        if columns[..index].contains(column) {
            return Err(Error::contract(format!("it reads `{column}` twice")));
        }
    }
    Ok(())
}
