//! The functions against correctly rounded values (mpmath), the platform's own, and themselves.

mod oracle;

use proptest::prelude::*;

use super::*;

type Function = fn(f64) -> f64;
type SliceFunction = fn(&[f64], &mut [f64]);

const FUNCTIONS: [(&str, Function, SliceFunction, Function); 4] = [
    ("exp", exp, exp_slice, f64::exp),
    ("expm1", expm1, expm1_slice, f64::exp_m1),
    ("ln", ln, ln_slice, f64::ln),
    ("log1p", log1p, log1p_slice, f64::ln_1p),
];

/// How many numbers lie between two; all NaNs are one number here.
fn distance(a: f64, b: f64) -> u64 {
    let order = |value: f64| match value.to_bits() as i64 {
        bits if bits < 0 => i64::MIN - bits,
        bits => bits,
    };
    if a.is_nan() && b.is_nan() {
        0
    } else {
        order(a).abs_diff(order(b))
    }
}

/// Bits of all kinds of numbers, the same ones always.
fn inputs() -> impl Iterator<Item = u64> {
    let specials = [
        0,
        1,
        2,
        0x000f_ffff_ffff_ffff,
        f64::MIN_POSITIVE.to_bits(),
        f64::MAX.to_bits(),
    ];
    let more = [
        1.0,
        0.5,
        1e-300,
        709.78,
        745.13,
        18_014_398_509_481_984.0,
        f64::INFINITY,
        f64::NAN,
    ]
    .map(f64::to_bits);
    let powers = (0..2047).map(|exponent| exponent << 52);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let random = (0..40_000).map(move |index| {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        let bits = state ^ (state >> 29);
        // Every other one of ordinary magnitude: 2^-8 to 2^8.
        let ordinary = (bits & ((1 << 52) - 1)) | ((1015 + (bits >> 60)) << 52);
        if index % 2 == 0 { bits } else { ordinary }
    });
    let all = specials.into_iter().chain(more).chain(powers).chain(random);
    all.flat_map(|bits| [bits, bits ^ (1 << 63)])
}

