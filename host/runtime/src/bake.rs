//! Baking: a loaded map snapshotted into a component that starts with its state in memory.
//!
//! A baked component is ordinary portable WebAssembly, transform and state in one file. A fresh instance
//! of it costs microseconds whatever the size of the state, because memory is mapped copy-on-write.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use arrow::array::RecordBatch;
use trueline_table::frame::{Encoder, Frame, Source};
use trueline_table::{Digest, Schema};
use wasmtime::component::{Lift, WasmList};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::frames::Rows;
use crate::instance::Live;
use crate::mapper::{check_rows, not_of_schema};
use crate::stage::{Bound, Runtime, Stage};
use crate::{Error, Limits, Result};

mod kept;

/// A map with its state in memory. Every call gets a fresh instance.
pub struct Baked {
    stage: Stage,
    reads: Schema,
    writes: Schema,
    limits: Limits,
}

impl Runtime {
    /// Loads a map with its state and bakes it. `component` are the bytes of a component that
    /// [`admit`](Runtime::admit) took. What was baked from the same before lies beside the compiled code.
    ///
    /// # Errors
    /// As [`Stage::map`]; [`Error::Host`] if the snapshot fails.
    pub fn bake(
        &self,
        component: &[u8],
        params: &str,
        bound: &Bound,
        state: &[u8],
        limits: &Limits,
    ) -> Result<(Baked, Vec<u8>)> {
        let ready = |stage, writes| Baked {
            stage,
            reads: bound.reads.clone(),
            writes,
            limits: *limits,
        };
        let key = kept::key(component, params, bound, state);
        if let Some((writes, baked)) = self.code().kept(key).and_then(kept::read) {
            return Ok((ready(self.admit(&baked)?, writes), baked));
        }
        let failed = |error: wasmtime::Error| Error::Host(format!("baking: {error:#}"));
        let wizer = Wizer::new();
        let (context, instrumented) = wizer.instrument_component(component).map_err(failed)?;
        let stage = self.admit_once(&instrumented)?;
        let mut mapper = stage.map(params, bound, state, limits)?;
        let writes = mapper.writes().clone();
        // A first call, on no rows, lets the guest take what memory it needs for any call, so that
        // later ones find it there.
        mapper.map(&RecordBatch::new_empty(bound.reads.to_arrow()))?;
        let mut instance = Snapshot {
            live: mapper.into_live(),
            error: None,
        };
        let baked = block_on(wizer.snapshot_component(&context, &mut instance)).map_err(failed)?;
        if let Some(error) = instance.error {
            return Err(failed(error));
        }
        let stage = self.admit(&baked)?;
        self.code().keep(key, &kept::write(&writes, &baked)?);
        Ok((ready(stage, writes), baked))
    }
}

impl Baked {
    /// The columns that it writes.
    pub fn writes(&self) -> &Schema {
        &self.writes
    }

    /// The digest of the baked component.
    pub fn digest(&self) -> Digest {
        self.stage.digest()
    }

    /// The same map, a call of which may take this and no more.
    #[must_use]
    pub fn limited(&self, limits: &Limits) -> Self {
        Self {
            stage: self.stage.clone(),
            reads: self.reads.clone(),
            writes: self.writes.clone(),
            limits: *limits,
        }
    }

    /// Maps rows on a fresh instance; their columns are those that the map reads, in its order.
    ///
    /// # Errors
    /// As [`Mapper::map`].
    pub fn map(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns = rows.columns().iter().map(Source::Array);
        let (mapped, _) = self.map_columns(None, rows.num_rows(), columns)?;
        mapped.batch(&self.writes).map_err(not_of_schema)
    }

    /// Maps columns from wherever they are on a fresh instance: those that the map reads, in its order. It is made in
    /// the store of `before`, if there is one, and comes back with what it answered.
    pub(crate) fn map_columns<'r>(
        &self,
        before: Option<Live>,
        rows: usize,
        columns: impl ExactSizeIterator<Item = Source<'r>>,
    ) -> Result<(Frame, Live)> {
        let encoder = Encoder::of(&self.reads, rows, columns)?;
        let exports = self.stage.map_exports()?;
        let mut live = match before {
            Some(before) => before.next(&self.stage, &self.limits)?,
            None => Live::start(&self.stage, &self.limits, None)?,
        };
        let answer = live.map(&exports.map, Rows(&encoder))?;
        let mapped = Frame::read(&self.writes, answer).map_err(not_of_schema)?;
        check_rows(rows, mapped.rows())?;
        Ok((mapped, live))
    }

    /// Maps a frame of the columns that the map reads on a fresh instance; the answer is a frame that
    /// was not checked yet. This is what one row costs.
    ///
    /// # Errors
    /// With the stage's own words, or whatever stopped it.
    pub fn map_frame(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let exports = self.stage.map_exports()?;
        Live::start(&self.stage, &self.limits, None)?.map(&exports.map, bytes)
    }
}

/// Reads an instance's memory through the functions that `instrument_component` added.
struct Snapshot {
    live: Live,
    error: Option<wasmtime::Error>,
}

impl Snapshot {
    fn get<T, R>(
        &mut self,
        instance: &str,
        func: &str,
        read: impl FnOnce(&Live, T) -> wasmtime::Result<R>,
    ) -> Option<R>
    where
        T: Lift + Send + Sync + 'static,
        (T,): wasmtime::component::ComponentNamedList,
    {
        let result = (|| {
            let missing = || wasmtime::format_err!("{instance} has no {func}");
            let Live {
                store,
                instance: live,
                ..
            } = &mut self.live;
            let outer = live
                .get_export_index(&mut *store, None, instance)
                .ok_or_else(missing)?;
            let inner = live
                .get_export_index(&mut *store, Some(&outer), func)
                .ok_or_else(missing)?;
            let function = live.get_typed_func::<(), (T,)>(&mut *store, inner)?;
            let (value,) = function.call(&mut *store, ())?;
            read(&self.live, value)
        })();
        result.map_err(|error| self.error = Some(error)).ok()
    }
}

impl ComponentInstanceState for Snapshot {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        self.get::<WasmList<u8>, _>(instance, func, |live, list| {
            contents(list.as_le_slice(&live.store));
            Ok(())
        });
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.get::<i32, _>(instance, func, |_, value| Ok(value))
            .unwrap_or_default()
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.get::<i64, _>(instance, func, |_, value| Ok(value))
            .unwrap_or_default()
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.get::<f32, _>(instance, func, |_, value| Ok(value.to_bits()))
            .unwrap_or_default()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.get::<f64, _>(instance, func, |_, value| Ok(value.to_bits()))
            .unwrap_or_default()
    }
}

/// Runs a future that never waits: the snapshot only calls what is above.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}
