//! A checked pipeline, before it runs.

use trueline_pipeline::{Pipe, Plan, PlannedStage, StudyWork, Work};
use trueline_study::Goal;

use super::section;
use crate::grid::{Cell, Grid, cell};
use crate::numbers;
use crate::style::{Mark, Style, Tone};

/// What would run, in order, on what.
pub(crate) fn check(plan: &Plan, style: Style) -> String {
    let (datasets, stages) = (plan.datasets.len() as u64, plan.stages.len() as u64);
    let mut text = format!(
        "{} {} {}: {}, {}\n",
        style.mark(Mark::Good),
        style.bold(&plan.name),
        style.good("is ready to run"),
        numbers::plural(stages, "stage"),
        numbers::plural(datasets, "dataset"),
    );
    let mut grid = Grid::with_heads([cell("dataset"), cell("columns").right()]);
    for dataset in &plan.datasets {
        let columns = dataset.schema.fields.len() as u64;
        grid.row([
            cell(dataset.name.as_str()).tone(Tone::Bold),
            cell(numbers::count(columns)).right(),
        ]);
    }
    text.push('\n');
    text += &grid.render(2, style);
    let mut grid = Grid::with_heads([cell("stage"), cell("plugin"), cell("reads")]);
    for stage in &plan.stages {
        for (index, (plugin, reads)) in lines(stage).into_iter().enumerate() {
            let name = if index == 0 { stage.name.as_str() } else { "" };
            grid.row([cell(name).tone(Tone::Bold), plugin, cell(reads)]);
        }
    }
    text.push('\n');
    text += &grid.render(2, style);
    if let Some(package) = &plan.package {
        let after = package
            .after
            .as_ref()
            .map(|after| format!(", after `{after}`"))
            .unwrap_or_default();
        let body = format!("  {}{after}\n", package.chain.join(" | "));
        text += &section(&format!("package {}", package.name), &body, style);
    }
    text
}

/// What a stage reads, input by input.
fn lines(stage: &PlannedStage) -> Vec<(Cell, String)> {
    match &stage.work {
        Work::Gate(gate) => {
            let requirements = gate.require.iter().enumerate();
            let plugin = |index| cell(if index == 0 { "gate" } else { "" });
            requirements
                .map(|(index, requirement)| (plugin(index), requirement.text().to_owned()))
                .collect()
        }
        Work::Study(study) => vec![(cell(study.plugin.as_str()), study_line(&stage.name, study))],
        Work::Stage(work) if work.inputs.is_empty() => {
            vec![(cell(work.plugin.as_str()), String::new())]
        }
        Work::Stage(work) => {
            let inputs = work.inputs.iter().enumerate();
            let line = |(index, input): (usize, &trueline_pipeline::PlannedInput)| {
                let plugin = cell(if index == 0 { work.plugin.as_str() } else { "" });
                let label = if input.name == "rows" {
                    String::new()
                } else {
                    format!("{}: ", input.name)
                };
                (plugin, label + &pipe(&input.pipe))
            };
            inputs.map(line).collect()
        }
    }
}

/// What a study chooses from.
fn study_line(name: &str, study: &StudyWork) -> String {
    let goal = match study.goal {
        Goal::Max => "highest",
        Goal::Min => "lowest",
    };
    let (count, by, metric) = (study.count, &study.measured_by, &study.metric);
    let last = count.saturating_sub(1);
    format!("the one of {name}[0] to {name}[{last}] with the {goal} {by}.{metric}")
}

/// A pipe as a pipeline file has it.
fn pipe(pipe: &Pipe) -> String {
    let mut text = pipe.dataset.clone();
    if let Some(part) = pipe.part {
        text += &format!(".{part}");
    }
    for stage in &pipe.through {
        text += " | ";
        text += stage;
    }
    text
}
