//! What the file declares, section by section: its keys are known and of the right type, its names
//! are names; what they refer to is not looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use trueline_dataset::DatasetSpec;
use trueline_dataset::suggest::did_you_mean;
use trueline_study::{Goal, Point};

use crate::fan_out::{self, Member, Selection};
use crate::keys::{self, TextOr};
use crate::limits::LimitKeys;
use crate::params::Params;
use crate::pipe::Word;
use crate::rules::{RetryKeys, RunIf};
use crate::source::{Problem, Report, Source, Span};
use crate::tune::TuneKeys;
use crate::values::Value;

/// All that a file declares. What is `None` was wrong and is reported.
#[derive(Debug)]
pub(crate) struct Declaration<'t> {
    pub(crate) pipeline: Option<PipelineKeys>,
    /// In the order of the file, as stages are.
    pub(crate) datasets: Vec<DeclaredDataset<'t>>,
    pub(crate) stages: Vec<DeclaredStage<'t>>,
    pub(crate) package: Option<PackageKeys>,
    /// The parameters with the values of this run.
    pub(crate) params: BTreeMap<String, serde_json::Value>,
    /// How many stages of a pool run at once.
    pub(crate) pools: BTreeMap<String, u32>,
}

#[derive(Debug)]
pub(crate) struct DeclaredDataset<'t> {
    pub(crate) name: Word,
    pub(crate) spec: Option<DatasetSpec>,
    /// The whole section, to find places in.
    pub(crate) section: Value<'t>,
}

#[derive(Clone, Debug)]
pub(crate) struct DeclaredStage<'t> {
    pub(crate) name: Word,
    pub(crate) keys: Option<StageKeys>,
    /// Shared by the members of a section, as `map` and `space` are.
    pub(crate) params: Option<Arc<Value<'t>>>,
    /// The values of `map`.
    pub(crate) map: Option<Arc<Value<'t>>>,
    /// The values of `tune.space`.
    pub(crate) space: Option<Arc<Value<'t>>>,
    /// Which member it is, if its section stands for several stages.
    pub(crate) member: Option<Member>,
    /// The parameters that this member sets beside `params`.
    pub(crate) point: Point,
    /// How one of its members is chosen, if its name stands for the best of them.
    pub(crate) selection: Option<Selection>,
}

/// The keys of `[pipeline]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct PipelineKeys {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) description: Option<String>,
}

/// The keys of a `[stage.<name>]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct StageKeys {
    #[serde(rename = "use")]
    pub(crate) plugin: Option<Spanned<String>>,
    /// The rows to learn from.
    pub(crate) fit: Option<Spanned<String>>,
    /// The rows to look at.
    #[serde(rename = "in")]
    pub(crate) look_at: Option<Spanned<String>>,
    pub(crate) validation: Option<Spanned<String>>,
    /// A file with what the stage would have learned, such as a model that was trained elsewhere.
    pub(crate) state: Option<Spanned<String>>,
    /// Further inputs, under the names that the plugin gives them.
    #[serde(default)]
    pub(crate) inputs: BTreeMap<String, Spanned<String>>,
    /// Any value; [`DeclaredStage::params`] has it with its places.
    #[serde(rename = "params")]
    _params: Option<IgnoredAny>,
    pub(crate) limits: Option<Spanned<LimitKeys>>,
    pub(crate) require: Option<Spanned<Vec<Spanned<String>>>>,
    /// Stages that must be over first, beside those that it names otherwise.
    #[serde(default)]
    pub(crate) after: Vec<Spanned<String>>,
    pub(crate) run_if: Option<RunIf>,
    pub(crate) when: Option<Spanned<String>>,
    pub(crate) retry: Option<RetryKeys>,
    pub(crate) timeout: Option<Spanned<String>>,
    pub(crate) pool: Option<Spanned<String>>,
    pub(crate) priority: Option<i64>,
    /// [`DeclaredStage::map`] has the values.
    pub(crate) map: Option<IgnoredAny>,
    pub(crate) best: Option<Spanned<TextOr<BestKeys>>>,
    pub(crate) tune: Option<Spanned<TuneKeys>>,
}

/// The keys of `best`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct BestKeys {
    metric: String,
    #[serde(default)]
    goal: Goal,
}

impl BestKeys {
    /// The metric that decides, and whether it is to be large.
    pub(crate) fn parts(best: &TextOr<Self>) -> (&str, Goal) {
        match best {
            TextOr::Text(metric) => (metric, Goal::default()),
            TextOr::Table(keys) => (&keys.metric, keys.goal),
        }
    }
}

