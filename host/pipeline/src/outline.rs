//! What the names of a pipeline file refer to, and the order that follows.

use toml::Spanned;

use self::names::Names;
use crate::declaration::{Declaration, DeclaredStage, StageKeys};
use crate::fan_out::Selection;
use crate::gate::GateWork;
use crate::graph;
use crate::pipe::{PipeText, Word};
use crate::rules::Rules;
use crate::source::{Problem, Report, Span};

mod names;

/// The stages with all their names found.
#[derive(Debug)]
pub(crate) struct Outline<'d, 't> {
    /// In the order of the file.
    pub(crate) stages: Vec<OutlinedStage<'d, 't>>,
    /// Indices of stages in the order in which they can run; not those on cycles or behind them.
    pub(crate) order: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct OutlinedStage<'d, 't> {
    pub(crate) declared: &'d DeclaredStage<'t>,
    /// None if something about it was wrong and is reported.
    pub(crate) job: Option<Job<'d>>,
    /// Indices of stages, ascending.
    pub(crate) depends_on: Vec<usize>,
    pub(crate) rules: Rules,
}

#[derive(Debug)]
pub(crate) enum Job<'d> {
    Plugin {
        keys: &'d StageKeys,
        plugin: &'d Spanned<String>,
        inputs: Vec<OutlinedInput>,
    },
    Gate(GateWork),
    /// The best of some stages.
    Study(OutlinedStudy<'d>),
}

/// What the name of a section stands for whose members are measured.
#[derive(Debug)]
pub(crate) struct OutlinedStudy<'d> {
    pub(crate) plugin: &'d Spanned<String>,
    pub(crate) selection: &'d Selection,
    /// Indices of the section's members, or of what they are made from.
    pub(crate) members: Vec<usize>,
    /// Indices of all that is made for a trial, if trials are made while the study runs.
    pub(crate) templates: Vec<usize>,
}

/// A named input of a stage.
#[derive(Debug)]
pub(crate) struct OutlinedInput {
    pub(crate) name: String,
    pub(crate) pipe: PipeText,
    /// The whole pipe.
    pub(crate) span: Span,
}

impl<'d, 't> Outline<'d, 't> {
    pub(crate) fn new(declaration: &'d Declaration<'t>, report: &mut Report<'_>) -> Self {
        let names = Names { declaration };
        let outlined = declaration
            .stages
            .iter()
            .map(|declared| names.outline(declared, report));
        let mut stages: Vec<OutlinedStage<'d, 't>> = outlined.collect();
        let depends_on: Vec<Vec<usize>> = stages
            .iter()
            .map(|stage| stage.depends_on.clone())
            .collect();
        let graph::Order {
            nodes: order,
            cycle,
        } = graph::order(&depends_on);
        if let Some(&first) = cycle.first() {
            let name = |&index: &usize| stages[index].declared.name.text.as_str();
            let path: Vec<&str> = cycle.iter().chain([&first]).map(name).collect();
            let problem = Problem::new(
                stages[first].declared.name.span.clone(),
                format!("stages wait for each other: {}", path.join(" → ")),
            );
            report.add(problem.hint(format!(
                "`{}` reads what `{}` makes; let one of them read something else",
                path[0], path[1]
            )));
        }
        for index in (0..stages.len()).filter(|index| !order.contains(index)) {
            stages[index].job = None;
        }
        Self { stages, order }
    }
}

/// The words of a package's chain, each of which means one stage.
pub(crate) fn chain(
    declaration: &Declaration<'_>,
    words: Vec<Word>,
    report: &mut Report<'_>,
) -> Option<Vec<Word>> {
    Names { declaration }.mapping_words(words, None, &mut Vec::new(), report)
}
