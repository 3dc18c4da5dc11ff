//! Gates: conditions on what stages measured.
//!
//! A condition is written in CEL, as all expressions of a pipeline file are. `score.auc` is the metric
//! `auc` of the stage `score`; `champion.auc` is the same metric of the package in use, measured on the
//! same rows. `has(champion.auc)` tells whether there is one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_dataset::{Expression, ExpressionError};
use trueline_table::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray,
};
use trueline_table::arrow::datatypes::Float64Type;
use trueline_table::{DataType, Field, Schema};

use self::mentions::Mention;
use crate::declaration::{CHAMPION, PARAMS};

mod mentions;
mod scope;

pub(crate) use scope::Scope;

/// The metrics of one stage by name.
pub type Metrics = BTreeMap<String, f64>;

/// The package in use, as a gate sees it.
#[derive(Clone, Copy, Debug)]
pub enum Champion<'a> {
    /// There is none.
    None,
    /// What was measured of it, on the rows of this run.
    Scored(&'a Metrics),
    /// It could not be measured, and why: no condition that mentions it can be met.
    Unknown(&'a str),
}

impl<'a> Champion<'a> {
    fn metrics(self) -> Option<&'a Metrics> {
        match self {
            Self::Scored(metrics) => Some(metrics),
            Self::None | Self::Unknown(_) => None,
        }
    }
}

/// What must hold for a run to pass.
#[derive(Clone, Debug, Serialize)]
pub struct GateWork {
    pub require: Vec<Requirement>,
}

/// One condition.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// As it is written.
    text: String,
    expression: Expression,
    mentions: Vec<Mention>,
    /// The parameters that it mentions, by the names of their columns.
    constants: BTreeMap<String, ArrayRef>,
}

/// What became of a condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The condition as it is written.
    pub text: String,
    pub passed: bool,
    /// The metrics that it mentions, as `score.auc`, those that do not exist left out.
    pub values: Vec<(String, f64)>,
    /// Why it could not be decided, if so; then it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl GateWork {
    /// The stages whose metrics it mentions.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.require.iter().flat_map(Requirement::stages)
    }

    /// Whether a condition mentions the package in use.
    pub fn mentions_champion(&self) -> bool {
        self.require.iter().any(Requirement::mentions_champion)
    }

    /// Decides every condition from the metrics of each stage and of the champion.
    pub fn evaluate(
        &self,
        metrics: &BTreeMap<String, Metrics>,
        champion: Champion<'_>,
    ) -> Vec<Verdict> {
        self.require
            .iter()
            .map(|requirement| requirement.evaluate(metrics, champion))
            .collect()
    }
}

