//! The one constructor of wasmtime engines, what results may depend on, and what they may not.

use std::fmt;
use std::hash::{Hash, Hasher as _};
use std::time::Duration;

use trueline_table::{Digest, Hasher};
use wasmtime::{
    Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig,
};

use crate::{Error, Result, canonical_nan};

/// Names everything about the sandbox that a result may depend on: canonical NaNs, SIMD of 128 bits
/// without its relaxed part, no threads, no WASI. Part of every result's identity.
pub const PROFILE: &str = "pure@1";

/// How often the clock for time limits ticks.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Instances alive at once in one process, of which a chain may have one for each link. Each reserves address space, not
/// memory.
const INSTANCES: u32 = 1024;

/// What runs the code. Results never depend on it; that is tested, not assumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// Machine code.
    #[default]
    Cranelift,
    /// A portable interpreter, some hundred times slower: the second opinion of `verify`.
    Pulley,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cranelift => "Cranelift",
            Self::Pulley => "Pulley",
        })
    }
}

/// Names what compiled code depends on: wasmtime's version, its flags, the processor's features. It
/// keys compiled code and is recorded with attempts, but no result may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub Digest);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.short())
    }
}

/// Builds the engine of a backend and starts its clock.
pub(crate) fn engine(backend: Backend) -> Result<(Engine, Fingerprint)> {
    let mut config = Config::new();
    // The profile. NaNs are made canonical by `canonical_nan`, at a fraction of the cost.
    config.cranelift_nan_canonicalization(false);
    config.wasm_simd(true);
    config.wasm_relaxed_simd(false);
    config.wasm_component_model(true);
    // Memories of 64 bits have no bounds that hardware checks, and the contract's ABI has no use for them.
    config.wasm_memory64(false);
    // How it runs.
    config.concurrency_support(false);
    config.epoch_interruption(true);
    // Guests carry no names to show, and unwinding costs more than most of their calls.
    config.wasm_backtrace_max_frames(None);
    config.memory_init_cow(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    if backend == Backend::Pulley {
        config
            .target("pulley64")
            .map_err(|error| Error::Host(format!("{error:#}")))?;
    }
    let engine = Engine::new(&config).map_err(|error| Error::Host(format!("{error:#}")))?;
    let fingerprint = fingerprint(&engine, backend);
    tick(engine.weak())?;
    Ok((engine, fingerprint))
}

/// Slots are reset by what was touched (`pagemap_scan`), and what is small stays resident: a fresh
/// instance then costs microseconds and no lock that other threads wait for.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES);
    // A component consists of its own module and small adapters.
    pool.total_core_instances(4 * INSTANCES);
    pool.total_memories(INSTANCES);
    pool.total_tables(2 * INSTANCES);
    pool.max_memories_per_component(1);
    pool.max_tables_per_component(2);
    pool.max_memories_per_module(1);
    pool.linear_memory_keep_resident(256 << 10);
    pool.table_keep_resident(64 << 10);
    pool.pagemap_scan(Enabled::Auto);
    pool
}

fn fingerprint(engine: &Engine, backend: Backend) -> Fingerprint {
    struct Bytes(Hasher);
    impl std::hash::Hasher for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut bytes = Bytes(Hasher::new());
    bytes.write(PROFILE.as_bytes());
    bytes.write(canonical_nan::VERSION.as_bytes());
    bytes.write(backend.to_string().as_bytes());
    engine.precompile_compatibility_hash().hash(&mut bytes);
    Fingerprint(bytes.0.finish())
}

/// Ticks until the engine is gone.
fn tick(engine: EngineWeak) -> Result<()> {
    let ticking = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    let thread = std::thread::Builder::new().name("trueline-clock".to_owned());
    thread
        .spawn(ticking)
        .map(drop)
        .map_err(|error| Error::Host(format!("no thread for time limits: {error}")))
}
