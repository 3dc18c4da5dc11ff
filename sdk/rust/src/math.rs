//! Elementary functions with pinned bits: one result on every target, engine and compiler.
//!
//! A standard library's `exp` or `ln` differs between platforms in the last place. These are made
//! of `+ - * /`, comparisons and bit operations only, which IEEE 754 fixes to the bit, and never
//! fuse a multiplication with an addition. NaN results are always `0x7ff8000000000000` (or
//! `0x7fc00000`).
//!
//! | function | error | the same as |
//! |---|---|---|
//! | [`exp`], [`ln`], [`log1p`] for `f64` | below 1 unit in the last place (0.89 seen) | |
//! | [`expm1`], [`sin_turns`], [`cos_turns`] for `f64` | below 1 unit in the last place | |
//! | [`normal_quantile`] for `f64` | below 5 units in the last place | |
//! | [`expf`], [`logf`] for `f32` | below 0.82 units | glibc and musl, to the bit |
//! | [`sigmoid`], [`logit`] for `f32` | | XGBoost, to the bit |
//!
//! The slice forms ([`exp_slice`], [`expm1_slice`], [`ln_slice`], [`log1p_slice`]) give the very bits of the scalar
//! ones, several times faster: they are free of branches, and LLVM vectorizes them.
//!
//! ```
//! use trueline_sdk::math;
//!
//! let mut logs = [0.0; 3];
//! math::log1p_slice(&[0.0, 1e-20, -1.0], &mut logs);
//! assert_eq!(logs, [0.0, 1e-20, f64::NEG_INFINITY]);
//! assert_eq!(math::log1p(1.5).to_bits(), 0x3fed_5240_f0e0_e078);
//! ```

#![expect(
    clippy::cast_possible_truncation,
    reason = "exponent fields are small, and `f32` results are meant to be rounded"
)]

mod blocks;
mod exp;
mod expf;
mod expm1;
mod ln;
mod log1p;
mod logf;
mod logistic;
mod normal;
#[cfg(test)]
mod tests;
mod turns;

pub use exp::{exp, exp_slice};
pub use expf::expf;
pub use expm1::{expm1, expm1_slice};
pub use ln::{ln, ln_slice};
pub use log1p::{log1p, log1p_slice};
pub use logf::logf;
pub use logistic::{logit, sigmoid};
pub use normal::normal_quantile;
pub use turns::{cos_turns, sin_turns};

/// `f64::NAN` promises neither its sign nor its payload.
const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);
const NAN_F32: f32 = f32::from_bits(0x7fc0_0000);

/// ln 2 in two parts: k * LN_2_HIGH is exact for every exponent k.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