impl Requirement {
    /// Compiles a condition, or one for each member that `[*]` stands for.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub(crate) fn compile_all(
        text: &str,
        scope: &Scope<'_>,
        params: &BTreeMap<String, Json>,
    ) -> Result<Vec<Self>, ExpressionError> {
        let texts = scope.expand(text)?;
        let compile = |text: &String| Self::compile(text, scope, params);
        texts.iter().map(compile).collect()
    }

    /// Compiles a condition over the metrics of stages and the parameters of the run.
    ///
    /// # Errors
    /// If it is not CEL, names no stage's metric, or is not true or false.
    pub(crate) fn compile(
        text: &str,
        scope: &Scope<'_>,
        params: &BTreeMap<String, Json>,
    ) -> Result<Self, ExpressionError> {
        let plain = scope::without_brackets(text);
        let mentions = mentions::find(text, &plain, scope)?;
        let mut constants = BTreeMap::new();
        let mut fields = Vec::new();
        for mention in &mentions {
            let mut data_type = DataType::Float64;
            if mention.owner == PARAMS {
                let value = params.get(&mention.metric);
                let value = value.ok_or_else(|| unknown_parameter(text, mention, params))?;
                let constant = constant(value);
                data_type = DataType::from_arrow(constant.data_type()).unwrap_or(data_type);
                constants.insert(mention.column.clone(), constant);
            }
            fields.push(Field::new(mention.column.clone(), data_type));
        }
        let schema = Schema::new(fields);
        let expression = Expression::compile(&plain, &schema)?;
        let wrong = |problem: String, hint: &str| {
            let hint = Some(hint.to_owned());
            Err(ExpressionError {
                text: text.to_owned(),
                position: 0,
                problem,
                hint,
            })
        };
        if expression.data_type() != DataType::Boolean {
            let problem = format!("this is {}, not true or false", expression.data_type());
            return wrong(
                problem,
                "compare it with something, such as `score.auc >= 0.9`",
            );
        }
        if mentions.is_empty() {
            return wrong(
                "this mentions no metric".to_owned(),
                "name one of a stage, such as `score.auc >= 0.9`",
            );
        }
        Ok(Self {
            text: text.to_owned(),
            expression,
            mentions,
            constants,
        })
    }

    /// The condition on other stages, in the same text.
    pub(crate) fn renamed(mut self, rename: impl Fn(&mut String)) -> Self {
        self.mentions
            .iter_mut()
            .for_each(|mention| rename(&mut mention.owner));
        self
    }

    /// The condition as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The stages whose metrics it mentions.
    pub(crate) fn stages(&self) -> impl Iterator<Item = &str> {
        self.mentions
            .iter()
            .map(|mention| mention.owner.as_str())
            .filter(|owner| *owner != CHAMPION && *owner != PARAMS)
    }

    /// Whether it holds, by the metrics of each stage. What depends on a metric that is missing does not.
    pub fn holds(&self, metrics: &BTreeMap<String, Metrics>) -> Verdict {
        self.evaluate(metrics, Champion::None)
    }

    fn mentions_champion(&self) -> bool {
        self.mentions
            .iter()
            .any(|mention| mention.owner == CHAMPION)
    }

    fn evaluate(&self, metrics: &BTreeMap<String, Metrics>, champion: Champion<'_>) -> Verdict {
        let unknown = match champion {
            Champion::Unknown(why) if self.mentions_champion() => Some(why.to_owned()),
            _ => None,
        };
        let champion = champion.metrics();
        let nothing = Metrics::new();
        let of = |mention: &Mention| match mention.owner.as_str() {
            CHAMPION => champion.unwrap_or(&nothing),
            stage => metrics.get(stage).unwrap_or(&nothing),
        };
        let value = |mention: &Mention| {
            let constant = self.constants.get(&mention.column);
            match constant.and_then(|constant| constant.as_primitive_opt::<Float64Type>()) {
                Some(number) => Some(number.value(0)),
                None => of(mention).get(&mention.metric).copied(),
            }
        };
        let values = self
            .mentions
            .iter()
            .filter_map(|mention| Some((mention.name(), value(mention)?)))
            .collect();
        let verdict = |passed, problem| Verdict {
            text: self.text().to_owned(),
            passed,
            values,
            problem,
        };
        if unknown.is_some() {
            return verdict(false, unknown);
        }
        let is_missing = |mention: &&Mention| {
            let is_metric = mention.owner != CHAMPION && mention.owner != PARAMS;
            is_metric && !mention.is_tested && value(mention).is_none()
        };
        if let Some(mention) = self.mentions.iter().find(is_missing) {
            let names = || of(mention).keys().map(String::as_str);
            let hint = did_you_mean(&mention.metric, names())
                .unwrap_or_else(|| format!("its metrics are {}", list_some(names())));
            let problem = format!(
                "stage `{}` has no metric `{}`; {hint}",
                mention.owner, mention.metric
            );
            return verdict(false, Some(problem));
        }
        match self.decide(value) {
            Ok(Some(passed)) => verdict(passed, None),
            Ok(None) => verdict(false, Some(self.undecided(champion))),
            Err(error) => verdict(false, Some(error.to_string())),
        }
    }

    /// Null is a condition that depends on what is missing.
    fn decide(
        &self,
        value: impl Fn(&Mention) -> Option<f64>,
    ) -> Result<Option<bool>, trueline_table::arrow::error::ArrowError> {
        let column = |mention: &Mention| {
            let constant = self.constants.get(&mention.column).cloned();
            let measured = || Arc::new(Float64Array::from(vec![value(mention)])) as ArrayRef;
            (mention.column.clone(), constant.unwrap_or_else(measured))
        };
        let row = RecordBatch::try_from_iter_with_nullable(
            self.mentions
                .iter()
                .map(column)
                .map(|(name, column)| (name, column, true)),
        )?;
        let decided = self.expression.evaluate(&row)?;
        let decided = decided.as_boolean();
        Ok(decided.is_valid(0).then(|| decided.value(0)))
    }

    fn undecided(&self, champion: Option<&Metrics>) -> String {
        let known = |mention: &&Mention| {
            champion.is_some_and(|metrics| metrics.contains_key(&mention.metric))
        };
        let missing = self
            .mentions
            .iter()
            .filter(|mention| mention.owner == CHAMPION)
            .find(|mention| !known(mention));
        match missing {
            Some(Mention { metric, .. }) => format!(
                "there is no `champion.{metric}`; say what then holds, as in \
                 `!has(champion.{metric}) || …`"
            ),
            None => "it depends on a metric that is missing".to_owned(),
        }
    }
}

