//! Who is let in: components that want a clock, corrupt bytes, instructions outside of the profile.

use trueline_runtime::{Error, Runtime, Stage};
use trueline_tests::guests;

use crate::stage::RUNTIME;

/// A component that exports the interfaces of a check by name, after `parts`; its core module also
/// holds `code`.
fn check_with(parts: &str, code: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            {parts}
            (core module $module
                {code}
                (func (export "nothing")))
            (core instance $instance (instantiate $module))
            (func $nothing (canon lift (core func $instance "nothing")))
            (instance $describe (export "describe" (func $nothing)))
            (instance $reduce
                (export "begin" (func $nothing)) (export "update" (func $nothing))
                (export "partial" (func $nothing)) (export "merge" (func $nothing))
                (export "finish" (func $nothing)))
            (export "trueline:stage/describe@0.1.0" (instance $describe))
            (export "trueline:stage/reduce@0.1.0" (instance $reduce)))"#
    );
    wat::parse_str(text).unwrap()
}

fn admit(component: &[u8]) -> Result<Stage, Error> {
    Runtime::admit(&RUNTIME, component)
}

#[track_caller]
fn check_invalid(component: &[u8], reason: &str) {
    match admit(component) {
        Err(Error::Invalid { reason: said }) => assert!(said.contains(reason), "{said}"),
        other => panic!("{other:?} instead of {reason}"),
    }
}

#[test]
fn the_bare_component_is_let_in() {
    admit(&check_with("", "")).unwrap();
}

#[test]
fn an_import_outside_the_world_is_named() {
    let clock = r#"(instance (export "now" (func (result u64))))"#;
    for (import, offer) in [
        ("wasi:clocks/monotonic-clock@0.2.0", clock),
        ("wasi:random/random@0.2.0", clock),
        ("wasi:cli/environment@0.2.3", "(instance)"),
        ("trueline:stage/clock@0.1.0", clock),
        // A check has no progress to report.
        ("trueline:stage/progress@0.1.0", "(instance)"),
        // Types may be imported, functions not, whatever their interface is called.
        ("trueline:stage/types@0.1.0", clock),
        ("now", "(func (result u64))"),
    ] {
        let component = check_with(&format!(r#"(import "{import}" {offer})"#), "");
        let error = admit(&component).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the component imports `{import}`, which the world `check` does not offer; \
                 a pure stage has no clock, randomness, files or network"
            )
        );
    }
    let types = r#"(import "trueline:stage/types@0.1.0" (instance))"#;
    admit(&check_with(types, "")).unwrap();
}

#[test]
fn instructions_outside_the_profile_are_refused() {
    check_invalid(
        &check_with(
            "",
            "(func (param v128 v128 v128) (result v128)
                (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))",
        ),
        "relaxed",
    );
    check_invalid(&check_with("", "(memory 1 1 shared)"), "threads");
    check_invalid(
        &check_with(
            "",
            "(memory 1) (func (result i32) (i32.atomic.load (i32.const 0)))",
        ),
        "threads",
    );
    check_invalid(&check_with("", "(memory i64 1)"), "memory64");
}

#[test]
fn what_is_no_component_is_refused() {
    let good = guests::hostile();
    for bytes in [&b""[..], b"\0asm", b"\x7fELF and more", &good[..100]] {
        check_invalid(bytes, "");
    }
    let mut cut = good.to_vec();
    cut.truncate(good.len() / 2);
    check_invalid(&cut, "");
    let core = wat::parse_str("(module)").unwrap();
    check_invalid(&core, "");
    // Text is not taken for a component.
    check_invalid(b"(component)", "");
}

#[test]
fn any_changed_byte_is_refused_or_another_component() {
    let good = guests::hostile();
    let digest = admit(good).unwrap().digest();
    for at in (0..good.len()).step_by(good.len() / 12) {
        let mut changed = good.to_vec();
        changed[at] ^= 0x15;
        if let Ok(stage) = admit(&changed) {
            assert_ne!(stage.digest(), digest);
        }
    }
}

#[test]
fn what_is_no_stage_is_told_what_it_lacks() {
    let empty = wat::parse_str("(component)").unwrap();
    assert_eq!(
        admit(&empty).unwrap_err().to_string(),
        "the component does not export `trueline:stage/describe@0.1.0`; \
         stages export the interfaces of trueline:stage@0.1.0"
    );
}

#[test]
fn exports_of_another_type_are_refused_when_called() {
    let stage = admit(&check_with("", "")).unwrap();
    let error = stage.describe("{}", &[], None).unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
}

#[test]
fn a_component_that_loops_as_it_starts_is_stopped() {
    let stage = admit(&check_with("", "(func $spin (loop br 0)) (start $spin)")).unwrap();
    let error = stage.describe("{}", &[], None).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[test]
fn a_component_that_starts_with_more_memory_than_its_limit_is_refused() {
    let stage = admit(&check_with("", "(memory 20000)")).unwrap();
    let error = stage.describe("{}", &[], None).unwrap_err();
    assert!(matches!(error, Error::Memory { .. }), "{error:?}");
}
