//! Sixteen rows at once, in the sandbox's registers of 128 bits. The compiler does not find these by
//! itself. Natively they are plain arrays: the numbers are the same.

pub(super) use self::imp::{Sixteen, add, count_not_above};

#[cfg(target_arch = "wasm32")]
mod imp {
    use core::arch::wasm32::{
        f32x4, f32x4_add, f32x4_extract_lane, f32x4_le, f32x4_splat, i8x16_add, i8x16_bitmask,
        i8x16_gt, i8x16_narrow_i16x8, i8x16_splat, i16x8_narrow_i32x4, u64x2, u64x2_extract_lane,
        v128, v128_bitselect,
    };

    /// A byte of each row.
    #[derive(Clone, Copy)]
    pub(crate) struct Sixteen(v128);

    impl Sixteen {
        #[inline(always)]
        pub(crate) fn new(bytes: &[i8; 16]) -> Self {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = bytes.map(|byte| byte as u8);
            Self(u64x2(
                u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                u64::from_le_bytes([i, j, k, l, m, n, o, p]),
            ))
        }

        #[inline(always)]
        pub(crate) fn splat(byte: i8) -> Self {
            Self(i8x16_splat(byte))
        }

        /// -1 where this is greater, else 0.
        #[inline(always)]
        pub(crate) fn is_greater(self, other: Self) -> Self {
            Self(i8x16_gt(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(i8x16_add(self.0, other.0))
        }

        /// The first where this is -1, the second where it is 0.
        #[inline(always)]
        pub(crate) fn choose(self, first: Self, second: Self) -> Self {
            Self(v128_bitselect(first.0, second.0, self.0))
        }

        #[inline(always)]
        fn halves(self) -> [u64; 2] {
            [
                u64x2_extract_lane::<0>(self.0),
                u64x2_extract_lane::<1>(self.0),
            ]
        }
    }

    /// How many of these numbers, NaNs not counted, are at or below a value.
    #[inline(always)]
    pub(crate) fn count_not_above(numbers: &[f32; 16], value: f32) -> usize {
        let value = f32x4_splat(value);
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *numbers;
        let [first, second, third, fourth] = [
            f32x4(a, b, c, d),
            f32x4(e, f, g, h),
            f32x4(i, j, k, l),
            f32x4(m, n, o, p),
        ]
        .map(|numbers| f32x4_le(numbers, value));
        let found = i8x16_narrow_i16x8(
            i16x8_narrow_i32x4(first, second),
            i16x8_narrow_i32x4(third, fourth),
        );
        i8x16_bitmask(found).count_ones() as usize
    }

    /// Adds to each sum the value at the place that the row's byte says, of `values`, whose length is a
    /// power of two up to 256.
    #[inline(always)]
    pub(crate) fn add(sums: &mut [f32; 16], places: Sixteen, values: &[f32]) {
        let [low, high] = places.halves();
        for (four, sums) in sums.chunks_exact_mut(4).enumerate() {
            let half = if four < 2 { low } else { high };
            let value = |lane: usize| {
                let place = half >> (8 * (four % 2 * 4 + lane));
                values[place as usize & 0xff & (values.len() - 1)]
            };
            let sum = f32x4_add(
                f32x4(sums[0], sums[1], sums[2], sums[3]),
                f32x4(value(0), value(1), value(2), value(3)),
            );
            sums[0] = f32x4_extract_lane::<0>(sum);
            sums[1] = f32x4_extract_lane::<1>(sum);
            sums[2] = f32x4_extract_lane::<2>(sum);
            sums[3] = f32x4_extract_lane::<3>(sum);
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod imp {
    /// A byte of each row.
    #[derive(Clone, Copy)]
    pub(crate) struct Sixteen([i8; 16]);

    impl Sixteen {
        #[inline(always)]
        pub(crate) fn new(bytes: &[i8; 16]) -> Self {
            Self(*bytes)
        }

        #[inline(always)]
        pub(crate) fn splat(byte: i8) -> Self {
            Self([byte; 16])
        }

        /// -1 where this is greater, else 0.
        #[inline(always)]
        pub(crate) fn is_greater(self, other: Self) -> Self {
            self.with(other, |one, other| if one > other { -1 } else { 0 })
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            self.with(other, i8::wrapping_add)
        }

        /// The first where this is -1, the second where it is 0.
        #[inline(always)]
        pub(crate) fn choose(self, first: Self, second: Self) -> Self {
            let first = self.with(first, |mask, byte| mask & byte);
            first.plus(self.with(second, |mask, byte| !mask & byte))
        }

        #[inline(always)]
        fn with(self, other: Self, join: impl Fn(i8, i8) -> i8) -> Self {
            Self(std::array::from_fn(|lane| {
                join(self.0[lane], other.0[lane])
            }))
        }
    }

    /// How many of these numbers, NaNs not counted, are at or below a value.
    #[inline(always)]
    pub(crate) fn count_not_above(numbers: &[f32; 16], value: f32) -> usize {
        numbers.iter().filter(|&&number| number <= value).count()
    }

    /// Adds to each sum the value at the place that the row's byte says, of `values`, whose length is a
    /// power of two up to 256.
    #[inline(always)]
    pub(crate) fn add(sums: &mut [f32; 16], places: Sixteen, values: &[f32]) {
        for (sum, place) in sums.iter_mut().zip(places.0) {
            *sum += values[usize::from(place as u8) & (values.len() - 1)];
        }
    }
}