/// A parameter as a column of one row.
fn constant(value: &Json) -> ArrayRef {
    match value {
        Json::Bool(value) => Arc::new(BooleanArray::from(vec![*value])),
        Json::Number(number) => Arc::new(Float64Array::from(vec![number.as_f64()])),
        Json::String(text) => Arc::new(StringArray::from(vec![text.as_str()])),
        other => Arc::new(StringArray::from(vec![other.to_string()])),
    }
}

fn unknown_parameter(
    text: &str,
    mention: &Mention,
    params: &BTreeMap<String, Json>,
) -> ExpressionError {
    let names = || params.keys().map(String::as_str);
    let hint = did_you_mean(&mention.metric, names())
        .unwrap_or_else(|| format!("the parameters are {}", list_some(names())));
    let position = text.find(&mention.name()).unwrap_or(0);
    ExpressionError {
        text: text.to_owned(),
        position: text[..position].chars().count(),
        problem: format!("there is no parameter `{}`", mention.metric),
        hint: Some(hint),
    }
}

/// The condition and the numbers that it depends on.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)?;
        for (index, (name, value)) in self.values.iter().enumerate() {
            write!(
                f,
                "{} {name} = {value}",
                if index == 0 { " with" } else { "," }
            )?;
        }
        match &self.problem {
            Some(problem) => write!(f, ": {problem}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Requirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &str) -> Result<Requirement, ExpressionError> {
        let mut scope = Scope::default();
        for stage in ["model", "score", "gate", "model[0]", "model[1]"] {
            scope.add(stage, stage);
        }
        Requirement::compile(text, &scope, &BTreeMap::new())
    }

    fn metrics(pairs: &[(&str, f64)]) -> Metrics {
        pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn evaluate(text: &str, champion: Option<&Metrics>) -> Verdict {
        let gate = GateWork {
            require: vec![compile(text).unwrap()],
        };
        let score = metrics(&[
            ("accuracy", 0.89),
            ("auc", 0.9),
            ("loss.mean", 0.25),
            ("odd", f64::NAN),
        ]);
        let champion = champion.map_or(Champion::None, Champion::Scored);
        gate.evaluate(&BTreeMap::from([("score".to_owned(), score)]), champion)
            .remove(0)
    }

    #[test]
    fn conditions_pass_or_say_the_number() {
        let champion = metrics(&[("auc", 0.95)]);
        let check = |text: &str, champion: Option<&Metrics>, passed: bool, display: &str| {
            let verdict = evaluate(text, champion);
            assert_eq!(
                (verdict.passed, verdict.to_string().as_str()),
                (passed, display)
            );
        };
        check(
            "score.accuracy >= 0.88",
            None,
            true,
            "score.accuracy >= 0.88 with score.accuracy = 0.89",
        );
        check(
            "score.accuracy >= 0.95",
            None,
            false,
            "score.accuracy >= 0.95 with score.accuracy = 0.89",
        );
        check(
            "score.loss.mean < 1",
            None,
            true,
            "score.loss.mean < 1 with score.loss.mean = 0.25",
        );
        check(
            "score.odd < 1.0",
            None,
            false,
            "score.odd < 1.0 with score.odd = NaN",
        );
        let not_worse = "!has(champion.auc) || score.auc >= champion.auc - 0.01";
        check(
            not_worse,
            None,
            true,
            &format!("{not_worse} with score.auc = 0.9"),
        );
        check(
            not_worse,
            Some(&champion),
            false,
            &format!("{not_worse} with champion.auc = 0.95, score.auc = 0.9"),
        );
        check(
            "has(score.f1) && score.f1 > 0.5",
            None,
            false,
            "has(score.f1) && score.f1 > 0.5",
        );
        check(
            "score.auc > champion.auc",
            None,
            false,
            "score.auc > champion.auc with score.auc = 0.9: there is no `champion.auc`; say what then holds, as in \
             `!has(champion.auc) || …`",
        );
        check(
            "score.acuracy > 0.5",
            None,
            false,
            "score.acuracy > 0.5: stage `score` has no metric `acuracy`; did you mean `accuracy`?",
        );
        check(
            "model.rmse < 2.0",
            None,
            false,
            "model.rmse < 2.0: stage `model` has no metric `rmse`; its metrics are none",
        );
    }

    #[test]
    fn a_champion_that_cannot_be_scored_is_no_missing_one() {
        let check = |text: &str, passed: bool| {
            let gate = GateWork {
                require: vec![compile(text).unwrap()],
            };
            let score = BTreeMap::from([("score".to_owned(), metrics(&[("auc", 0.9)]))]);
            let verdict = gate
                .evaluate(&score, Champion::Unknown("it lacks a column"))
                .remove(0);
            let problem = (!passed).then(|| "it lacks a column".to_owned());
            assert_eq!(
                (verdict.passed, verdict.problem),
                (passed, problem),
                "{text}"
            );
        };
        check("!has(champion.auc) || score.auc >= champion.auc", false);
        check("score.auc >= 0.5", true);
    }

    #[test]
    fn mistakes_are_found_before_the_run() {
        let check = |text: &str, position: usize, problem: &str| {
            let error = compile(text).unwrap_err();
            assert!(
                error.problem.contains(problem) && error.hint.is_some(),
                "{text}: {error:?}"
            );
            assert_eq!(error.position, position, "{text}: {error:?}");
        };
        check(
            "score.auc > 0.5 && scroe.auc > 1.0",
            19,
            "`scroe` is no stage",
        );
        check("accuracy > 0.5", 0, "`accuracy` is no stage");
        check(
            "1.0 > 0.5 && model[7].auc > 1.0",
            13,
            "`model[7]` is no stage",
        );
        check("score > 0.5", 0, "`score` alone is no number");
        check("score.auc", 0, "not true or false");
        check("1 < 2", 0, "no metric");
        check("score.auc >= \"x\"", 10, "does not go with");
        check("score.auc = 0.5", 10, "");
    }

    #[test]
    fn a_condition_knows_its_stages() {
        let check = |text: &str, expected: &[&str]| {
            let requirement = compile(text).unwrap();
            assert_eq!(requirement.stages().collect::<Vec<_>>(), expected);
        };
        check(
            "score.auc > champion.auc || model.rounds > 3",
            &["score", "model"],
        );
        check(
            "model[1].rounds > model[0].rounds",
            &["model[1]", "model[0]"],
        );
    }
}
