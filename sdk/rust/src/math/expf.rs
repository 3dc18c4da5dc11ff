//! The exponential function of `f32`, to the bit of glibc's.

/// Bits of 2^(i / 32), less i in the exponent's last five fractional places, so that adding k / 32
/// there gives the bits of 2^(k / 32).
const POWERS: [u64; 32] = [
    0x3ff0_0000_0000_0000,
    0x3fef_d9b0_d315_8574,
    0x3fef_b558_6cf9_890f,
    0x3fef_9301_d012_5b51,
    0x3fef_72b8_3c7d_517b,
    0x3fef_5487_3168_b9aa,
    0x3fef_387a_6e75_6238,
    0x3fef_1e9d_f51f_dee1,
    0x3fef_06fe_0a31_b715,
    0x3fee_f1a7_373a_a9cb,
    0x3fee_dea6_4c12_3422,
    0x3fee_ce08_6061_892d,
    0x3fee_bfda_d536_2a27,
    0x3fee_b42b_569d_4f82,
    0x3fee_ab07_dd48_5429,
    0x3fee_a47e_b03a_5585,
    0x3fee_a09e_667f_3bcd,
    0x3fee_9f75_e8ec_5f74,
    0x3fee_a114_73eb_0187,
    0x3fee_a589_994c_ce13,
    0x3fee_ace5_422a_a0db,
    0x3fee_b737_b0cd_c5e5,
    0x3fee_c491_82a3_f090,
    0x3fee_d503_b23e_255d,
    0x3fee_e89f_995a_d3ad,
    0x3fee_ff76_f2fb_5e47,
    0x3fef_199b_dd85_529c,
    0x3fef_3720_dcef_9069,
    0x3fef_5818_dcfb_a487,
    0x3fef_7c97_337b_9b5f,
    0x3fef_a4af_a2a4_90da,
    0x3fef_d076_5b6e_4540,
];
const STEPS: f64 = 32.0;
/// Coefficients of 2^(r / 32) - 1 for |r| <= 1/2, from the third power down.
const COEFFICIENTS: [f64; 3] = [
    f64::from_bits(0x3fac_6af8_4b91_2394) / STEPS / STEPS / STEPS,
    f64::from_bits(0x3fce_bfce_50fa_c4f3) / STEPS / STEPS,
    f64::from_bits(0x3fe6_2e42_ff0c_52d6) / STEPS,
];
/// 32 / ln 2, and its 29 leading bits: their product with an `f32` is exact, and so is the rest's.
const STEPS_PER_E: f64 = std::f64::consts::LOG2_E * STEPS;
const STEPS_PER_E_HIGH: f64 = f64::from_bits(STEPS_PER_E.to_bits() & !((1 << 24) - 1));
const STEPS_PER_E_LOW: f64 = STEPS_PER_E - STEPS_PER_E_HIGH;
/// 1.5 * 2^52: adding it rounds a small number to an integer, which then sits in the lowest bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// ln 2^128 and ln 2^-150: beyond them results are infinite, or zero.
const LARGEST: f32 = f32::from_bits(0x42b1_7217);
const SMALLEST: f32 = f32::from_bits(0xc2cf_f1b4);

/// e^x for `f32`, within 0.502 units in the last place: the bits of glibc's `expf`, for every `x`,
/// on processors that fuse multiplications with additions. On others it differs for two numbers
/// `x`.
///
/// `expf(-inf)` is 0, `expf(inf)` infinity, `expf(NaN)` the canonical NaN.
///
/// Source: `math/expf.c` of ARM's optimized routines (MIT licence), which glibc and musl use.
#[must_use]
#[inline]
pub fn expf(x: f32) -> f32 {
    if x.is_nan() {
        return super::NAN_F32;
    }
    if x > LARGEST {
        return f32::INFINITY;
    }
    if x < SMALLEST {
        return 0.0;
    }
    let x = f64::from(x);
    let shifted = STEPS_PER_E * x + ROUNDER;
    // Rounded once, like a fused multiply-add.
    let r = (STEPS_PER_E_HIGH * x - (shifted - ROUNDER)) + STEPS_PER_E_LOW * x;
    let steps = shifted.to_bits();
    let power = f64::from_bits(POWERS[(steps % 32) as usize].wrapping_add(steps << 47));
    let [c3, c2, c1] = COEFFICIENTS;
    ((((c3 * r + c2) * (r * r)) + (c1 * r + 1.0)) * power) as f32
}
