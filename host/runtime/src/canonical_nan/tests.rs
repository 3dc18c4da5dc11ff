//! Mending where bits are seen against mending every result.

mod program;

use proptest::prelude::*;
use wasmparser::{Operator, Parser, Payload};
use wasmtime::{Config, Engine, ExternType, Instance, Module, Store, V128, Val, ValType};

use self::program::program;
use super::component;

/// What a program made of its arguments: answers or a trap, then its globals and memories.
#[derive(Debug, PartialEq)]
struct Traces(Vec<String>);

fn engine(every_result: bool, target: Option<&str>) -> Engine {
    let mut config = Config::new();
    config.cranelift_nan_canonicalization(every_result);
    config.wasm_relaxed_simd(false);
    if let Some(target) = target {
        config.target(target).unwrap();
    }
    Engine::new(&config).unwrap()
}

/// NaNs of both signs with and without payload, what makes NaNs, and plain numbers.
const FLOAT64: [u64; 10] = [
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff8_dead_beef_0001,
    0xfff0_0000_0000_0001,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0,
    0x8000_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0xc123_4567_89ab_cdef,
];
const FLOAT32: [u32; 8] = [
    0x7fc0_0000,
    0xffc0_0000,
    0x7fc0_1234,
    0xff80_0001,
    0x7f80_0000,
    0xff80_0000,
    0,
    0x3fc0_0000,
];

fn argument(value: &ValType, round: usize) -> Val {
    let float64 = FLOAT64[round % FLOAT64.len()];
    let float32 = FLOAT32[round % FLOAT32.len()];
    match value {
        ValType::I32 => Val::I32(float32.cast_signed()),
        ValType::I64 => Val::I64(float64.cast_signed()),
        ValType::F32 => Val::F32(float32),
        ValType::F64 => Val::F64(float64),
        ValType::V128 => {
            let other = FLOAT64[(round + 3) % FLOAT64.len()];
            Val::V128(V128::from(u128::from(float64) << 64 | u128::from(other)))
        }
        ValType::Ref(_) => Val::FuncRef(None),
    }
}

/// Bits, as `Debug` of a value shows floats by their bits too.
fn run(engine: &Engine, module: &[u8]) -> Traces {
    let module = Module::new(engine, module).unwrap();
    let mut traces = Vec::new();
    for round in 0..FLOAT64.len() {
        let mut store = Store::new(engine, ());
        let Ok(instance) = Instance::new(&mut store, &module, &[]) else {
            return Traces(vec!["does not start".to_owned()]);
        };
        for export in module.exports() {
            let ExternType::Func(function) = export.ty() else {
                continue;
            };
            let arguments: Vec<Val> = function
                .params()
                .enumerate()
                .map(|(index, value)| argument(&value, round + 3 * index))
                .collect();
            let mut results = vec![Val::I32(0); function.results().len()];
            let function = instance.get_func(&mut store, export.name()).unwrap();
            let outcome = function.call(&mut store, &arguments, &mut results);
            traces.push(match outcome {
                Ok(()) => format!("{results:?}"),
                Err(error) => format!("{:?}", error.downcast_ref::<wasmtime::Trap>()),
            });
        }
        for export in module.exports() {
            let name = export.name();
            if let Some(global) = instance.get_global(&mut store, name) {
                traces.push(format!("{:?}", global.get(&mut store)));
            }
            if let Some(memory) = instance.get_memory(&mut store, name) {
                traces.push(trueline_table::Digest::of(memory.data(&store)).hex());
            }
        }
    }
    Traces(traces)
}

#[track_caller]
fn check(module: &[u8]) {
    let rewritten = component::module(module).unwrap();
    let expected = run(&engine(true, None), module);
    assert_eq!(run(&engine(false, None), &rewritten), expected);
    assert_eq!(run(&engine(false, Some("pulley64")), &rewritten), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn random_programs_compute_what_mending_every_result_computes(
        choices in proptest::collection::vec(any::<u8>(), 64..1024),
    ) {
        check(&program(&choices));
    }
}

/// How often a module compares a value with itself, which only mending does.
fn mended(module: &[u8]) -> usize {
    let mut count = 0;
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CodeSectionEntry(body) = payload.unwrap() else {
            continue;
        };
        let operators = body.get_operators_reader().unwrap().into_iter();
        count += operators
            .filter(|operator| {
                matches!(
                    operator.as_ref().unwrap(),
                    Operator::F64Eq | Operator::F32Eq | Operator::F64x2Eq | Operator::F32x4Eq
                )
            })
            .count();
    }
    count
}

#[track_caller]
fn check_mended(function: &str, expected: usize) {
    let text = format!(r#"(module (memory (export "m") 1) {function})"#);
    let module = wat::parse_str(&text).unwrap();
    check(&module);
    assert_eq!(
        mended(&component::module(&module).unwrap()),
        expected,
        "{text}"
    );
}

#[test]
fn a_chain_is_mended_once_where_it_ends() {
    check_mended(
        r#"(func (export "f") (param f64 f64) (result f64)
            local.get 0 local.get 1 f64.sub local.get 1 f64.div f64.sqrt)"#,
        1,
    );
    check_mended(
        r#"(func (export "f") (param v128 v128)
            i32.const 0
            local.get 0 local.get 1 f64x2.sub local.get 1 f64x2.div
            v128.const f64x2 1 2 f64x2.pmin
            v128.store)"#,
        1,
    );
}

