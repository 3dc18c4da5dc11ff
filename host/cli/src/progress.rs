//! How far a run or a proof has come: bars on a terminal, plain lines elsewhere, on standard error.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use trueline_engine::{Event, Observer};
use trueline_pipeline::{Plan, Work};

use crate::context::Context;

mod bars;
mod lines;

use self::bars::Bars;
use self::lines::Lines;

/// Tells a person how things go on.
pub(crate) enum Progress {
    Bars(Bars),
    Lines(Lines),
}

impl Progress {
    /// The progress of a run.
    pub(crate) fn of_run(plan: &Plan, context: &Context) -> Self {
        let plugins = plan.stages.iter().map(|stage| {
            let plugin = match &stage.work {
                Work::Gate(_) => "gate",
                Work::Stage(work) => work.plugin.as_str(),
                Work::Study(study) => study.plugin.as_str(),
            };
            (stage.name.clone(), plugin.to_owned())
        });
        Self::new(plugins.collect(), context)
    }

    /// The progress of a proof.
    pub(crate) fn of_proof(context: &Context) -> Self {
        Self::new(BTreeMap::new(), context)
    }

    fn new(plugins: BTreeMap<String, String>, context: &Context) -> Self {
        if std::io::stderr().is_terminal() {
            // What stays on the screen would say the same as the report below it.
            let stays = !std::io::stdout().is_terminal();
            Self::Bars(Bars::new(plugins, stays, context.error_style))
        } else {
            Self::Lines(Lines::new(plugins))
        }
    }

    /// Leaves the screen to what comes next.
    pub(crate) fn finish(&self) {
        match self {
            Self::Bars(bars) => bars.finish(),
            Self::Lines(_) => {}
        }
    }
}

impl Observer for Progress {
    fn tell(&self, event: Event<'_>) {
        match self {
            Self::Bars(bars) => bars.tell(event),
            Self::Lines(lines) => lines.tell(event),
        }
    }
}