/// The keys of `[package]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct PackageKeys {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) chain: Spanned<String>,
    pub(crate) after: Option<Spanned<String>>,
}

const SECTIONS: [&str; 6] = ["pipeline", "params", "pools", "dataset", "stage", "package"];

impl<'t> Declaration<'t> {
    /// None if the text is not TOML: what else is wrong could not be told apart from that.
    pub(crate) fn read(
        source: &'t Source,
        set: &'t BTreeMap<String, String>,
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let mut document = source.document(report)?;
        let params = Params::read(&document, set, report);
        for section in ["dataset", "stage", "package"] {
            if let Some(section) = document.get_mut(section) {
                params.substitute(section, report);
            }
        }
        let params = params.to_json(report);
        let pools = document
            .get("pools")
            .and_then(|section| keys::read(section, "[pools]", report))
            .unwrap_or_default();
        for (key, _) in document
            .iter()
            .filter(|(key, _)| !SECTIONS.contains(&key.get_ref().as_ref()))
        {
            let hint = did_you_mean(key.get_ref(), SECTIONS).unwrap_or_else(|| {
                "the sections are [pipeline], [params], [pools], [dataset.<name>], [stage.<name>] and [package]"
                    .to_owned()
            });
            report.add(
                Problem::new(key.span(), format!("unknown section `{}`", key.get_ref())).hint(hint),
            );
        }
        let pipeline = match document.get("pipeline") {
            Some(section) => keys::read(section, "[pipeline]", report),
            None => {
                report.add(
                    Problem::new(0..0, "there is no section [pipeline]")
                        .hint("begin the file with\n[pipeline]\nname = \"my-pipeline\""),
                );
                None
            }
        };
        let pipeline =
            pipeline.filter(|keys: &PipelineKeys| check_package_name(&keys.name, report));
        let datasets = sections(&document, "dataset", report)
            .into_iter()
            .map(|(name, section)| {
                let spec = keys::read(&section, &format!("dataset `{}`", name.text), report);
                DeclaredDataset {
                    name,
                    spec,
                    section,
                }
            });
        let datasets = datasets.collect();
        let stages = sections(&document, "stage", report)
            .into_iter()
            .map(|(name, section)| {
                let keys = keys::read(&section, &format!("stage `{}`", name.text), report);
                let value = |key: &str| section.get_ref().get(key).cloned().map(Arc::new);
                let tune = section.get_ref().get("tune");
                let space = tune.and_then(|tune| tune.get_ref().get("space"));
                DeclaredStage {
                    name,
                    keys,
                    params: value("params"),
                    map: value("map"),
                    space: space.cloned().map(Arc::new),
                    member: None,
                    point: Point::new(),
                    selection: None,
                }
            });
        let stages: Vec<DeclaredStage<'t>> = stages.collect();
        let package = document
            .get("package")
            .and_then(|section| keys::read(section, "[package]", report));
        let package = package.filter(|keys: &PackageKeys| {
            keys.name
                .as_ref()
                .is_none_or(|name| check_package_name(name, report))
        });
        let seed = pipeline
            .as_ref()
            .map_or(0, |pipeline: &PipelineKeys| pipeline.seed);
        let stages = fan_out::expand(stages, seed, report);
        let declaration = Self {
            pipeline,
            datasets,
            stages,
            package,
            params,
            pools,
        };
        declaration.check_names(report);
        Some(declaration)
    }

    pub(crate) fn dataset_names(&self) -> impl Iterator<Item = &str> {
        self.datasets
            .iter()
            .map(|dataset| dataset.name.text.as_str())
    }

    /// Those that a file can name; what a study makes its trials from is none of them.
    pub(crate) fn stage_names(&self) -> impl Iterator<Item = &str> {
        let stages = self.stages.iter().filter(|stage| !stage.is_template());
        stages.map(|stage| stage.name.text.as_str())
    }

    /// The stage that a name means in a stage that is this member: of a section with members of the same kind,
    /// the one with the same number.
    pub(crate) fn find(&self, name: &str, member: Option<&Member>) -> Option<usize> {
        let position = |name: &str, member: Option<&Member>| {
            self.stages.iter().position(|stage| {
                stage.name.text == name
                    && match member {
                        Some(_) => stage.member.as_ref() == member,
                        None => !stage.is_template(),
                    }
            })
        };
        let same = member.and_then(|own| position(&fan_out::member_name(name, own.index), member));
        same.or_else(|| position(name, None))
    }

