//! What wasmtime needs to know of `wit/`: the one place where bindings are generated.

#![allow(unreachable_pub, clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "model",
    imports: { default: trappable },
});

pub(crate) use exports::trueline::stage::{describe, map, reduce};
pub(crate) use trueline::stage::{progress, types};
