//! Every op and option of `tabular`, those that its own tests try natively.

#[path = "../../../plugins/tabular/tests/every_op/mod.rs"]
mod every_op;

use every_op::{every_op, tame_tables};

use crate::laws::Case;
use crate::laws_of_option;

/// Each in a test of its own, so that they run beside each other.
macro_rules! laws {
    ($($name:ident: $steps:expr,)*) => {
        $(
            #[test]
            fn $name() {
                check(concat!(r#"{"steps": ["#, $steps, "]}"));
            }
        )*
    };
}

every_op!(laws);

/// Learns from one table, and maps another.
fn check(params: &'static str) {
    let random = (tame_tables(1..25), tame_tables(0..25));
    laws_of_option("tabular", random, |(training, rows)| Case {
        params,
        inputs: vec![("rows", training)],
        rows: Some(rows),
    });
}
