//! The sums against big integers, in every order and partition.

use num_bigint::{BigInt, Sign};
use proptest::prelude::*;

use super::*;

/// The exact value of a finite number in units of 2^-2148, the last place of the smallest product.
fn exact(value: f64) -> BigInt {
    let (exponent, mantissa) = split(value);
    let magnitude = BigInt::from(mantissa) << (exponent - 1 + 1074);
    if value < 0.0 { -magnitude } else { magnitude }
}

/// Asserts that `value` is `numerator / denominator` rounded to nearest, ties to even, by looking
/// at its neighbours.
fn assert_rounded(value: f64, numerator: &BigInt, denominator: &BigInt) {
    let distance = |candidate: f64| {
        // Infinity stands for 2^1024 here, as in IEEE 754's rule for overflow.
        let exact = if candidate.is_finite() {
            exact(candidate)
        } else {
            exact(2f64.powi(1023).copysign(candidate)) * 2
        };
        let difference = exact * denominator - numerator;
        if difference.sign() == Sign::Minus {
            -difference
        } else {
            difference
        }
    };
    assert!(!value.is_nan());
    let own = distance(value);
    for neighbour in [value.next_up(), value.next_down()] {
        if neighbour == value || neighbour.is_nan() {
            continue;
        }
        let other = distance(neighbour);
        let is_even = value.to_bits() & 1 == 0;
        assert!(
            own < other || (own == other && is_even),
            "{value:e} is not the nearest, {neighbour:e} is"
        );
    }
}

fn sum_of(values: &[f64]) -> ExactSum {
    let mut sum = ExactSum::new();
    sum.add_slice(values);
    sum
}

/// Any bits; ordinary numbers; tiny ones; halves of a last place, for ties.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>()
            .prop_map(f64::from_bits)
            .prop_filter("finite", |value| value.is_finite()),
        -1e6..1e6f64,
        (-4i64..=4).prop_map(|steps| steps as f64 * f64::from_bits(1)),
        (-1074i32..=1023, any::<bool>()).prop_map(|(exponent, negative)| {
            let power = 2f64.powi(exponent.max(-1022)) * 2f64.powi(exponent.min(-1022) + 1022);
            if negative { -power } else { power }
        }),
    ]
}

/// Merges the accumulators of the pieces, in the order in which `picks` takes them.
fn merge_tree(mut parts: Vec<ExactSum>, picks: &[prop::sample::Index]) -> ExactSum {
    for pick in picks {
        if parts.len() > 1 {
            let part = parts.swap_remove(pick.index(parts.len()));
            let target = pick.index(parts.len());
            parts[target].merge(&part);
        }
    }
    let mut whole = ExactSum::new();
    parts.iter().for_each(|part| whole.merge(part));
    whole
}

