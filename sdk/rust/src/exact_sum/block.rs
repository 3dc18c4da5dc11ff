//! Sums of blocks in a few floating-point operations a value that LLVM vectorizes, without any rounding error.
//!
//! For values below 2^e, adding and subtracting σ = 2^(e + 9) cuts off each value's bits below a common last place.
//! What is left of 256 values, all multiples of that place, adds up exactly in `f64`. The cut-off parts are exact, too,
//! and go through the same step with a smaller σ. Source: Rump, Ogita and Oishi, `ExtractVector`; the exact products are
//! Veltkamp's split and Dekker's product, since there is no fused multiply-add in WebAssembly.

/// Values in a block: a power of two. What follows from it: [`HEADROOM`].
pub(super) const LENGTH: usize = 256;

/// σ must be at least 2^9 times a power of two above the values: `LENGTH + 2 <= 2^9`.
const HEADROOM: u64 = 9;
/// One step leaves remainders below σ / 2^53, so the next σ is 2^(53 - 9) times smaller.
const STEP: f64 = 1.0 / (1u64 << (53 - HEADROOM)) as f64;
/// Independent partial sums, so that additions overlap and fill vectors.
const LANES: usize = 8;

/// The exact sum of a block.
pub(super) struct Sum {
    /// The exact sums of the values' highest 44 bits, counted from the largest value, and of the next 44.
    pub(super) parts: [f64; 2],
    /// What is left of each value; empty unless magnitudes within the block differ a lot.
    pub(super) residuals: Vec<f64>,
}

/// The exact sum, or `None` if the block has NaNs, infinities, or magnitudes at the ends of the range, for which
/// σ is not a normal number.
pub(super) fn sum(values: &[f64; LENGTH]) -> Option<Sum> {
    let (_, largest) = range(values);
    let exponent = largest.to_bits() >> 52;
    if !(64..=2000).contains(&exponent) {
        return (largest == 0.0 && values.iter().all(|value| *value == 0.0)).then(Sum::zero);
    }
    let sigma = f64::from_bits((exponent + 1 + HEADROOM) << 52);

    let mut rest = *values;
    let parts = [extract(&mut rest, sigma), extract(&mut rest, sigma * STEP)];
    if parts.iter().any(|part| part.is_nan()) {
        return None;
    }
    let any_rest = rest.iter().fold(0, |bits, value| bits | value.to_bits() << 1) != 0;
    let residuals = if any_rest { rest.into_iter().filter(|value| *value != 0.0).collect() } else { Vec::new() };
    Some(Sum { parts, residuals })
}

/// The exact sum of the products `x[i] * y[i]`, as the sums of two blocks. `None` as for [`sum`], and for magnitudes
/// whose products or their errors could leave the range.
pub(super) fn sum_of_products(x: &[f64; LENGTH], y: &[f64; LENGTH]) -> Option<[Sum; 2]> {
    // The error of a product is a multiple of the product of the last places: 2^(2 * (-480 - 52)) > 2^-1074.
    const SMALLEST: f64 = f64::from_bits((1023 - 480) << 52);
    const LARGEST: f64 = f64::from_bits((1023 + 480) << 52);
    for factor in [x, y] {
        let (smallest, largest) = range(factor);
        if smallest < SMALLEST || largest > LARGEST {
            return None;
        }
    }
    let mut products = [0.0; LENGTH];
    let mut errors = [0.0; LENGTH];
    for index in 0..LENGTH {
        (products[index], errors[index]) = two_product(x[index], y[index]);
    }
    Some([sum(&products)?, sum(&errors)?])
}

/// Replaces each value by its part below the last place that σ allows, and returns the exact sum of what it took.
#[inline]
fn extract(values: &mut [f64; LENGTH], sigma: f64) -> f64 {
    let mut sums = [0.0; LANES];
    for lanes in values.chunks_exact_mut(LANES) {
        for (value, sum) in lanes.iter_mut().zip(&mut sums) {
            let taken = (sigma + *value) - sigma;
            *value -= taken;
            *sum += taken;
        }
    }
    sums.iter().sum()
}

/// The smallest nonzero magnitude (infinity if there is none) and the largest. NaNs are passed over.
#[inline]
fn range(values: &[f64; LENGTH]) -> (f64, f64) {
    let mut smallest = [f64::INFINITY; LANES];
    let mut largest = [0.0; LANES];
    for lanes in values.chunks_exact(LANES) {
        for ((value, low), high) in lanes.iter().zip(&mut smallest).zip(&mut largest) {
            let magnitude = value.abs();
            let nonzero = if magnitude == 0.0 { f64::INFINITY } else { magnitude };
            *low = if nonzero < *low { nonzero } else { *low };
            *high = if magnitude > *high { magnitude } else { *high };
        }
    }
    (smallest.into_iter().fold(f64::INFINITY, f64::min), largest.into_iter().fold(0.0, f64::max))
}

/// `x * y` and its rounding error, for factors of moderate magnitude.
#[inline]
fn two_product(x: f64, y: f64) -> (f64, f64) {
    let product = x * y;
    let ((x_high, x_low), (y_high, y_low)) = (halves(x), halves(y));
    let error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low;
    (product, error)
}

/// A number as the sum of two of 26 bits.
#[inline]
fn halves(value: f64) -> (f64, f64) {
    let scaled = value * (f64::from(1 << 27) + 1.0);
    let high = scaled - (scaled - value);
    (high, value - high)
}

impl Sum {
    fn zero() -> Self {
        Self { parts: [0.0; 2], residuals: Vec::new() }
    }
}
