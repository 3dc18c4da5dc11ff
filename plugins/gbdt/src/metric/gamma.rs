//! The logarithm of the gamma function.

use trueline_sdk::math::ln;

/// ln Γ(x) for x of 1 or more, to 12 digits or better: Stirling's series above 8, and the recurrence
/// Γ(x + 1) = x Γ(x) to get there (Abramowitz and Stegun, 6.1.15 and 6.1.41).
pub(super) fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 8.0 {
        product *= x;
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = (1.0 / 12.0
        + square
            * (-1.0 / 360.0
                + square * (1.0 / 1260.0 + square * (-1.0 / 1680.0 + square / 1188.0))))
        / x;
    let half_ln_two_pi = 0.918_938_533_204_672_7;
    (x - 0.5) * ln(x) - x + half_ln_two_pi + series - ln(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_of_factorials() {
        let mut factorial = 1.0;
        for n in 1..30 {
            let (value, expected) = (ln_gamma(f64::from(n)), f64::ln(factorial));
            assert!((value - expected).abs() < 1e-10, "{n}: {value} {expected}");
            factorial *= f64::from(n);
        }
        // Γ(3/2) is half the root of pi.
        let expected = f64::ln(std::f64::consts::PI.sqrt() / 2.0);
        assert!((ln_gamma(1.5) - expected).abs() < 1e-10);
    }
}
