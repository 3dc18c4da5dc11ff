//! Several numbers at once, in the sandbox's registers of 128 bits. The compiler does not find these by
//! itself. Natively they are plain arrays: the numbers are the same.

pub(crate) use self::imp::{Pair, Sixteen, Whole};

#[cfg(target_arch = "wasm32")]
mod imp {
    use core::arch::wasm32::{
        f64x2, f64x2_add, f64x2_extract_lane, i16x8_add, i64x2, i64x2_add, i64x2_extract_lane,
        i64x2_sub, u16x8, u16x8_extend_high_u8x16, u16x8_extend_low_u8x16, u16x8_extract_lane,
        u64x2, v128,
    };

    use crate::histogram::Sum;

    /// A [`Sum`].
    #[derive(Clone, Copy)]
    pub(crate) struct Pair(v128);

    impl Pair {
        #[inline(always)]
        pub(crate) fn new(sum: Sum) -> Self {
            Self(f64x2(sum.gradient, sum.hessian))
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(f64x2_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn sum(self) -> Sum {
            Sum {
                gradient: f64x2_extract_lane::<0>(self.0),
                hessian: f64x2_extract_lane::<1>(self.0),
            }
        }
    }

    /// Two whole numbers.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Whole(v128);

    impl Whole {
        pub(crate) const NOTHING: Self = Self(i64x2(0, 0));

        #[inline(always)]
        pub(crate) fn new([first, second]: [i64; 2]) -> Self {
            Self(i64x2(first, second))
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(i64x2_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn minus(self, other: Self) -> Self {
            Self(i64x2_sub(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn both(self) -> [i64; 2] {
            [
                i64x2_extract_lane::<0>(self.0),
                i64x2_extract_lane::<1>(self.0),
            ]
        }
    }

    /// Numbers of 16 bits.
    #[derive(Clone, Copy)]
    pub(crate) struct Sixteen([v128; 2]);

    impl Sixteen {
        #[inline(always)]
        pub(crate) fn of_bytes(bytes: &[u8; 16]) -> Self {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
            let bytes = u64x2(
                u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                u64::from_le_bytes([i, j, k, l, m, n, o, p]),
            );
            Self([
                u16x8_extend_low_u8x16(bytes),
                u16x8_extend_high_u8x16(bytes),
            ])
        }

        #[inline(always)]
        pub(crate) fn of_words(words: &[u16; 16]) -> Self {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *words;
            Self([u16x8(a, b, c, d, e, f, g, h), u16x8(i, j, k, l, m, n, o, p)])
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self([
                i16x8_add(self.0[0], other.0[0]),
                i16x8_add(self.0[1], other.0[1]),
            ])
        }

        #[inline(always)]
        pub(crate) fn words(self) -> [u16; 16] {
            let [low, high] = self.0;
            [
                u16x8_extract_lane::<0>(low),
                u16x8_extract_lane::<1>(low),
                u16x8_extract_lane::<2>(low),
                u16x8_extract_lane::<3>(low),
                u16x8_extract_lane::<4>(low),
                u16x8_extract_lane::<5>(low),
                u16x8_extract_lane::<6>(low),
                u16x8_extract_lane::<7>(low),
                u16x8_extract_lane::<0>(high),
                u16x8_extract_lane::<1>(high),
                u16x8_extract_lane::<2>(high),
                u16x8_extract_lane::<3>(high),
                u16x8_extract_lane::<4>(high),
                u16x8_extract_lane::<5>(high),
                u16x8_extract_lane::<6>(high),
                u16x8_extract_lane::<7>(high),
            ]
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod imp {
    use crate::histogram::Sum;

    /// A [`Sum`].
    #[derive(Clone, Copy)]
    pub(crate) struct Pair(Sum);

    impl Pair {
        #[inline(always)]
        pub(crate) fn new(sum: Sum) -> Self {
            Self(sum)
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(self.0 + other.0)
        }

        #[inline(always)]
        pub(crate) fn sum(self) -> Sum {
            self.0
        }
    }

    /// Two whole numbers.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Whole([i64; 2]);

    impl Whole {
        pub(crate) const NOTHING: Self = Self([0; 2]);

        #[inline(always)]
        pub(crate) fn new(both: [i64; 2]) -> Self {
            Self(both)
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self([self.0[0] + other.0[0], self.0[1] + other.0[1]])
        }

        #[inline(always)]
        pub(crate) fn minus(self, other: Self) -> Self {
            Self([self.0[0] - other.0[0], self.0[1] - other.0[1]])
        }

        #[inline(always)]
        pub(crate) fn both(self) -> [i64; 2] {
            self.0
        }
    }

    /// Numbers of 16 bits.
    #[derive(Clone, Copy)]
    pub(crate) struct Sixteen([u16; 16]);

    impl Sixteen {
        #[inline(always)]
        pub(crate) fn of_bytes(bytes: &[u8; 16]) -> Self {
            Self(bytes.map(u16::from))
        }

        #[inline(always)]
        pub(crate) fn of_words(words: &[u16; 16]) -> Self {
            Self(*words)
        }

        #[inline(always)]
        pub(crate) fn plus(mut self, other: Self) -> Self {
            for (one, other) in self.0.iter_mut().zip(other.0) {
                *one = one.wrapping_add(other);
            }
            self
        }

        #[inline(always)]
        pub(crate) fn words(self) -> [u16; 16] {
            self.0
        }
    }
}