proptest! {
    #[test]
    fn the_value_is_the_exact_sum_rounded_once(values in prop::collection::vec(number(), 0..40)) {
        let total: BigInt = values.iter().map(|value| exact(*value)).sum();
        assert_rounded(sum_of(&values).value(), &total, &1.into());
        let count = 1 + values.len() as u64;
        assert_rounded(sum_of(&values).mean(count).unwrap(), &total, &count.into());
    }

    #[test]
    fn products_are_exact(pairs in prop::collection::vec((number(), number()), 0..40)) {
        let mut sum = ExactSum::new();
        pairs.iter().for_each(|(x, y)| sum.add_product(*x, *y));
        let total: BigInt = pairs.iter().map(|(x, y)| (exact(*x) * exact(*y)) >> 2148).sum();
        assert_rounded(sum.value(), &total, &1.into());
    }

    #[test]
    fn slices_are_added_like_single_values(
        scale in -1000i32..1000,
        spread in 0u32..80,
        bits in prop::collection::vec(any::<u64>(), 256..700),
        odd in prop::collection::vec((any::<prop::sample::Index>(), any::<f64>()), 0..2),
    ) {
        let mut values: Vec<f64> = bits.iter().map(|bits| {
            let exponent = 1023 + scale - (bits % u64::from(spread + 1)) as i32;
            f64::from_bits((exponent.max(0) as u64) << 52 | bits & (1 << 63 | MANTISSA_MASK))
        }).collect();
        for (index, value) in odd {
            *index.get_mut(&mut values) = value;
        }
        let reversed: Vec<f64> = values.iter().rev().copied().collect();
        prop_assert_eq!(sum_of(&values), values.iter().copied().collect());

        let (mut slices, mut singles) = (ExactSum::new(), ExactSum::new());
        slices.add_products(&values, &reversed);
        values.iter().zip(&reversed).for_each(|(x, y)| singles.add_product(*x, *y));
        prop_assert_eq!(&slices, &singles);
        slices.add_squares(&values);
        values.iter().for_each(|value| singles.add_product(*value, *value));
        prop_assert_eq!(slices, singles);
    }

    #[test]
    fn order_partition_and_merge_tree_do_not_matter(
        values in prop::collection::vec(prop_oneof![9 => number(), 1 => any::<f64>()], 0..400),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 6),
    ) {
        let expected = sum_of(&values).to_bytes();
        let mut shuffled = values.clone();
        shuffled.sort_by_key(|value| value.to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(values.len() + 1)).collect();
        cuts.extend([0, values.len()]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|pair| sum_of(&shuffled[pair[0]..pair[1]])).collect();
        prop_assert_eq!(merge_tree(parts, &picks).to_bytes(), expected.clone());

        let read = ExactSum::from_bytes(&expected).unwrap();
        prop_assert_eq!(read.value().to_bits(), sum_of(&values).value().to_bits());
        prop_assert_eq!(read.to_bytes(), expected);
    }

    #[test]
    fn moments_are_the_true_ones_rounded_once(values in prop::collection::vec(number(), 1..40)) {
        let mut moments = ExactMoments::new();
        moments.add_slice(&values);
        let count = BigInt::from(values.len());
        let sum: BigInt = values.iter().map(|value| exact(*value)).sum();
        let squares: BigInt = values.iter().map(|value| exact(*value).pow(2)).sum();
        assert_rounded(moments.mean().unwrap(), &sum, &count);
        let scaled = &count * squares - &sum * &sum;
        assert_rounded(moments.variance().unwrap(), &scaled, &((&count * &count) << 2148));
    }

    #[test]
    fn moments_merge_in_any_partition(
        values in prop::collection::vec(prop_oneof![9 => number(), 1 => any::<f64>()], 0..400),
        cut in any::<prop::sample::Index>(),
    ) {
        let (left, right) = values.split_at(cut.index(values.len() + 1));
        let [mut whole, mut first, mut second] = [const { ExactMoments::new() }; 3];
        whole.add_slice(&values);
        first.add_slice(left);
        right.iter().for_each(|value| second.add(*value));
        second.merge(&first);
        prop_assert_eq!(second.to_bytes(), whole.to_bytes());
        prop_assert_eq!(ExactMoments::from_bytes(&whole.to_bytes()).unwrap(), whole);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(sum) = ExactSum::from_bytes(&bytes) {
            prop_assert_eq!(sum.to_bytes(), bytes.clone());
        }
        if let Ok(moments) = ExactMoments::from_bytes(&bytes) {
            prop_assert_eq!(moments.to_bytes(), bytes);
        }
    }
}

#[test]
fn special_values_follow_the_table() {
    const TOP: f64 = f64::MAX;
    let check = |values: &[f64], expected: f64| {
        assert_eq!(
            sum_of(values).value().to_bits(),
            expected.to_bits(),
            "{values:?}"
        );
    };
    check(&[], 0.0);
    check(&[-0.0, -0.0], 0.0);
    check(&[f64::INFINITY, -TOP], f64::INFINITY);
    check(&[f64::NEG_INFINITY, 1.0], f64::NEG_INFINITY);
    check(&[f64::INFINITY, f64::NEG_INFINITY], CANONICAL_NAN);
    check(&[-f64::NAN, 1.0], CANONICAL_NAN);
    check(&[TOP, TOP], f64::INFINITY);
    check(&[-TOP, -TOP], f64::NEG_INFINITY);
    check(&[TOP, TOP, -TOP], TOP);
    check(&[1.0, f64::EPSILON / 2.0], 1.0);
    check(
        &[1.0, f64::EPSILON / 2.0, f64::from_bits(1)],
        1.0 + f64::EPSILON,
    );
    check(&[1.0, 1e100, 1.0, -1e100], 2.0);
    for special in [f64::NAN, f64::INFINITY] {
        let mut block = [1.0; 512];
        block[300] = special;
        check(&block, special);
    }
}