/// FNV-1a of the bits of the results.
fn checksum(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn the_bits_are_pinned() {
    let doubles = |function: Function| {
        checksum(inputs().flat_map(|bits| function(f64::from_bits(bits)).to_bits().to_le_bytes()))
    };
    let singles = |function: fn(f32) -> f32| {
        let of = |bits: u64| function(f32::from_bits((bits >> 32) as u32));
        checksum(inputs().flat_map(|bits| of(bits).to_bits().to_le_bytes()))
    };
    let found = FUNCTIONS.map(|(_, function, _, _)| doubles(function));
    assert_eq!(
        found,
        [
            0xc979_29bb_82ff_9ddf,
            0x8b95_6c0c_170d_3b72,
            0xa7c0_25e8_854c_b6df,
            0xa3bd_a926_9078_7409
        ],
        "{found:#x?}"
    );
    let found = [expf, logf, sigmoid, logit].map(singles);
    assert_eq!(
        found,
        [
            0x9581_9178_1f60_65ca,
            0xb84b_9d94_4aab_9b1b,
            0xb776_79a9_aa1d_37b8,
            0x373d_c314_3399_1289
        ],
        "{found:#x?}"
    );
}

#[test]
fn results_are_within_one_unit_of_the_platforms_which_are_within_one() {
    for (name, function, _, platform) in FUNCTIONS {
        for x in inputs().map(f64::from_bits) {
            let (own, other) = (function(x), platform(x));
            assert!(
                distance(own, other) <= 2,
                "{name}({x:e}) is {own:e}, the platform says {other:e}"
            );
        }
    }
}

#[test]
fn results_are_within_one_unit_of_the_correctly_rounded_ones() {
    let check = |name: &str, function: Function, cases: &[(f64, f64)]| {
        for (x, expected) in cases {
            let found = function(*x);
            assert!(
                distance(found, *expected) <= 1,
                "{name}({x:e}) is {found:e}, not {expected:e}"
            );
        }
    };
    check(
        "exp",
        exp,
        &[
            (-0.7428595944616008, 0.47575151209969296),
            (-0.0014442751197700776, 0.9985567673436123),
            (0.20299671524671492, 1.2250684441932937),
            (-0.9426219832561109, 0.389604957285437),
            (-0.7041478308450881, 0.4945298178021866),
            (0.856422045920739, 2.354720521540099),
            (-0.8591588476916063, 0.4235181758235565),
            (-0.740452101201404, 0.4768982604992412),
            (0.8966569065835501, 2.451394157483909),
            (0.24376718559276567, 1.276047213728598),
            (-183.4096267782926, 2.2192752114108e-80),
            (15.946030524567732, 8419243.398895673),
            (227.98013352351893, 1.0245047418186473e+99),
            (-314.56765793441895, 2.4266211239596173e-137),
            (-506.84469798626253, 7.588299833214341e-221),
            (403.25543230558856, 1.3539700189001424e+175),
            (238.50481774347725, 3.813521975236503e+103),
            (17.33523887642457, 33775251.10502237),
            (443.43101035752125, 3.7987516616329045e+192),
            (68.70537641803685, 6.89232670607544e+29),
            (-744.4, 5e-324),
            (-720.5, 1.2326102893e-313),
            (-708.5, 2.006132305331306e-308),
            (709.7, 1.6549840276802644e+308),
            (1e-10, 1.0000000001),
            (-1e-17, 1.0),
            (0.34657, 1.4142084849595797),
            (-0.34658, 0.7071022488445762),
            (100.0, 2.6881171418161356e+43),
        ],
    );
    check(
        "ln",
        ln,
        &[
            (1.5809136392973056, 0.45800293263500846),
            (0.8045094613300449, -0.21752255210916432),
            (1.1537303628652278, 0.14300048642158683),
            (1.0836246969233878, 0.08031162251890221),
            (0.9532748550604481, -0.04785200656345893),
            (1.1915953039490434, 0.17529300088668967),
            (0.8353012316675805, -0.17996286270013703),
            (1.4022026837784836, 0.33804434576585163),
            (1.4673335518424147, 0.3834468433519247),
            (0.728759671227851, -0.3164112704238799),
            (1.067073206738271, 0.06491957984260913),
            (0.8771448925337043, -0.13108308642079),
            (3.3885782895975705e-254, -583.6362031706607),
            (5.482763334273244e+240, 554.3220315505146),
            (2.5582613451699106e-43, -98.07183113303051),
            (6.194209726819095e-215, -493.2321800530683),
            (2.549418826199571e+105, 242.70730018627512),
            (8.783946799009145e-182, -416.8975610967466),
            (1.18856592207877e+244, 562.0035101634478),
            (1.0535826257191107e-172, -395.9924396140606),
            (1.2696340872866137e-284, -653.6954376715998),
            (1.1583803166043423e-182, -418.923464174293),
            (5e-324, -744.4400719213812),
            (1e-310, -713.8013788281542),
            (1.0000000000000002, 2.2204460492503128e-16),
            (0.9999999999999999, -1.1102230246251565e-16),
            (1.41, 0.34358970439007686),
            (0.71, -0.342490308946776),
            (3.0, 1.0986122886681098),
            (1000.0, 6.907755278982137),
        ],
    );
    check(
        "log1p",
        log1p,
        &[
            (0.1026688338913545, 0.09773345393096343),
            (0.45983367392520547, 0.3783225072616073),
            (1.7277895827971257, 1.003491604600613),
            (1.1223471573352635, 0.7525226259321508),
            (0.08402991615309119, 0.08068550056384458),
            (-0.8510560762172563, -1.9041853943256675),
            (-0.4365112870955552, -0.5736079760410796),
            (1.9896640390650444, 1.0951610195728594),
            (0.4331763416902351, 0.3598931989793379),
            (1.1040157573244018, 0.7438477840700438),
            (-0.7414626219346698, -1.352714999489238),
            (-0.801254191053591, -1.615728612732124),
            (1.5530813086906665, 0.937300986044667),
            (0.8048576279338954, 0.5904817121830136),
            (1.0736028206221144e-10, 1.0736028205644833e-10),
            (3.0375386221621755e-10, 3.0375386217008434e-10),
            (3.917064714526073e-22, 3.917064714526073e-22),
            (8.731034016856034e-18, 8.731034016856034e-18),
            (1.6735719269092816e-25, 1.6735719269092816e-25),
            (4.7163501343071104e+17, 40.6949818047338),
            (0.017533948979563254, 0.017382002868490606),
            (3.728670690546244e-20, 3.728670690546244e-20),
            (-1.4099490264521453e-05, -1.4099589663268627e-05),
            (-8.751601942699183e-15, -8.751601942699221e-15),
            (-4.753284019516375e-17, -4.753284019516375e-17),
            (-5.800667108179379e-08, -5.80066727641808e-08),
            (-0.006311084910595504, -0.006331083995320629),
            (-1.2149945909652902e-17, -1.2149945909652902e-17),
            (-0.0001841616977357356, -0.00018417865758346024),
            (-7.0667949582610765e-15, -7.066794958261102e-15),
            (1e-20, 1e-20),
            (-0.9999999999999999, -36.7368005696771),
            (1e+300, 690.7755278982137),
            (0.41421356, 0.34657358860194104),
            (-0.29289, -0.3465690382006941),
        ],
    );
}

#[test]
fn special_values_have_exact_results() {
    const INFINITY: f64 = f64::INFINITY;
    let check = |name: &str, function: Function, cases: &[(f64, f64)]| {
        for (x, expected) in cases {
            assert_eq!(function(*x).to_bits(), expected.to_bits(), "{name}({x:e})");
        }
    };
    let (tiny, least) = (f64::MIN_POSITIVE, f64::from_bits(1));
    let nans = [
        (f64::NAN, NAN),
        (-f64::NAN, NAN),
        (f64::from_bits(0x7ff0_0000_0000_0001), NAN),
    ];
    check("exp", exp, &nans);
    check(
        "exp",
        exp,
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (INFINITY, INFINITY),
            (-INFINITY, 0.0),
        ],
    );
    check(
        "exp",
        exp,
        &[
            (709.79, INFINITY),
            (-745.2, 0.0),
            (f64::MAX, INFINITY),
            (f64::MIN, 0.0),
        ],
    );
    check("exp", exp, &[(-745.13, least), (least, 1.0)]);
    check("ln", ln, &nans);
    check(
        "ln",
        ln,
        &[
            (0.0, -INFINITY),
            (-0.0, -INFINITY),
            (INFINITY, INFINITY),
            (1.0, 0.0),
        ],
    );
    check("ln", ln, &[(-1.0, NAN), (-least, NAN), (-INFINITY, NAN)]);
    check("log1p", log1p, &nans);
    check(
        "log1p",
        log1p,
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (INFINITY, INFINITY),
            (-1.0, -INFINITY),
        ],
    );
    check(
        "log1p",
        log1p,
        &[
            (least, least),
            (-least, -least),
            (tiny, tiny),
            (-tiny, -tiny),
        ],
    );
    check(
        "log1p",
        log1p,
        &[((-1f64).next_down(), NAN), (-2.0, NAN), (-INFINITY, NAN)],
    );
    assert_eq!(expf(f32::NAN).to_bits(), 0x7fc0_0000);
    // Where a second rounding of the reduced argument would show.
    assert_eq!(expf(f32::from_bits(0x4202_422f)).to_bits(), 0x56fc_9f1c);
    assert_eq!(expf(f32::from_bits(0xc27c_65d9)).to_bits(), 0x11fa_2993);
    assert_eq!(logf(-1.0).to_bits(), 0x7fc0_0000);
    assert_eq!(
        [logf(0.0), logf(-0.0), logf(f32::INFINITY)],
        [f32::NEG_INFINITY, f32::NEG_INFINITY, f32::INFINITY]
    );
    assert_eq!(
        [sigmoid(0.0), sigmoid(f32::INFINITY), sigmoid(-200.0)],
        [0.5, 1.0, 3.006_636e-39]
    );
    assert_eq!(
        [logit(0.5), logit(0.0), logit(1.0)],
        [0.0, f32::NEG_INFINITY, f32::INFINITY]
    );
}