    /// The members of a section, in order.
    pub(crate) fn members(&self, section: &str) -> Vec<usize> {
        let stages = self.stages.iter().enumerate();
        let is_member = |stage: &DeclaredStage<'_>| {
            stage.member.is_some() && !stage.is_template() && stage.section() == section
        };
        stages
            .filter(|(_, stage)| is_member(stage))
            .map(|(index, _)| index)
            .collect()
    }

    fn check_names(&self, report: &mut Report<'_>) {
        for Word { text, span } in self.stages.iter().map(|stage| &stage.name) {
            if self.dataset_names().any(|dataset| dataset == text) {
                let problem = Problem::new(
                    span.clone(),
                    format!("`{text}` is the name of a dataset and of a stage"),
                );
                report.add(problem.hint("give one of them another name"));
            }
            if text == CHAMPION || text == PARAMS {
                let message = format!("a stage cannot be called `{text}`");
                let what = if text == CHAMPION {
                    "the package in use"
                } else {
                    "the parameters"
                };
                let hint = format!("conditions call {what} so: choose another name");
                report.add(Problem::new(span.clone(), message).hint(hint));
            }
        }
    }
}

/// What gates call the package that is in use.
pub(crate) const CHAMPION: &str = "champion";

/// What conditions call the parameters of the run.
pub(crate) const PARAMS: &str = "params";

/// The tables `[kind.<name>]` in the order of the file.
fn sections<'t>(
    document: &DeTable<'t>,
    kind: &str,
    report: &mut Report<'_>,
) -> Vec<(Word, Value<'t>)> {
    let Some(all) = document.get(kind) else {
        return Vec::new();
    };
    let DeValue::Table(table) = all.get_ref() else {
        let problem = Problem::new(all.span(), format!("`{kind}` is not a table"));
        report.add(problem.hint(format!("write [{kind}.<name>] on a line of its own")));
        return Vec::new();
    };
    let mut sections = Vec::new();
    for (key, value) in table {
        let name = Word {
            text: key.get_ref().to_string(),
            span: key.span(),
        };
        if !value.get_ref().is_table() {
            let problem =
                Problem::new(key.span(), format!("{kind} `{}` is not a table", name.text));
            report.add(problem.hint(format!("write [{kind}.<name>] on a line of its own")));
        } else if check_name(&name, report) {
            sections.push((name, value.clone()));
        }
    }
    sections.sort_by_key(|(name, _)| name.span.start);
    sections
}

/// Names of datasets and stages are identifiers, so that pipes and gates can mention them.
fn check_name(name: &Word, report: &mut Report<'_>) -> bool {
    let is_start = |character: char| character.is_ascii_alphabetic() || character == '_';
    let mut characters = name.text.chars();
    let is_name = characters.next().is_some_and(is_start)
        && characters.all(|character| is_start(character) || character.is_ascii_digit());
    if !is_name {
        let problem = Problem::new(name.span.clone(), format!("`{}` is not a name", name.text));
        report.add(
            problem.hint("names are of letters, digits and `_`, and do not begin with a digit"),
        );
    }
    is_name
}

/// Names of pipelines and packages become names of files.
fn check_package_name(name: &Spanned<String>, report: &mut Report<'_>) -> bool {
    let text = name.get_ref();
    let is_name = text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "._-".contains(character));
    if !is_name {
        let problem = Problem::new(name.span(), format!("`{text}` is not a name"));
        report.add(problem.hint(
            "names are of letters, digits, `.`, `_` and `-`, and begin with a letter or digit",
        ));
    }
    is_name
}

impl DeclaredStage<'_> {
    /// What its section is called: a member's name without the number.
    pub(crate) fn section(&self) -> &str {
        match &self.member {
            Some(_) => {
                fan_out::split_member(&self.name.text).map_or(&self.name.text, |(name, _)| name)
            }
            None => &self.name.text,
        }
    }

    /// Whether it is what the trials of a study are made from.
    pub(crate) fn is_template(&self) -> bool {
        self.member
            .as_ref()
            .is_some_and(|member| member.is_template)
    }

    /// The study that it is of a trial of.
    pub(crate) fn study(&self) -> Option<&str> {
        let member = self.member.as_ref().filter(|member| member.is_trial);
        member.map(|member| member.of.as_str())
    }

    /// Where what is wrong with the parameters is shown if nothing better is known.
    pub(crate) fn params_span(&self) -> Span {
        self.params
            .as_ref()
            .map_or_else(|| self.name.span.clone(), |params| params.span())
    }
}
