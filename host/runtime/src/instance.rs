//! A live instance: its store, its limits, and how every call into it is made.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use trueline_table::frame::{Assembler, Encoder};
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, HasSelf, Instance, Linker, Lower,
};
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

use crate::bindings::{progress, types};
use crate::contract::{Decision, Metric};
use crate::convert;
use crate::engine::TICK;
use crate::error::GuestErrorKind;
use crate::frames::{self, Answer, Rows};
use crate::limits::Limiter;
use crate::stage::Stage;
use crate::watch::Watch;
use crate::{Error, Limits, Result};

/// So many ticks pass before a watched guest is looked at again.
const LOOK_TICKS: u64 = 5;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Whom a model tells about its steps.
pub type Progress = Box<dyn FnMut(u32, Vec<Metric>) -> Decision + Send>;

/// What the host keeps for an instance.
pub(crate) struct HostState {
    limiter: Limiter,
    /// Set while a reduction runs; a map has nobody to report to.
    progress: Option<Progress>,
    /// When the call that is going on must be over, if it is looked at.
    call_until: Option<Instant>,
    /// What its thread may have used of a processor by then, and the limit that it comes from.
    cpu_until: Option<(Duration, Duration)>,
}

impl progress::Host for HostState {
    fn step(
        &mut self,
        step: u32,
        metrics: Vec<types::Metric>,
    ) -> wasmtime::Result<progress::Decision> {
        let Some(progress) = &mut self.progress else {
            wasmtime::bail!("`progress` was called outside of a reduction");
        };
        Ok(match progress(step, convert::metrics_from_guest(metrics)) {
            Decision::Continue => progress::Decision::Continue,
            Decision::Stop => progress::Decision::Stop,
        })
    }
}

impl types::Host for HostState {}

/// Everything that any stage may import, which is next to nothing.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<HostState>> {
    let mut linker = Linker::new(engine);
    crate::bindings::Model::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)
        .map_err(|error| Error::Host(format!("{error:#}")))?;
    Ok(linker)
}

/// An instance that is used for one thing and dropped.
pub(crate) struct Live {
    pub(crate) store: Store<HostState>,
    pub(crate) instance: Instance,
    limits: Limits,
}

impl Live {
    pub(crate) fn start(
        stage: &Stage,
        limits: &Limits,
        progress: Option<Progress>,
    ) -> Result<Self> {
        let state = HostState {
            limiter: Limiter::new(limits),
            progress,
            call_until: None,
            cpu_until: None,
        };
        let mut store = Store::new(stage.inner.pre.engine(), state);
        store.limiter(|state| &mut state.limiter);
        Self::enter(store, stage, limits)
    }

    /// A fresh instance of another stage, with a memory of its own, in the store of one that has answered: making a store
    /// and dropping it takes as long as much of what follows. The other instance stays until this one is dropped.
    pub(crate) fn next(self, stage: &Stage, limits: &Limits) -> Result<Self> {
        let mut store = self.store;
        store.data_mut().limiter = Limiter::new(limits);
        Self::enter(store, stage, limits)
    }

    fn enter(mut store: Store<HostState>, stage: &Stage, limits: &Limits) -> Result<Self> {
        store.set_hostcall_fuel(limits.output_bytes);
        let watch = stage.watch.clone();
        if watch.is_some() || limits.cpu_time.is_some() {
            store.data_mut().call_until = Some(Instant::now());
            store.epoch_deadline_callback(move |store| look(watch.as_deref(), store.data()));
        }
        arm(&mut store, limits);
        let instance = match stage.inner.pre.instantiate(&mut store) {
            Ok(instance) => instance,
            Err(error) => return Err(explain(&store, limits, &error)),
        };
        Ok(Self {
            store,
            instance,
            limits: *limits,
        })
    }

