//! Quantiles against sorting, in every order and partition, and against numbers from numpy 2.4.

use proptest::prelude::*;

use super::*;

fn refine(quantiles: &[f64], values: &[f64]) -> QuantileRefiner {
    let mut refiner = QuantileRefiner::new(quantiles).unwrap();
    for _ in 0..QuantileRefiner::PASSES {
        refiner.add_slice(values);
        refiner.advance().unwrap();
    }
    refiner
}

fn sketch_of(values: &[f64]) -> QuantileSketch {
    let mut sketch = QuantileSketch::new();
    sketch.add_slice(values);
    sketch
}

/// Any number but NaN, with repeated and neighbouring ones.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>()
            .prop_map(f64::from_bits)
            .prop_filter("not NaN", |value| !value.is_nan()),
        (-20i32..20).prop_map(|value| f64::from(value) / 4.0),
        (0u64..4).prop_map(|step| f64::from_bits(0x3ff0_0000_0000_0000 + step)),
    ]
}

fn sorted(values: &[f64]) -> Vec<f64> {
    // Both zeros are one value.
    let mut values: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    values.sort_by(f64::total_cmp);
    values
}

proptest! {
    #[test]
    fn refined_quantiles_are_the_sorted_values(
        values in prop::collection::vec(number(), 1..60),
        q in 0.0..=1.0f64,
    ) {
        let results = refine(&[q, 0.0, 1.0], &values).results().unwrap();
        let sorted = sorted(&values);
        let position = q * (sorted.len() - 1) as f64;
        let (rank, last) = (position.floor() as usize, sorted.len() - 1);
        prop_assert_eq!(results[0].lower.to_bits(), sorted[rank].to_bits());
        prop_assert_eq!(results[0].upper.to_bits(), sorted[(rank + 1).min(last)].to_bits());
        prop_assert_eq!(results[1].linear().to_bits(), sorted[0].to_bits());
        prop_assert_eq!(results[2].linear().to_bits(), sorted[sorted.len() - 1].to_bits());
    }

    #[test]
    fn every_pass_is_order_free_and_mergeable(
        values in prop::collection::vec(prop_oneof![9 => number(), 1 => Just(f64::NAN)], 0..100),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut whole = QuantileRefiner::new(&[0.25, 0.5]).unwrap();
        for _ in 0..QuantileRefiner::PASSES {
            let (left, right) = values.split_at(cut.index(values.len() + 1));
            let reversed: Vec<f64> = left.iter().rev().copied().collect();
            let (mut first, mut second) = (whole.clone(), whole.clone());
            first.add_slice(&reversed);
            second.add_slice(right);
            second.merge(&first).unwrap();
            whole.add_slice(&values);
            let bytes = whole.to_bytes();
            prop_assert_eq!(second.to_bytes(), bytes.clone());
            whole = QuantileRefiner::from_bytes(&bytes).unwrap();
            prop_assert_eq!(whole.to_bytes(), bytes);
            whole.advance().unwrap();
        }
    }

    #[test]
    fn sketches_stay_within_their_error(
        values in prop::collection::vec(prop_oneof![-1e6..1e6f64, -1e-6..1e-6f64], 1..200),
        q in 0.0..=1.0f64,
        bits in 0u8..=20,
    ) {
        let mut sketch = QuantileSketch::with_mantissa_bits(bits).unwrap();
        sketch.add_slice(&values);
        let sorted = sorted(&values);
        let expected = sorted[(q * (sorted.len() - 1) as f64).round() as usize];
        let found = sketch.quantile(q).unwrap();
        let bound = expected.abs() * sketch.relative_error();
        prop_assert!((found - expected).abs() <= bound, "{found} for {expected}");
        prop_assert_eq!((sketch.min(), sketch.max()), (Some(sorted[0]), sorted.last().copied()));
        prop_assert_eq!(sketch.count(), values.len() as u64);
        for (first, last, count) in sketch.buckets() {
            let inside = values.iter().filter(|value| (first..=last).contains(*value)).count();
            prop_assert_eq!(count, inside as u64);
        }
    }

    #[test]
    fn sketches_merge_in_any_order_and_partition(
        values in prop::collection::vec(prop_oneof![9 => number(), 1 => Just(f64::NAN)], 0..100),
        cut in any::<prop::sample::Index>(),
    ) {
        let expected = sketch_of(&values).to_bytes();
        let (left, right) = values.split_at(cut.index(values.len() + 1));
        let reversed: Vec<f64> = right.iter().rev().copied().collect();
        let mut merged = sketch_of(&reversed);
        merged.merge(&sketch_of(left)).unwrap();
        prop_assert_eq!(merged.to_bytes(), expected.clone());
        prop_assert_eq!(QuantileSketch::from_bytes(&expected).unwrap().to_bytes(), expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        mut bytes in prop::collection::vec(0u8..4, 0..80),
        version in 0u8..3,
    ) {
        bytes.insert(0, version);
        if let Ok(sketch) = QuantileSketch::from_bytes(&bytes) {
            prop_assert_eq!(sketch.to_bytes(), bytes.clone());
        }
        if let Ok(refiner) = QuantileRefiner::from_bytes(&bytes) {
            prop_assert_eq!(refiner.to_bytes(), bytes);
        }
    }
}

#[test]
fn interpolation_gives_the_bits_of_numpy() {
    let quantiles = [0.1, 0.25, 0.5, 0.75, 0.9];
    let check = |values: &[f64], linear: [f64; 5], median: f64| {
        let results = refine(&quantiles, values).results().unwrap();
        let found: Vec<f64> = results.iter().map(OrderStatistics::linear).collect();
        assert_eq!(found, linear, "{values:?}");
        assert_eq!(results[2].midpoint(), median, "{values:?}");
    };
    check(&[2.04], [2.04, 2.04, 2.04, 2.04, 2.04], 2.04);
    check(
        &[-2.5600000000000005, 0.42000000000000004],
        [
            -2.2620000000000005,
            -1.8150000000000004,
            -1.0700000000000003,
            -0.32500000000000007,
            0.12200000000000005,
        ],
        -1.0700000000000003,
    );
    check(
        &[-0.5700000000000001, -0.45, -0.22000000000000003],
        [-0.546, -0.51, -0.45, -0.335, -0.266],
        -0.45,
    );
    check(
        &[-0.8900000000000001, -0.29, 0.8800000000000001, 0.58],
        [
            -0.7100000000000001,
            -0.44,
            0.14500000000000002,
            0.655,
            0.7900000000000001,
        ],
        0.145,
    );
    check(
        &[
            0.33,
            -0.61,
            1.59,
            -1.1900000000000002,
            0.35000000000000003,
            -1.05,
        ],
        [
            -1.12,
            -0.9400000000000001,
            -0.13999999999999996,
            0.34500000000000003,
            0.9700000000000001,
        ],
        -0.13999999999999999,
    );
    check(
        &[
            1.4100000000000001,
            -0.020000000000000004,
            -0.37000000000000005,
            -1.72,
            1.6800000000000002,
            0.75,
            0.75,
        ],
        [-0.9099999999999999, -0.195, 0.75, 1.08, 1.5180000000000002],
        0.75,
    );
    check(
        &[
            0.37000000000000005,
            -0.65,
            -1.7000000000000002,
            -0.68,
            0.86,
            -0.47000000000000003,
            0.9300000000000002,
            1.5300000000000002,
            0.03,
            -1.1300000000000001,
        ],
        [-1.187, -0.6725000000000001, -0.22, 0.7375, 0.99],
        -0.22000000000000003,
    );
}

#[test]
fn infinities_and_zeros_are_values() {
    let values = [
        f64::INFINITY,
        -0.0,
        f64::NEG_INFINITY,
        f64::NAN,
        0.0,
        f64::INFINITY,
    ];
    let results = refine(&[0.0, 0.25, 0.5, 0.75], &values).results().unwrap();
    let found: Vec<f64> = results.iter().map(OrderStatistics::linear).collect();
    assert_eq!(found, [f64::NEG_INFINITY, 0.0, 0.0, f64::INFINITY]);
    let sketch = sketch_of(&values);
    assert_eq!(
        (sketch.min(), sketch.max()),
        (Some(f64::NEG_INFINITY), Some(f64::INFINITY))
    );
    assert_eq!(sketch.quantile(0.75), Some(f64::INFINITY));
    let tiny = f64::from_bits((1 << 45) - 1);
    let buckets: Vec<_> = sketch.buckets().collect();
    assert_eq!(
        buckets,
        [
            (f64::NEG_INFINITY, f64::NEG_INFINITY, 1),
            (0.0, tiny, 2),
            (f64::INFINITY, f64::INFINITY, 2)
        ]
    );
}

#[test]
fn nothing_gives_nothing() {
    let mut refiner = refine(&[0.5], &[f64::NAN]);
    assert_eq!((refiner.results(), refiner.count()), (None, 0));
    assert!(refiner.advance().is_err());
    let sketch = sketch_of(&[]);
    assert_eq!((sketch.quantile(0.5), sketch.min()), (None, None));
    assert_eq!(sketch_of(&[1.0]).quantile(1.5), None);
}

#[test]
fn mistakes_are_named() {
    let check = |result: crate::Result<()>, expected: &str| {
        let error = result.unwrap_err();
        assert!(error.message().contains(expected), "{}", error.message());
    };
    check(
        QuantileRefiner::new(&[0.5, 1.5]).map(drop),
        "the quantile 1.5 is not within 0 and 1",
    );
    check(
        QuantileSketch::with_mantissa_bits(21).map(drop),
        "at most 20 mantissa bits, not 21",
    );
    let fine = QuantileSketch::with_mantissa_bits(9).unwrap();
    check(
        QuantileSketch::new().merge(&fine),
        "of 7 and of 9 mantissa bits cannot be merged",
    );

    let mut refiner = QuantileRefiner::new(&[0.5]).unwrap();
    refiner.add_slice(&[1.0, 2.0]);
    let first_pass = refiner.clone();
    refiner.advance().unwrap();
    check(refiner.merge(&first_pass), "a part of pass 0");
    refiner.add_slice(&[1.0]);
    check(
        refiner.advance(),
        "pass 1 of the quantiles saw fewer rows than pass 0",
    );
}

#[test]
fn the_bytes_are_pinned() {
    let hex = |bytes: Vec<u8>| crate::canonical::to_hex(&bytes);
    assert_eq!(hex(sketch_of(&[]).to_bytes()), "01070000000000000000");
    assert_eq!(
        hex(sketch_of(&[1.0, 1.0]).to_bytes()),
        "0107010000000000000080ff0500000000000200000000000000000000000000f0bf000000000000f0bf"
    );
    let refiner = refine(&[0.5], &[1.0]);
    assert_eq!(
        hex(refiner.to_bytes()),
        "010401000000000000000000e03f0100000000000000000000000000f0bf0000000000000000000000000000f0bf00000000000000000000000000000000"
    );
    let text = serde_json::to_string(&refiner).unwrap();
    assert_eq!(
        serde_json::from_str::<QuantileRefiner>(&text).unwrap(),
        refiner
    );
}
