//! The instructions that mend, and the locals that they need.

use std::collections::BTreeMap;

use wasm_encoder::{Encode, InstructionSink, ValType};

use super::effects::Shape;

const NAN32: u32 = 0x7fc0_0000;
const NAN64: u64 = 0x7ff8_0000_0000_0000;

/// The code of a function that is being rewritten.
pub(super) struct Code {
    bytes: Vec<u8>,
    /// The first local that is free.
    first: u32,
    /// The types of the locals from there on.
    added: Vec<ValType>,
    /// Which local holds the operand at a depth, by its type and depth.
    places: BTreeMap<(ValType, usize), u32>,
}

impl Code {
    /// `first` is the number of locals that the function has.
    pub(super) fn new(first: u32, length: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(length + length / 2),
            first,
            added: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// Appends an instruction as it is.
    pub(super) fn copy(&mut self, instruction: &[u8]) {
        self.bytes.extend_from_slice(instruction);
    }

    /// Mends the value on top.
    ///
    /// A scalar is chosen by a branch that is foretold, so that nothing waits for the comparison; lanes
    /// are blended.
    pub(super) fn mend(&mut self, shape: Shape) {
        let local = self.place(
            match shape {
                Shape::F32 => ValType::F32,
                Shape::F64 => ValType::F64,
                Shape::F32x4 | Shape::F64x2 => ValType::V128,
            },
            0,
        );
        let mut sink = InstructionSink::new(&mut self.bytes);
        sink.local_tee(local);
        match shape {
            Shape::F32 => sink.f32_const(f32::from_bits(NAN32).into()),
            Shape::F64 => sink.f64_const(f64::from_bits(NAN64).into()),
            Shape::F32x4 => sink.v128_const(i128::from(NAN32) * 0x1_0000_0001_0000_0001_0000_0001),
            Shape::F64x2 => sink.v128_const(i128::from(NAN64) * 0x1_0000_0000_0000_0001),
        };
        sink.local_get(local).local_get(local);
        match shape {
            Shape::F32 => sink.f32_eq().select(),
            Shape::F64 => sink.f64_eq().select(),
            Shape::F32x4 => sink.f32x4_eq().v128_bitselect(),
            Shape::F64x2 => sink.f64x2_eq().v128_bitselect(),
        };
    }

    /// Mends a local.
    pub(super) fn mend_local(&mut self, local: u32, shape: Shape) {
        InstructionSink::new(&mut self.bytes).local_get(local);
        self.mend(shape);
        InstructionSink::new(&mut self.bytes).local_set(local);
    }

    /// Mends the value that lies below values of these types, the first of them on top.
    pub(super) fn mend_below(&mut self, above: &[ValType], shape: Shape) {
        let places: Vec<u32> = (1..)
            .zip(above)
            .map(|(depth, &value)| self.place(value, depth))
            .collect();
        for &place in &places {
            InstructionSink::new(&mut self.bytes).local_set(place);
        }
        self.mend(shape);
        for &place in places.iter().rev() {
            InstructionSink::new(&mut self.bytes).local_get(place);
        }
    }

    fn place(&mut self, value: ValType, depth: usize) -> u32 {
        *self.places.entry((value, depth)).or_insert_with(|| {
            self.added.push(value);
            self.first + u32::try_from(self.added.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// The body of the function: so many groups of locals, which are encoded already, those that were
    /// added, and the code.
    pub(super) fn finish(self, groups: u32, declarations: &[u8]) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes.len() + declarations.len() + 16);
        (groups as usize + self.added.len()).encode(&mut body);
        body.extend_from_slice(declarations);
        for value in self.added {
            1_u32.encode(&mut body);
            value.encode(&mut body);
        }
        body.extend(self.bytes);
        body
    }
}
