//! The hostile stage, driven through the runtime as the engine does it.

use std::sync::LazyLock;
use std::time::Duration;

use trueline_runtime::table::Schema;
use trueline_runtime::table::arrow::array::RecordBatch;
use trueline_runtime::{
    Backend, Baked, Bound, Input, Limits, Mapper, Outcome, Reduction, Result, Runtime, Stage,
};
use trueline_tests::{guests, rows};

pub(crate) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new(Backend::Cranelift, None).unwrap());

static STAGE: LazyLock<Stage> = LazyLock::new(|| RUNTIME.admit(guests::hostile()).unwrap());

/// Small enough that every fault is met at once, but for time: on a busy machine any call may have to
/// wait for a processor.
pub(crate) const LIMITS: Limits = Limits {
    memory_bytes: 64 << 20,
    time: Duration::from_secs(20),
    cpu_time: None,
    output_bytes: 1 << 20,
};

/// What a guest gets that is known to loop.
const LOOP_LIMITS: Limits = Limits {
    time: Duration::from_millis(50),
    ..LIMITS
};

/// The hostile stage with these parameters.
#[derive(Clone, Copy)]
pub(crate) struct Hostile<'a>(pub(crate) &'a str);

impl Hostile<'_> {
    fn limits(self) -> &'static Limits {
        if self.0.contains("loop") {
            &LOOP_LIMITS
        } else {
            &LIMITS
        }
    }

    pub(crate) fn bound(self) -> Result<Bound> {
        let schema = Schema::from_arrow(&rows::x([]).schema())?;
        let signature = STAGE.describe(self.0, &[], Some(&schema))?;
        Bound::new(&signature.mapping.unwrap(), &schema)
    }

    pub(crate) fn mapper(self) -> Result<Mapper> {
        STAGE.map(self.0, &self.bound()?, &[], self.limits())
    }

    pub(crate) fn map(self, rows: &RecordBatch) -> Result<RecordBatch> {
        self.mapper()?.map(rows)
    }

    pub(crate) fn bake(self) -> Result<Baked> {
        let bound = self.bound()?;
        let (baked, _) = RUNTIME.bake(guests::hostile(), self.0, &bound, &[], self.limits())?;
        Ok(baked)
    }

    pub(crate) fn begin(self) -> Result<Reduction> {
        let schema = Schema::from_arrow(&rows::x([]).schema())?;
        let inputs = [Input::rows(schema)];
        STAGE.describe(self.0, &inputs, None)?;
        STAGE.reduce(self.0, &inputs, 0, &[], self.limits(), None)
    }

    /// Reduces in two parts that are merged, so that every function of the export is called.
    pub(crate) fn fit(self, rows: &RecordBatch) -> Result<Outcome> {
        let mut part = self.begin()?;
        part.update(0, rows)?;
        let mut whole = self.begin()?;
        whole.update(0, rows)?;
        whole.merge(&part.partial()?)?;
        whole.finish()
    }
}
