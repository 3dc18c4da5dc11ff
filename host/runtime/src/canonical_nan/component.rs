//! Finds the functions of a component, and puts it together again.

use wasm_encoder::{CodeSection, Encode, Module, RawSection};
use wasmparser::{BinaryReader, Parser, Payload, ValidPayload, Validator, WasmFeatures};

use super::{Rejected, Result, function};

/// The sections of a component that hold code, by their id in the binary format.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

const PREAMBLE_BYTES: usize = 8;

/// How deep components may lie within one another. Each level takes a copy, and of the stack.
const MOST_NESTED: usize = 16;

/// Rewrites all code of a component. What is no component is left for the engine to refuse.
///
/// # Errors
/// If a module in it is not valid, or changes the flow of control in a way that the profile lacks.
pub(crate) fn rewrite(component: &[u8]) -> Result<Vec<u8>> {
    rewrite_nested(component, 0)
}

fn rewrite_nested(component: &[u8], depth: usize) -> Result<Vec<u8>> {
    if depth > MOST_NESTED {
        return Err(Rejected::nested());
    }
    if !Parser::is_component(component) {
        return Ok(component.to_vec());
    }
    let mut reader = BinaryReader::new(component, 0);
    let mut rewritten = reader.read_bytes(PREAMBLE_BYTES)?.to_vec();
    while !reader.eof() {
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()? as usize;
        let content = reader.read_bytes(length)?;
        let changed = match id {
            CORE_MODULE => Some(module(content)?),
            COMPONENT => Some(rewrite_nested(content, depth + 1)?),
            _ => None,
        };
        rewritten.push(id);
        changed.as_deref().unwrap_or(content).encode(&mut rewritten);
    }
    Ok(rewritten)
}

/// Whether a custom section tells of places in the code, which move.
fn is_about_places(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::CustomSection(section)
        if section.name().starts_with(".debug_") || section.name().starts_with("metadata.code."))
}

/// Rewrites a core module.
pub(super) fn module(bytes: &[u8]) -> Result<Vec<u8>> {
    // Whatever is walked below is valid as a whole: every index in it, above all. What the profile lacks,
    // the engine refuses with its own words.
    Validator::new_with_features(WasmFeatures::all()).validate_all(bytes)?;
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut module = Module::new();
    let mut code = CodeSection::new();
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            let mut validator = function.into_validator(allocations);
            code.raw(&function::rewrite(&mut validator, &body)?);
            allocations = validator.into_allocations();
            continue;
        }
        // The code section comes as its start and then its functions; whatever follows ends it.
        if !code.is_empty() {
            module.section(&std::mem::take(&mut code));
        }
        let is_code = matches!(payload, Payload::CodeSectionStart { .. });
        if let Some((id, range)) = payload.as_section()
            && !is_code
            && !is_about_places(&payload)
        {
            let data = &bytes[range];
            module.section(&RawSection { id, data });
        }
    }
    Ok(module.finish())
}