#[test]
fn many_carries_keep_the_sum_exact() {
    let mut sum = ExactSum::new();
    for _ in 0..5000 {
        sum.add(-1.999_999_999_999_999_8);
        sum.add_product(1.999_999_999_999_999_8, 1.999_999_999_999_999_8);
    }
    for _ in 0..5000 {
        sum.add(1.999_999_999_999_999_8);
        sum.add_product(-1.999_999_999_999_999_8, 1.999_999_999_999_999_8);
    }
    assert_eq!(sum, ExactSum::new());
}

#[test]
fn the_bytes_are_pinned() {
    let check = |sum: ExactSum, expected: &str| {
        assert_eq!(crate::canonical::to_hex(&sum.to_bytes()), expected);
        assert_eq!(
            serde_json::to_string(&sum).unwrap(),
            format!("\"{expected}\"")
        );
        assert_eq!(
            serde_json::from_str::<ExactSum>(&format!("\"{expected}\"")).unwrap(),
            sum
        );
        let binary = postcard::to_allocvec(&sum).unwrap();
        assert_eq!(postcard::from_bytes::<ExactSum>(&binary).unwrap(), sum);
    };
    check(sum_of(&[]), "01000000");
    check(sum_of(&[1.0]), "0100440101000000");
    check(sum_of(&[-1.5, f64::NAN]), "010943020000008001000000");
}

#[test]
fn other_bytes_are_refused_with_the_reason() {
    let check = |bytes: &[u8], reason: &str| {
        let error = ExactSum::from_bytes(bytes).unwrap_err();
        assert!(error.message().contains(reason), "{}", error.message());
    };
    check(&[], "0 bytes are left where 1 are needed");
    check(&[2, 0, 0, 0], "version 2 where 1 is expected");
    check(&[1, 16, 0, 0], "the flags 0x10 are unknown");
    check(&[1, 8, 0, 0], "the limbs are padded with zeros");
    check(&[1, 0, 5, 0], "the limbs are padded with zeros");
    check(&[1, 0, 5, 1, 0, 0, 0, 0], "the limbs are padded with zeros");
    check(&[1, 0, 134, 1, 1, 0, 0, 0], "limbs 134 to 135 of 134");
    check(
        &[1, 0, 68, 1, 1, 0, 0],
        "3 bytes are left where 4 are needed",
    );
    check(&[1, 0, 0, 0, 0], "1 bytes follow the end");
}

#[test]
fn moments_of_constants_and_of_nothing() {
    let mut moments = ExactMoments::new();
    assert_eq!((moments.mean(), moments.variance()), (None, None));
    moments.add(f64::NAN);
    assert_eq!(moments.count(), 0);
    moments.add_slice(&[0.1; 1000]);
    assert_eq!(
        (moments.mean(), moments.standard_deviation()),
        (Some(0.1), Some(0.0))
    );
    moments.add(f64::INFINITY);
    assert_eq!(moments.mean(), Some(f64::INFINITY));
    assert!(moments.variance().unwrap().is_nan());
    let impossible = {
        let (sum, squares) = (sum_of(&[3.0]).to_bytes(), sum_of(&[2.0]).to_bytes());
        let mut bytes = vec![VERSION, 1, 0, 0, 0, 0, 0, 0, 0];
        crate::canonical::write_nested(&mut bytes, &sum);
        crate::canonical::write_nested(&mut bytes, &squares);
        bytes
    };
    assert!(
        ExactMoments::from_bytes(&impossible)
            .unwrap_err()
            .message()
            .contains("no values have these sums")
    );
}
