//! The types of `wit/types.wit`, generated once; every component's bindings use these.

#![allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    reason = "generated; the docs of the types come from wit/"
)]

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package trueline:sdk;
        world types { import trueline:stage/types@0.1.0; }
    ",
    world: "trueline:sdk/types",
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    generate_all,
    generate_unused_types: true,
});

pub use trueline::stage::types;
