//! Sections that stand for several stages: `map` over a list, and `best` and `tune` over trials.
//!
//! A section is copied for each member, `model[0]`, `model[1]` and so on, and so is what reads all of it in its
//! pipes: with `best` or `tune`, only what lies between the section and the stage that measures its members.
//! What comes behind that reads the section's own name, which then stands for the best member.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_study::{Goal, Point};

use crate::declaration::{BestKeys, DeclaredStage, StageKeys};
use crate::pipe::{PipeText, Word};
use crate::source::{Problem, Report, Source, Span};
use crate::tune::{self, Tuning};
use crate::values::{Value, to_json};

/// The most members that a section may have.
const MOST: usize = 10_000;

/// Which member of a section a stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The section that is mapped or tuned.
    pub(crate) of: String,
    pub(crate) index: usize,
    /// Whether it is of a trial: one of several is chosen.
    pub(crate) is_trial: bool,
    /// Whether it is what the trials of a study are made from, and no stage itself.
    pub(crate) is_template: bool,
}

/// What the name of a section stands for whose members were copied.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The stage that measures, and the metric.
    pub(crate) stage: String,
    pub(crate) metric: String,
    pub(crate) goal: Goal,
    /// Members of the section, or 1 if they are made while the study runs.
    pub(crate) members: usize,
    /// How those are made.
    pub(crate) tuning: Option<Tuning>,
}

/// A section with its copies.
struct Fan {
    origin: usize,
    /// The stages that are copied, the section among them.
    copied: BTreeSet<usize>,
    /// What each member sets.
    points: Vec<Point>,
    selection: Option<Selection>,
}

/// The name of a member.
pub(crate) fn member_name(stage: &str, index: usize) -> String {
    format!("{stage}[{index}]")
}

/// A name without the member that it ends with, and that member: `model[1]` is member `1` of `model`.
pub(crate) fn split_member(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(']')?.split_once('[')
}

/// Copies what stands for several stages.
pub(crate) fn expand<'t>(
    stages: Vec<DeclaredStage<'t>>,
    seed: u64,
    report: &mut Report<'_>,
) -> Vec<DeclaredStage<'t>> {
    let reads: Vec<BTreeSet<usize>> = stages
        .iter()
        .map(|stage| read_whole(stage, &stages, report.source))
        .collect();
    let mut fans: Vec<Fan> = Vec::new();
    let mut fan_of: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, stage) in stages.iter().enumerate() {
        let Some(fan) = fan(index, stage, &stages, &reads, seed, report) else {
            continue;
        };
        for &copied in &fan.copied {
            if let Some(other) = fan_of.insert(copied, fans.len()) {
                let other = &stages[fans[other].origin].name.text;
                report.add(twice(&stages[copied], other, &stage.name.text));
            }
        }
        fans.push(fan);
    }
    let mut expanded = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        let Some(fan) = fan_of.get(&index).map(|&fan| &fans[fan]) else {
            expanded.push(stage.clone());
            continue;
        };
        let of = &stages[fan.origin].name.text;
        for (number, point) in fan.points.iter().enumerate() {
            let mut copy = stage.clone();
            copy.name.text = member_name(&stage.name.text, number);
            copy.member = Some(Member {
                of: of.clone(),
                index: number,
                is_trial: fan.selection.is_some(),
                is_template: fan.selection.as_ref().is_some_and(|it| it.tuning.is_some()),
            });
            if index == fan.origin {
                copy.point = point.clone();
            }
            expanded.push(copy);
        }
        if let Some(selection) = &fan.selection {
            let mut own = stage.clone();
            own.selection = (index == fan.origin).then(|| selection.clone());
            expanded.push(own);
        }
    }
    expanded
}

