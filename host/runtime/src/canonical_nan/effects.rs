//! What an instruction does with NaNs.

use wasmparser::Operator;

/// How the numbers of a value lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bits {
    /// Whatever it is, it stays as it is.
    Settled,
    /// Numbers of this shape, none of them NaN.
    Number(Shape),
    /// Numbers of this shape; a NaN among them has the processor's bits.
    Raw(Shape),
}

/// What an instruction does with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Sees their bits; what it answers is settled.
    Observe,
    /// Sees at most that one is NaN; what it answers is no number of a float type.
    Compare(Shape),
    /// Makes numbers of the second shape from those of the first, its NaNs with the processor's bits.
    Compute(Shape, Shape),
    /// Makes numbers that are never NaN.
    Number(Shape),
    /// Keeps a NaN a NaN, and its sign positive.
    Absolute(Shape),
    /// Answers with one of the two operands below the top `skipped`, lane by lane.
    Choose {
        shape: Option<Shape>,
        skipped: usize,
    },
    /// Puts the operand's number into every lane.
    Splat(Shape),
    /// Takes a lane out.
    Extract(Shape),
    /// Puts the number on top into a lane of the vector below it.
    Replace(Shape),
}

impl Shape {
    /// The shape of all lanes, if this is the shape of one.
    pub(super) fn vector(self) -> Self {
        match self {
            Self::F32 | Self::F32x4 => Self::F32x4,
            Self::F64 | Self::F64x2 => Self::F64x2,
        }
    }

    /// The shape of one lane.
    pub(super) fn lane(self) -> Self {
        match self {
            Self::F32 | Self::F32x4 => Self::F32,
            Self::F64 | Self::F64x2 => Self::F64,
        }
    }
}

impl Bits {
    /// What is known of a lane, or of a vector of it.
    pub(super) fn reshaped(self, from: Shape, to: Shape) -> Self {
        if self == Self::Raw(from) {
            Self::Raw(to)
        } else if self.is_number(from) {
            Self::Number(to)
        } else {
            Self::Settled
        }
    }

    /// Whether the value, taken as numbers of this shape, holds no NaN.
    pub(super) fn is_number(self, shape: Shape) -> bool {
        match self {
            Self::Number(known) => {
                // The upper half of every float64 NaN is a float32 NaN.
                known == shape || (known == Shape::F32x4 && shape == Shape::F64x2)
            }
            _ => false,
        }
    }

    /// What is known of a value that is one of these two.
    pub(super) fn either(self, other: Self, shape: Shape) -> Option<Self> {
        let raw = Self::Raw(shape);
        let fits = |bits: Self| bits == raw || bits.is_number(shape);
        match (self == raw || other == raw, fits(self) && fits(other)) {
            (true, true) => Some(raw),
            (false, true) => Some(Self::Number(shape)),
            _ => None,
        }
    }
}

/// Whether an instruction can make a NaN whose bits are the processor's.
pub(super) fn makes_nan(operator: &Operator<'_>) -> bool {
    matches!(effect(operator), Effect::Compute(..))
}