proptest! {
    #[test]
    fn slices_have_the_bits_of_single_values(
        bits in prop::collection::vec(any::<u64>(), 0..600),
        near in any::<bool>(),
    ) {
        let to_number = |bits: &u64| {
            let number = f64::from_bits(*bits);
            if near { number % 4.0 } else { number }
        };
        let numbers: Vec<f64> = bits.iter().map(to_number).collect();
        for (name, function, slice_function, _) in FUNCTIONS {
            let mut results = vec![0.0; numbers.len()];
            slice_function(&numbers, &mut results);
            for (x, result) in numbers.iter().zip(&results) {
                prop_assert_eq!(result.to_bits(), function(*x).to_bits(), "{}({:e})", name, x);
            }
        }
    }
}

#[test]
fn the_shorter_slice_decides() {
    let mut results = [7.0; 3];
    exp_slice(&[0.0, 0.0], &mut results);
    assert_eq!(results, [1.0, 1.0, 7.0]);
    exp_slice(&[1.0; 300], &mut results[..1]);
    assert_eq!(results, [std::f64::consts::E, 1.0, 7.0]);
}

/// Rust calls the platform's `expf` and `logf` for these.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn single_precision_has_the_bits_of_glibc() {
    let same =
        |own: f32, other: f32| own.to_bits() == other.to_bits() || own.is_nan() && other.is_nan();
    for bits in (0..=u32::MAX).step_by(2003) {
        let x = f32::from_bits(bits);
        assert!(same(expf(x), x.exp()), "expf({x:e})");
        assert!(same(logf(x), x.ln()), "logf({x:e})");
        let other = 1.0 / ((-x).min(88.7).exp() + 1.0 + 1e-16);
        assert!(x.is_nan() || same(sigmoid(x), other), "sigmoid({x:e})");
    }
}