/// The fan of a section, if it has one and nothing about it is wrong.
fn fan(
    index: usize,
    stage: &DeclaredStage<'_>,
    stages: &[DeclaredStage<'_>],
    reads: &[BTreeSet<usize>],
    seed: u64,
    report: &mut Report<'_>,
) -> Option<Fan> {
    let keys = stage.keys.as_ref()?;
    let name = &stage.name.text;
    let best = keys.best.as_ref();
    if let (Some(best), true) = (best, keys.map.is_none()) {
        let problem = Problem::new(
            best.span(),
            format!("stage `{name}` has `best`, and nothing to choose from"),
        );
        report.add(
            problem.hint("`best` chooses among the members of `map`, as in map.max_depth = [4, 6]"),
        );
        return None;
    }
    if keys.map.is_none() && keys.tune.is_none() {
        return None;
    }
    if keys.plugin.is_none() {
        let problem = Problem::new(
            stage.name.span.clone(),
            format!("gate `{name}` can be neither mapped nor tuned"),
        );
        report.add(
            problem
                .hint("a condition over all members of a stage is written `score[*].auc >= 0.9`"),
        );
        return None;
    }
    if let (Some(_), Some(tune)) = (&keys.map, &keys.tune) {
        let problem = Problem::new(
            tune.span(),
            format!("stage `{name}` has both `map` and `tune`"),
        );
        report.add(
            problem.hint("`tune` chooses what to try itself; to try a list, use `map` and `best`"),
        );
        return None;
    }
    let (points, tuning, chooses) = match &keys.tune {
        Some(tune) => {
            let tuning = tune::check(tune.get_ref(), name, stage.space.as_deref(), seed, report);
            let metric = tune.get_ref().metric.clone();
            let tuning = tuning?;
            let chooses = Some((metric, tuning.study.goal));
            (vec![tuning.first_point()], Some(tuning), chooses)
        }
        None => {
            let points = report.ok(members(name, stage.map.as_deref()?))?;
            let chooses = best.map(|best| {
                let (metric, goal) = BestKeys::parts(best.get_ref());
                (Spanned::new(best.span(), metric.to_owned()), goal)
            });
            (points, None, chooses)
        }
    };
    let behind = downstream(index, reads);
    let Some((text, goal)) = chooses else {
        return Some(Fan {
            origin: index,
            copied: behind,
            points,
            selection: None,
        });
    };
    let (measuring, metric) = report.ok(measuring(&text, name, stages, &behind))?;
    let before = upstream(measuring, reads);
    Some(Fan {
        origin: index,
        copied: behind.intersection(&before).copied().collect(),
        selection: Some(Selection {
            stage: stages[measuring].name.text.clone(),
            metric,
            goal,
            members: points.len(),
            tuning,
        }),
        points,
    })
}

/// The stage and the metric that decide among members: of the section itself, or of what reads it.
fn measuring(
    text: &Spanned<String>,
    name: &str,
    stages: &[DeclaredStage<'_>],
    behind: &BTreeSet<usize>,
) -> Result<(usize, String), Problem> {
    let problem = |message: String| Problem::new(text.span(), message);
    let Some((measuring, metric)) = text.get_ref().split_once('.') else {
        return Err(
            problem(format!("`{}` is no metric of a stage", text.get_ref()))
                .hint("name a stage and its metric, such as \"score.auc\""),
        );
    };
    let names = || behind.iter().map(|&index| stages[index].name.text.as_str());
    match stages.iter().position(|stage| stage.name.text == measuring) {
        Some(index) if behind.contains(&index) => Ok((index, metric.to_owned())),
        found => {
            let message = match found {
                Some(_) => format!(
                    "`{measuring}` does not read what `{name}` answers, so it cannot tell which is the best"
                ),
                None => format!("there is no stage `{measuring}`"),
            };
            let hint = did_you_mean(measuring, names())
                .unwrap_or_else(|| format!("a metric of these can decide: {}", list_some(names())));
            Err(problem(message).hint(hint))
        }
    }
}

/// The members that `map` lists: tables of parameters, or every combination of lists of values.
fn members(name: &str, map: &Value<'_>) -> Result<Vec<Point>, Problem> {
    const HINT: &str = "write map.max_depth = [4, 6, 8] for values of a parameter, or map = [{ max_depth = 4 }, { max_depth = 6, eta = 0.1 }] for sets";
    let problem =
        |span: Span, what: &str| Problem::new(span, format!("stage `{name}`: {what}")).hint(HINT);
    let too_many = || problem(map.span(), &format!("`map` has more than {MOST} members"));
    let points: Vec<Point> = match map.get_ref() {
        DeValue::Array(sets) => {
            let set = |value: &Value<'_>| match value.get_ref() {
                DeValue::Table(_) => to_point(value),
                _ => Err(problem(
                    value.span(),
                    "a member of `map` is no table of parameters",
                )),
            };
            sets.iter().map(set).collect::<Result<_, _>>()?
        }
        DeValue::Table(table) => {
            let mut lists: Vec<_> = table.iter().collect();
            lists.sort_by_key(|(key, _)| key.span().start);
            let mut points = vec![Point::new()];
            for (key, list) in lists {
                let DeValue::Array(values) = list.get_ref() else {
                    let what = format!("`map.{}` is no list of values", key.get_ref());
                    return Err(problem(list.span(), &what));
                };
                let values = values.iter().map(to_json).collect::<Result<Vec<_>, _>>()?;
                if values.len().saturating_mul(points.len()) > MOST {
                    return Err(too_many());
                }
                let with = |point: &Point, value: &Json| {
                    let mut point = point.clone();
                    point.insert(key.get_ref().to_string(), value.clone());
                    point
                };
                points = points
                    .iter()
                    .flat_map(|point| {
                        values
                            .iter()
                            .map(|value| with(point, value))
                            .collect::<Vec<_>>()
                    })
                    .collect();
            }
            points
        }
        _ => {
            return Err(problem(
                map.span(),
                "`map` is neither a list nor a table of lists",
            ));
        }
    };
    match points.len() {
        0 => Err(problem(map.span(), "`map` has no members")),
        count if count > MOST => Err(too_many()),
        _ => Ok(points),
    }
}

fn to_point(value: &Value<'_>) -> Result<Point, Problem> {
    match to_json(value)? {
        Json::Object(map) => Ok(map.into_iter().collect()),
        _ => Ok(Point::new()),
    }
}

/// The stages that a stage names in its pipes without saying which member.
fn read_whole(
    stage: &DeclaredStage<'_>,
    stages: &[DeclaredStage<'_>],
    source: &Source,
) -> BTreeSet<usize> {
    let keys = stage.keys.as_ref();
    let words = keys.into_iter().flat_map(pipes).filter_map(|pipe| {
        let pipe = PipeText::parse(source, pipe).ok()?;
        Some(pipe.through)
    });
    let index = |word: Word| stages.iter().position(|stage| stage.name.text == word.text);
    words.flatten().filter_map(index).collect()
}

fn pipes(keys: &StageKeys) -> impl Iterator<Item = &Spanned<String>> {
    let named = [&keys.fit, &keys.look_at, &keys.validation];
    named.into_iter().flatten().chain(keys.inputs.values())
}

/// A stage and all that read it, or read what reads it.
fn downstream(origin: usize, reads: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    closure(origin, |known| {
        let reader = |index: &usize| !reads[*index].is_disjoint(known);
        (0..reads.len()).filter(reader).collect()
    })
}

/// A stage and all that it reads, at whatever distance.
fn upstream(origin: usize, reads: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    closure(origin, |known| {
        known
            .iter()
            .flat_map(|&index| reads[index].iter().copied())
            .collect()
    })
}

fn closure(origin: usize, next: impl Fn(&BTreeSet<usize>) -> BTreeSet<usize>) -> BTreeSet<usize> {
    let mut known = BTreeSet::from([origin]);
    loop {
        let more = next(&known);
        if more.is_subset(&known) {
            return known;
        }
        known.extend(more);
    }
}

fn twice(stage: &DeclaredStage<'_>, one: &str, other: &str) -> Problem {
    let name = &stage.name.text;
    let message = match (name == one, name == other) {
        (true, _) => {
            format!("stage `{name}` has members of its own, and reads all those of `{other}`")
        }
        (_, true) => {
            format!("stage `{name}` has members of its own, and reads all those of `{one}`")
        }
        _ => format!("stage `{name}` reads all members of `{one}` and of `{other}`"),
    };
    Problem::new(stage.name.span.clone(), message).hint(format!(
        "name one member, such as `{one}[0]`, or choose one first with `best`"
    ))
}
