//! The natural logarithm of `f32`, to the bit of glibc's.

/// For each sixteenth of the mantissas, about 1 / c and ln c for a number c near its centre.
const CENTRES: [(u64, u64); 16] = [
    (0x3ff6_61ec_79f8_f3be, 0xbfd5_7bf7_808c_aade),
    (0x3ff5_71ed_4aaf_883d, 0xbfd2_bef0_a7c0_6ddb),
    (0x3ff4_9539_f0f0_10b0, 0xbfd0_1eae_7f51_3a67),
    (0x3ff3_c995_b0b8_0385, 0xbfcb_31d8_a682_24e9),
    (0x3ff3_0d19_0c88_64a5, 0xbfc6_574f_0ac0_7758),
    (0x3ff2_5e22_7b0b_8ea0, 0xbfc1_aa2b_c79c_8100),
    (0x3ff1_bb4a_4a1a_343f, 0xbfba_4e76_ce8c_0e5e),
    (0x3ff1_2358_f08a_e5ba, 0xbfb1_973c_5a61_1ccc),
    (0x3ff0_953f_4199_00a7, 0xbfa2_52f4_38e1_0c1e),
    (0x3ff0_0000_0000_0000, 0x0000_0000_0000_0000),
    (0x3fee_608c_fd9a_47ac, 0x3faa_a5aa_5df2_5984),
    (0x3fec_a4b3_1f02_6aa0, 0x3fbc_5e53_aa36_2eb4),
    (0x3feb_2036_576a_fce6, 0x3fc5_26e5_7720_db08),
    (0x3fe9_c2d1_63a1_aa2d, 0x3fcb_c286_0d22_4770),
    (0x3fe8_86e6_0378_41ed, 0x3fd1_058b_c8a0_7ee1),
    (0x3fe7_67dc_f553_4862, 0x3fd4_0430_57b6_ee09),
];
const LN_2: f64 = std::f64::consts::LN_2;
/// Coefficients of ln(1 + r) - r, from the fourth power down.
const COEFFICIENTS: [f64; 3] = [
    f64::from_bits(0xbfd0_0ea3_48b8_8334),
    f64::from_bits(0x3fd5_575b_0be0_0b6a),
    f64::from_bits(0xbfdf_fffe_f20a_4123),
];
/// Mantissas lie between this number's and twice it: about 0.7 and 1.4.
const LOWEST_MANTISSA: u32 = 0x3f33_0000;

/// ln x for `f32`, within 0.82 units in the last place: the bits of glibc's and musl's `logf`.
///
/// `logf(0)` is -infinity for both zeros, `logf(inf)` infinity; NaN and negative numbers give the
/// canonical NaN.
///
/// Source: `math/logf.c` of ARM's optimized routines (MIT licence), which glibc and musl use.
#[must_use]
#[inline]
pub fn logf(x: f32) -> f32 {
    if x == 0.0 {
        return f32::NEG_INFINITY;
    }
    if x == f32::INFINITY {
        return x;
    }
    if x.is_nan() || x < 0.0 {
        return super::NAN_F32;
    }
    let bits = if x < f32::MIN_POSITIVE {
        const SCALE: f32 = (1u32 << 23) as f32;
        (x * SCALE).to_bits().wrapping_sub(23 << 23)
    } else {
        x.to_bits()
    };
    let above = bits.wrapping_sub(LOWEST_MANTISSA);
    let (inverse, logarithm) = CENTRES[(above >> 19) as usize % 16];
    let k = f64::from(above as i32 >> 23);
    let mantissa = f32::from_bits(bits.wrapping_sub(above & (0x1ff << 23)));
    // ln x = ln(1 + r) + ln c + k ln 2
    let r = f64::from(mantissa) * f64::from_bits(inverse) - 1.0;
    let constant = f64::from_bits(logarithm) + k * LN_2;
    let [c4, c3, c2] = COEFFICIENTS;
    let r2 = r * r;
    let polynomial = c4 * r2 + (c3 * r + c2);
    (polynomial * r2 + (constant + r)) as f32
}
