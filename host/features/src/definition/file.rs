//! The keys of a feature file, and its sections.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use trueline_dataset::Format;
use trueline_dataset::suggest::did_you_mean;
use trueline_declaration::keys;
use trueline_declaration::source::{Problem, Report, Source};
use trueline_declaration::values::Value;
use trueline_table::DataType;

use super::About;
use super::aggregate::AggregateTable;

/// A `[entity.<name>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct EntityKeys {
    pub(super) keys: BTreeMap<Spanned<String>, Spanned<DataType>>,
    description: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// A `[source.<name>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct SourceKeys {
    pub(super) path: Option<Spanned<Paths>>,
    pub(super) format: Option<Format>,
    #[serde(rename = "where")]
    pub(super) condition: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) columns: BTreeMap<Spanned<String>, DataType>,
    pub(super) event_time: Option<Spanned<String>>,
    pub(super) created: Option<Spanned<String>>,
    pub(super) stream: Option<StreamKeys>,
    /// Parameters of the stage `expect`; the section has them with their places.
    #[serde(rename = "expect")]
    _expect: Option<IgnoredAny>,
    description: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// The `stream` of a source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct StreamKeys {
    pub(super) redis: Spanned<String>,
    pub(super) key: Spanned<String>,
    pub(super) field: Option<String>,
}

/// A `[view.<name>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ViewKeys {
    pub(super) entity: Spanned<Names>,
    pub(super) source: Spanned<String>,
    /// What the source calls a join key.
    #[serde(default)]
    pub(super) keys: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Without, all that computes it answers.
    pub(super) features: Option<Spanned<FeatureKeys>>,
    pub(super) aggregate: Option<AggregateTable>,
    pub(super) ttl: Option<Spanned<String>>,
    /// What computes its features of the rows of its source.
    #[serde(rename = "use")]
    pub(super) plugin: Option<Spanned<String>>,
    pub(super) package: Option<Spanned<String>>,
    /// Any value; the section has it with its places.
    #[serde(rename = "params")]
    _params: Option<IgnoredAny>,
    description: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// A `[view.<name>]` of other views, of a request, or of both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct DerivedKeys {
    #[serde(default)]
    pub(super) views: Option<Spanned<InputKeys>>,
    /// Columns that a request or a spine has, and their types.
    #[serde(default)]
    pub(super) request: BTreeMap<Spanned<String>, DataType>,
    #[serde(rename = "use")]
    pub(super) plugin: Option<Spanned<String>>,
    pub(super) package: Option<Spanned<String>>,
    #[serde(rename = "params")]
    _params: Option<IgnoredAny>,
    pub(super) features: Option<Spanned<FeatureKeys>>,
    description: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// The `[online]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct OnlineKeys {
    pub(super) store: Spanned<String>,
}

/// A `[service.<name>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ServiceKeys {
    pub(super) features: Vec<Spanned<String>>,
    description: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// One file or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a path or a list of paths")]
pub(super) enum Paths {
    One(String),
    Many(Vec<String>),
}

/// One name or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a name or a list of names")]
pub(super) enum Names {
    One(String),
    Many(Vec<String>),
}

/// Columns under their own names, or under others.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a list of columns, or a table of features to columns"
)]
pub(super) enum FeatureKeys {
    Same(Vec<String>),
    Named(BTreeMap<String, String>),
}

/// Features of other views under their own names, or under others.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a list of `view:feature`, or a table of names to `view:feature`"
)]
pub(super) enum InputKeys {
    Same(Vec<String>),
    Named(BTreeMap<String, String>),
}

macro_rules! about {
    ($($keys:ty),*) => {$(
        impl $keys {
            pub(super) fn about(&self) -> About {
                About {
                    description: self.description.clone(),
                    owner: self.owner.clone(),
                    tags: self.tags.clone(),
                }
            }
        }
    )*};
}
about!(EntityKeys, SourceKeys, ViewKeys, DerivedKeys, ServiceKeys);