    /// Calls `reduce.update`. The generated function would want the frame as a `Vec`; here it is written
    /// straight into the guest.
    pub(crate) fn update(
        &mut self,
        function: &ComponentExportIndex,
        input: u32,
        rows: &Encoder<'_>,
    ) -> Result<()> {
        let Self {
            store, instance, ..
        } = self;
        let function = instance
            .get_typed_func::<(u32, Rows<'_>), (Result<(), types::Error>,)>(store, function);
        let function = function.map_err(not_callable)?;
        self.call(|store| Ok(function.call(store, (input, Rows(rows)))?.0))
    }

    /// Calls `map.map` with a frame, which is written straight into the guest, and answers with another that was not
    /// checked yet.
    pub(crate) fn map<F>(&mut self, function: &ComponentExportIndex, frame: F) -> Result<Vec<u8>>
    where
        (F,): ComponentNamedList + Lower + Send + Sync,
    {
        let Self {
            store, instance, ..
        } = self;
        let function =
            instance.get_typed_func::<(F,), (Result<Vec<u8>, types::Error>,)>(store, function);
        let function = function.map_err(not_callable)?;
        self.call(|store| Ok(function.call(store, (frame,))?.0))
    }

    /// Calls `map.map` with rows, and adds those that it answers with to `mapped`.
    pub(crate) fn map_rows(
        &mut self,
        function: &ComponentExportIndex,
        rows: &Encoder<'_>,
        mapped: &mut Assembler,
    ) -> Result<usize> {
        let Self {
            store, instance, ..
        } = self;
        let function = instance
            .get_typed_func::<(Rows<'_>,), (Result<Answer, types::Error>,)>(store, function);
        let function = function.map_err(not_callable)?;
        let answer = frames::collect(mapped, || {
            self.call(|store| Ok(function.call(store, (Rows(rows),))?.0))
        });
        answer?
            .0
            .map_err(|error| Error::contract(error.to_string()))
    }

    /// Makes a call with a fresh time limit and turns whatever comes of it into a result.
    pub(crate) fn call<T>(
        &mut self,
        call: impl FnOnce(&mut Store<HostState>) -> wasmtime::Result<Result<T, types::Error>>,
    ) -> Result<T> {
        arm(&mut self.store, &self.limits);
        match call(&mut self.store) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(guest(error)),
            Err(error) => Err(explain(&self.store, &self.limits, &error)),
        }
    }

    /// Loads an interface of the instance.
    pub(crate) fn load<T>(
        &mut self,
        load: impl FnOnce(&mut Store<HostState>, &Instance) -> wasmtime::Result<T>,
    ) -> Result<T> {
        load(&mut self.store, &self.instance).map_err(not_callable)
    }
}

/// An export that has not the contract's type.
fn not_callable(error: wasmtime::Error) -> Error {
    Error::Invalid {
        reason: format!("{error:#}"),
    }
}

/// Looks whether a guest may go on; asked every few ticks.
fn look(watch: Option<&Watch>, state: &HostState) -> wasmtime::Result<UpdateDeadline> {
    if let Some(Err(stopped)) = watch.map(Watch::check) {
        return Err(wasmtime::Error::new(stopped));
    }
    if let Some((until, limit)) = state.cpu_until
        && thread_time() >= until
    {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        return Err(wasmtime::Error::new(Error::CpuTime { limit_ms }));
    }
    if state
        .call_until
        .is_some_and(|until| Instant::now() >= until)
    {
        return Ok(UpdateDeadline::Interrupt);
    }
    Ok(UpdateDeadline::Continue(LOOK_TICKS))
}

/// What this thread has used of a processor. Where that cannot be told, a limit of it is met at once.
fn thread_time() -> Duration {
    ThreadTime::try_now().map_or(Duration::MAX, |time| time.as_duration())
}

fn arm(store: &mut Store<HostState>, limits: &Limits) {
    // A call stays on the thread that makes it.
    store.data_mut().cpu_until = limits
        .cpu_time
        .map(|limit| (thread_time().saturating_add(limit), limit));
    if let Some(until) = &mut store.data_mut().call_until {
        // A limit that no clock can count is none; a year is as good.
        let now = Instant::now();
        *until = now.checked_add(limits.time).unwrap_or(now + YEAR);
        store.set_epoch_deadline(LOOK_TICKS);
        return;
    }
    let ticks = limits.time.as_millis() / TICK.as_millis();
    // The current tick has begun already; one more makes sure that the limit is never cut short.
    store.set_epoch_deadline(
        u64::try_from(ticks)
            .unwrap_or(u64::MAX / 2)
            .saturating_add(1),
    );
}

fn guest(error: types::Error) -> Error {
    let (kind, message) = match error {
        types::Error::Params(message) => (GuestErrorKind::Params, message),
        types::Error::Schema(message) => (GuestErrorKind::Schema, message),
        types::Error::Data(message) => (GuestErrorKind::Data, message),
        types::Error::Other(message) => (GuestErrorKind::Other, message),
    };
    Error::Guest { kind, message }
}

fn explain(store: &Store<HostState>, limits: &Limits, error: &wasmtime::Error) -> Error {
    match error.downcast_ref::<Error>() {
        Some(Error::Cancelled) => return Error::Cancelled,
        Some(Error::Overdue { timeout_ms }) => {
            return Error::Overdue {
                timeout_ms: *timeout_ms,
            };
        }
        Some(Error::CpuTime { limit_ms }) => {
            return Error::CpuTime {
                limit_ms: *limit_ms,
            };
        }
        _ => {}
    }
    if store.data().limiter.refused {
        return Error::Memory {
            limit_bytes: limits.memory_bytes,
        };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::Interrupt => Error::Timeout {
                limit_ms: u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX),
            },
            Trap::UnreachableCodeReached => Error::Trap {
                reason: "it stopped itself (a panic, or an allocation that failed)".to_owned(),
            },
            other => Error::Trap {
                reason: other.to_string(),
            },
        };
    }
    if error
        .downcast_ref::<wasmtime::PoolConcurrencyLimitError>()
        .is_some()
    {
        return Error::Host("too many instances at once".to_owned());
    }
    let reason = format!("{error:#}");
    // wasmtime has no type for this one.
    if reason.contains("too much data is being copied") {
        return Error::Output {
            limit_bytes: limits.output_bytes,
        };
    }
    Error::Trap { reason }
}
