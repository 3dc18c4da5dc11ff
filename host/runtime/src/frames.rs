//! Frames on their way into and out of a guest, each byte of them copied once.
//!
//! wasmtime's own `&[u8]` and `Vec<u8>` cross as well, but a frame would have to be written to a buffer
//! first and copied from there, and the other way round. [`Rows`] are written straight into the guest's
//! memory, and what a map [`Answer`]s goes from there straight to its place in the batch.

use std::cell::RefCell;
use std::mem::{self, MaybeUninit};

use trueline_table::frame::{Assembler, Encoder};
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower, WasmList};
use wasmtime::{Result, ValRaw};

thread_local! {
    /// Where the answer of the call that this thread is in goes: lifting is given nothing but the
    /// guest's memory.
    static DESTINATION: RefCell<Option<Assembler>> = const { RefCell::new(None) };
}

/// Rows as a parameter of the contract's type `frame`.
pub(crate) struct Rows<'r>(pub(crate) &'r Encoder<'r>);

/// A result of the contract's type `frame`, taken over by the assembler of [`collect`]: how many rows
/// it had, or why it is not a frame.
pub(crate) struct Answer(pub(crate) trueline_table::Result<usize>);

/// Makes a call whose [`Answer`] goes to `rows`.
pub(crate) fn collect<T>(rows: &mut Assembler, call: impl FnOnce() -> T) -> T {
    DESTINATION.set(Some(mem::take(rows)));
    let answer = call();
    *rows = DESTINATION.take().unwrap_or_default();
    answer
}

impl Rows<'_> {
    /// Writes the frame into memory that the guest gives, and answers with where and how long it is.
    fn store<T>(&self, cx: &mut LowerContext<'_, T>) -> Result<[usize; 2]> {
        let length = self.0.frame_bytes();
        // What `realloc` gives was found to lie within the memory.
        let at = cx.realloc(0, 0, 1, length)?;
        self.0.write(&mut cx.as_slice_mut()[at..at + length]);
        Ok([at, length])
    }
}

#[allow(
    unsafe_code,
    reason = "wasmtime asks for the word, since it trusts these constants"
)]
// SAFETY: a list of bytes is what `[u8]` is, whose constants and check of types these are.
unsafe impl ComponentType for Rows<'_> {
    type Lower = <[u8] as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = <[u8] as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <[u8] as ComponentType>::typecheck(ty, types)
    }
}

#[allow(
    unsafe_code,
    reason = "wasmtime asks for the word, since it trusts that all is written"
)]
// SAFETY: both functions write the whole destination, a pointer and a length, or fail. As wasmtime does
// for its own lists, flat values are 64 bits wide.
unsafe impl Lower for Rows<'_> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        _ty: InterfaceType,
        destination: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        let [at, length] = self.store(cx)?;
        destination.write([ValRaw::u64(at as u64), ValRaw::u64(length as u64)]);
        Ok(())
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        _ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        let place = self.store(cx)?;
        let destination = cx.as_slice_mut()[offset..offset + 8].chunks_exact_mut(4);
        for (bytes, number) in destination.zip(place) {
            bytes.copy_from_slice(&u32::try_from(number)?.to_le_bytes());
        }
        Ok(())
    }
}

impl Answer {
    fn take(cx: &LiftContext<'_>, at: u32, list: &WasmList<u8>) -> Result<Self> {
        // That the list lies within the memory, and is not too long, was checked when it was lifted.
        let frame = &cx.memory()[at as usize..][..list.len()];
        DESTINATION.with_borrow_mut(|rows| match rows {
            Some(rows) => Ok(Self(rows.push(frame))),
            None => wasmtime::bail!("an answer came that nobody waits for"),
        })
    }
}

#[allow(
    unsafe_code,
    reason = "wasmtime asks for the word, since it trusts these constants"
)]
// SAFETY: a list of bytes is what `WasmList<u8>` is, whose constants and check of types these are.
unsafe impl ComponentType for Answer {
    type Lower = <WasmList<u8> as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = <WasmList<u8> as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <WasmList<u8> as ComponentType>::typecheck(ty, types)
    }
}

#[allow(
    unsafe_code,
    reason = "wasmtime asks for the word, since only its own types lift"
)]
// SAFETY: `WasmList` lifts first, with all of its checks; then bytes within the memory are read.
unsafe impl Lift for Answer {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        source: &Self::Lower,
    ) -> Result<Self> {
        let list = WasmList::linear_lift_from_flat(cx, ty, source)?;
        Self::take(cx, source[0].get_u32(), &list)
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        let list = WasmList::linear_lift_from_memory(cx, ty, bytes)?;
        let at = [bytes[0], bytes[1], bytes[2], bytes[3]];
        Self::take(cx, u32::from_le_bytes(at), &list)
    }
}