/// A named section and its keys; none if they were wrong, which is reported.
#[derive(Debug)]
pub(super) struct Section<'t, K> {
    pub(super) name: String,
    pub(super) keys: Option<K>,
    pub(super) value: Value<'t>,
}

/// All sections, each kind in the order of the file.
#[derive(Debug)]
pub(super) struct File<'t> {
    pub(super) entities: Vec<Section<'t, EntityKeys>>,
    pub(super) sources: Vec<Section<'t, SourceKeys>>,
    pub(super) views: Vec<Section<'t, ViewKeys>>,
    pub(super) derived: Vec<Section<'t, DerivedKeys>>,
    pub(super) services: Vec<Section<'t, ServiceKeys>>,
    pub(super) online: Option<OnlineKeys>,
}

const KINDS: [&str; 5] = ["entity", "source", "view", "service", "online"];

impl<'t> File<'t> {
    /// None if the text is not TOML: what else is wrong could not be told apart from that.
    pub(super) fn read(source: &'t Source, report: &mut Report<'_>) -> Option<Self> {
        let document = source.document(report)?;
        for (key, _) in &document {
            if !KINDS.contains(&key.get_ref().as_ref()) {
                let hint = did_you_mean(key.get_ref(), KINDS).unwrap_or_else(|| {
                    "the sections are [entity.<name>], [source.<name>], [view.<name>], [service.<name>] and [online]"
                        .to_owned()
                });
                let problem =
                    Problem::new(key.span(), format!("unknown section `{}`", key.get_ref()));
                report.add(problem.hint(hint));
            }
        }
        Some(Self {
            entities: sections(&document, "entity", |_| true, report),
            sources: sections(&document, "source", |_| true, report),
            views: sections(&document, "view", |view| !is_derived(view), report),
            derived: sections(&document, "view", is_derived, report),
            services: sections(&document, "service", |_| true, report),
            online: document
                .get("online")
                .and_then(|section| keys::read(section, "the online store", report)),
        })
    }

    /// The names of all views.
    pub(super) fn view_names(&self) -> impl Iterator<Item = &str> + Clone {
        let views = self.views.iter().map(|view| view.name.as_str());
        views.chain(self.derived.iter().map(|view| view.name.as_str()))
    }
}

/// Whether a view is of other views or of a request, and not of a source.
fn is_derived(view: &DeValue<'_>) -> bool {
    view.get("views").is_some() || view.get("request").is_some()
}

fn sections<'t, K: serde::de::DeserializeOwned>(
    document: &DeTable<'t>,
    kind: &str,
    is_meant: impl Fn(&DeValue<'t>) -> bool,
    report: &mut Report<'_>,
) -> Vec<Section<'t, K>> {
    let Some(all) = document.get(kind) else {
        return Vec::new();
    };
    let hint = format!("write [{kind}.<name>] on a line of its own");
    let DeValue::Table(table) = all.get_ref() else {
        report.add(Problem::new(all.span(), format!("`{kind}` is not a table")).hint(hint));
        return Vec::new();
    };
    let mut sections = Vec::new();
    for (key, value) in table.iter().filter(|(_, value)| is_meant(value.get_ref())) {
        let name = key.get_ref().to_string();
        if !value.get_ref().is_table() {
            let problem = Problem::new(key.span(), format!("{kind} `{name}` is not a table"));
            report.add(problem.hint(hint.as_str()));
        } else if !is_name(&name) {
            let problem = Problem::new(key.span(), format!("`{name}` is not a name"));
            report.add(
                problem
                    .hint("names are of letters, digits and single `_`, and begin with a letter"),
            );
        } else {
            let keys = keys::read(value, &format!("{kind} `{name}`"), report);
            sections.push(Section {
                name,
                keys,
                value: value.clone(),
            });
        }
    }
    sections.sort_by_key(|section| section.value.span().start);
    sections
}

/// Two underscores stand between a view and its feature in a full name.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
        && !text.contains("__")
}
