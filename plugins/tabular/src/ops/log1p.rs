//! `log1p`: the natural logarithm of one plus the number.

use serde::Deserialize;
use trueline_sdk::Result;

use super::{Op, per_number::through};
use crate::{columns::Columns, kernel::Kernel, walk::Here};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log1p {
    columns: Columns,
}

impl Op for Log1p {
    fn name(&self) -> &'static str {
        "log1p"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        through(here, &self.columns, true, &[Kernel::Log1p])
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use trueline_sdk::testing::Table;

    use crate::testing::check;

    #[test]
    fn values_of_numpy() {
        let x = [
            0.0,
            1e-10,
            0.5,
            1.0,
            100.0,
            1e300,
            -0.5,
            -1.0,
            f64::INFINITY,
        ];
        let expected = [
            0.0,
            9.999999999500001e-11,
            0.4054651081081644,
            LN_2,
            4.61512051684126,
            690.7755278982137,
            -LN_2,
            f64::NEG_INFINITY,
            f64::INFINITY,
        ];
        let table = Table::new().with_column("x", x);
        check(
            r#"[{"op": "log1p", "columns": "x"}]"#,
            &table,
            &Table::new().with_column("x", expected),
        );
    }

    #[test]
    fn below_minus_one_there_is_no_value() {
        let table = Table::new().with_column("x", [Some(-2), Some(1), None, Some(i64::MIN)]);
        let expected = Table::new().with_column("x", [None, Some(LN_2), None, None]);
        check(r#"[{"op": "log1p", "columns": "x"}]"#, &table, &expected);
    }
}