/// What an instruction that does not change the flow of control does. Instructions that are not listed
/// see the bits of what they take.
#[rustfmt::skip]
pub(super) fn effect(operator: &Operator<'_>) -> Effect {
    use Operator::*;
    use Shape::{F32 as S, F32x4 as S4, F64 as D, F64x2 as D2};
    match operator {
        F32Add | F32Sub | F32Mul | F32Div | F32Min | F32Max | F32Sqrt | F32Ceil | F32Floor | F32Trunc
        | F32Nearest => Effect::Compute(S, S),
        F64Add | F64Sub | F64Mul | F64Div | F64Min | F64Max | F64Sqrt | F64Ceil | F64Floor | F64Trunc
        | F64Nearest => Effect::Compute(D, D),
        F32x4Add | F32x4Sub | F32x4Mul | F32x4Div | F32x4Min | F32x4Max | F32x4Sqrt | F32x4Ceil
        | F32x4Floor | F32x4Trunc | F32x4Nearest => Effect::Compute(S4, S4),
        F64x2Add | F64x2Sub | F64x2Mul | F64x2Div | F64x2Min | F64x2Max | F64x2Sqrt | F64x2Ceil
        | F64x2Floor | F64x2Trunc | F64x2Nearest => Effect::Compute(D2, D2),
        F32DemoteF64 => Effect::Compute(D, S),
        F64PromoteF32 => Effect::Compute(S, D),
        F32x4DemoteF64x2Zero => Effect::Compute(D2, S4),
        F64x2PromoteLowF32x4 => Effect::Compute(S4, D2),

        F32Eq | F32Ne | F32Lt | F32Gt | F32Le | F32Ge
        | I32TruncF32S | I32TruncF32U | I64TruncF32S | I64TruncF32U
        | I32TruncSatF32S | I32TruncSatF32U | I64TruncSatF32S | I64TruncSatF32U => Effect::Compare(S),
        F64Eq | F64Ne | F64Lt | F64Gt | F64Le | F64Ge
        | I32TruncF64S | I32TruncF64U | I64TruncF64S | I64TruncF64U
        | I32TruncSatF64S | I32TruncSatF64U | I64TruncSatF64S | I64TruncSatF64U => Effect::Compare(D),
        F32x4Eq | F32x4Ne | F32x4Lt | F32x4Gt | F32x4Le | F32x4Ge
        | I32x4TruncSatF32x4S | I32x4TruncSatF32x4U => Effect::Compare(S4),
        F64x2Eq | F64x2Ne | F64x2Lt | F64x2Gt | F64x2Le | F64x2Ge
        | I32x4TruncSatF64x2SZero | I32x4TruncSatF64x2UZero => Effect::Compare(D2),

        F32ConvertI32S | F32ConvertI32U | F32ConvertI64S | F32ConvertI64U => Effect::Number(S),
        F64ConvertI32S | F64ConvertI32U | F64ConvertI64S | F64ConvertI64U => Effect::Number(D),
        F32x4ConvertI32x4S | F32x4ConvertI32x4U => Effect::Number(S4),
        F64x2ConvertLowI32x4S | F64x2ConvertLowI32x4U => Effect::Number(D2),
        F32Const { value } if !f32::from_bits(value.bits()).is_nan() => Effect::Number(S),
        F64Const { value } if !f64::from_bits(value.bits()).is_nan() => Effect::Number(D),
        V128Const { value } => constant(value.bytes()),

        F32Abs => Effect::Absolute(S),
        F64Abs => Effect::Absolute(D),
        F32x4Abs => Effect::Absolute(S4),
        F64x2Abs => Effect::Absolute(D2),

        F32x4PMin | F32x4PMax => Effect::Choose { shape: Some(S4), skipped: 0 },
        F64x2PMin | F64x2PMax => Effect::Choose { shape: Some(D2), skipped: 0 },
        Select | TypedSelect { .. } => Effect::Choose { shape: None, skipped: 1 },

        F32x4Splat => Effect::Splat(S),
        F64x2Splat => Effect::Splat(D),
        F32x4ExtractLane { .. } => Effect::Extract(S4),
        F64x2ExtractLane { .. } => Effect::Extract(D2),
        F32x4ReplaceLane { .. } => Effect::Replace(S4),
        F64x2ReplaceLane { .. } => Effect::Replace(D2),

        _ => Effect::Observe,
    }
}

fn constant(bytes: &[u8; 16]) -> Effect {
    let float32 = |bytes: &[u8]| {
        bytes
            .try_into()
            .is_ok_and(|b| f32::from_le_bytes(b).is_nan())
    };
    let float64 = |bytes: &[u8]| {
        bytes
            .try_into()
            .is_ok_and(|b| f64::from_le_bytes(b).is_nan())
    };
    if !bytes.chunks_exact(4).any(float32) {
        Effect::Number(Shape::F32x4)
    } else if !bytes.chunks_exact(8).any(float64) {
        Effect::Number(Shape::F64x2)
    } else {
        Effect::Observe
    }
}