#[test]
fn what_nobody_sees_is_not_mended() {
    check_mended(
        r#"(func (export "f") (param f64 f64) (result i32)
            local.get 0 local.get 1 f64.add local.get 1 f64.lt)"#,
        0,
    );
    check_mended(
        r#"(func (export "f") (param f32) (result f32)
            f32.const 0 i32.const 7 f32.convert_i32_s local.get 0 f32.mul drop)"#,
        0,
    );
}

#[test]
fn each_that_sees_a_nan_sees_the_canonical_one() {
    for (see, result, mends) in [
        ("i64.reinterpret_f64", "i64", 1),
        ("f64.neg", "f64", 1),
        ("f64.abs", "f64", 1),
        ("f64x2.splat i64x2.extract_lane 0", "i64", 1),
        ("f64x2.splat f64x2.extract_lane 1", "f64", 1),
        ("local.get 1 f64.copysign", "f64", 1),
        (
            "local.get 1 local.get 0 i32.trunc_sat_f64_s select",
            "f64",
            1,
        ),
        ("f32.demote_f64", "f32", 1),
        ("local.get 1 f64.add i64.trunc_sat_f64_s", "i64", 0),
    ] {
        let text = format!(
            r#"(func (export "f") (param f64 f64) (result {result})
                local.get 0 local.get 1 f64.mul {see})"#
        );
        check_mended(&text, mends);
    }
}

#[test]
fn a_local_is_mended_where_control_flow_joins_if_it_is_read_later() {
    let read = |later: &str| {
        format!(
            r#"(func (export "f") (param f64 f64) (result f64) (local f64 i32)
                loop
                    local.get 0 local.get 1 f64.sub local.tee 2 local.get 1 f64.lt
                    local.get 3 i32.const 1 i32.add local.tee 3 i32.const 3 i32.lt_u
                    i32.and br_if 0
                end
                {later})"#
        )
    };
    check_mended(&read("local.get 2"), 1);
    check_mended(&read("f64.const 1"), 0);
}

#[test]
fn both_branches_of_an_if_start_from_the_same_locals() {
    check_mended(
        r#"(func (export "f") (param f64 f64) (result f64) (local f64)
            local.get 0 local.get 1 f64.div local.set 2
            local.get 0 local.get 1 f64.lt
            if (result f64) local.get 2 f64.neg else local.get 2 local.get 1 f64.add end)"#,
        2,
    );
    check_mended(
        r#"(func (export "f") (param f64 f64) (result f64) (local f64)
            local.get 0 local.get 1 f64.div local.set 2
            local.get 0 local.get 1 f64.lt
            if f64.const 3 local.set 2 end
            local.get 2)"#,
        1,
    );
}

/// A module of one function with this code; `locals` of type f64, wherever they lead.
fn function(locals: u32, code: &str) -> Vec<u8> {
    let locals = "f64 ".repeat(locals as usize);
    let text = format!(
        r#"(module (func (export "f") (param f64) (result f64) (local {locals})
            {code} local.get 0 local.get 0 f64.add))"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn functions_made_to_take_for_ever_are_refused() {
    let blocks = |count| "block end ".repeat(count);
    assert!(component::module(&function(100, &blocks(100))).is_ok());
    assert!(component::module(&function(40_000, &blocks(4_000))).is_err());
    let loops = |depth| {
        let begin = "loop local.get 0 local.set 1 ".repeat(depth);
        begin + &"i32.const 0 br_if 0 end ".repeat(depth)
    };
    assert!(component::module(&function(3, &loops(20))).is_ok());
    let tables = format!("block i32.const 0 br_table {} end", "0 ".repeat(60_000));
    assert!(component::module(&function(10_000, &tables)).is_err());
}

#[test]
fn an_invalid_module_is_refused_and_not_walked() {
    let mut module = function(1, "");
    let get = module.windows(2).rposition(|two| two == [0x20, 0]).unwrap();
    module[get + 1] = 0x7f;
    let error = component::module(&module).unwrap_err().to_string();
    assert!(error.contains("local"), "{error}");
}

#[test]
fn components_within_components_come_to_an_end() {
    let nested = |depth| {
        let text = "(component ".repeat(depth) + &")".repeat(depth);
        component::rewrite(&wat::parse_str(text).unwrap())
    };
    assert!(nested(10).is_ok());
    assert!(nested(30).is_err());
}

#[test]
fn the_standard_stages_stay_below_the_limits() {
    for stage in trueline_stages::standard() {
        assert!(component::rewrite(stage.bytes()).is_ok(), "{}", stage.name);
    }
}
