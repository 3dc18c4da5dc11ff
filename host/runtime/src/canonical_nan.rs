//! Canonical NaNs, made where their bits can be seen.
//!
//! WebAssembly leaves open which bits a NaN has that comes out of arithmetic, and processors differ. The
//! profile closes that: such a NaN is the canonical one. Cranelift can mend every result as it comes, but
//! then a comparison and a blend follow each addition, and most of their results only go into the next
//! addition, which does not care which NaN it gets. So a component is rewritten before it is compiled:
//! a result stays as the processor made it while it only goes through arithmetic, comparisons and locals,
//! and is mended where its bits could be seen: when it is stored, cast, negated, passed on, or
//! lives on where control flow joins.
//!
//! What a program computes is bit for bit what mending every result computes, and a test with random
//! programs compares the two. Everything else about the component is left as it is.
//!
//! ```text
//! component.rs   finds the functions of a component, and puts it together again
//! function.rs    walks a function with the state of every operand and local
//! effects.rs     what an instruction does with NaNs
//! liveness.rs    which locals are still read
//! code.rs        the instructions that mend
//! ```

mod code;
mod component;
mod effects;
mod function;
mod liveness;

pub(crate) use component::rewrite;

type Result<T> = std::result::Result<T, Rejected>;

/// Why a component cannot be rewritten.
#[derive(Debug)]
pub(crate) struct Rejected(String);

impl Rejected {
    fn unknown(operator: &wasmparser::Operator<'_>) -> Self {
        Self(format!(
            "it uses an instruction that stages cannot have: {operator:?}"
        ))
    }

    fn too_large() -> Self {
        Self(
            "one of its functions has too many locals, branches and nested loops together"
                .to_owned(),
        )
    }

    fn nested() -> Self {
        Self("components lie too deep within one another".to_owned())
    }

    fn operand() -> Self {
        Self("it keeps a reference on the stack below a float".to_owned())
    }
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<wasmparser::BinaryReaderError> for Rejected {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self(error.to_string())
    }
}

/// Names the rewriting in fingerprints: compiled code depends on it.
pub(crate) const VERSION: &str = "canonical-nan@1";

#[cfg(test)]
mod tests;
