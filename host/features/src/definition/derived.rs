//! Views of other views, of requests, or of both: their features are what a component answers for values that
//! were read as of the same instant, and for columns that a request or a spine brings. Nothing of them is
//! stored. They may be made of each other, in one direction.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::Spanned;
use trueline_declaration::values::locate;
use trueline_runtime::Manifest;
use trueline_table::{DataType, Digest, Field, Schema};

use super::check::{Checked, named_features};
use super::file::{DerivedKeys, File, InputKeys, Section};
use super::transform::{self, TransformKeys};
use super::{Column, Feature, Kind, View, version};

/// A view whose features are computed when they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DerivedView {
    pub name: String,
    /// The features that it is made of, in the order of the file.
    pub inputs: Vec<DerivedInput>,
    /// What a request or a spine has to bring, in the order of the names.
    pub request: Vec<Column>,
    /// What computes it, one row each.
    pub transform: Manifest,
    pub features: Vec<Feature>,
}

/// A feature of one version of another view, and what the component calls it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DerivedInput {
    pub name: String,
    pub view: String,
    pub version: Digest,
    pub feature: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
}

/// A view of a source or of other views.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyView {
    Source(View),
    Derived(DerivedView),
}

impl DerivedView {
    /// Names what it means.
    pub fn version(&self) -> Digest {
        version(self)
    }

    /// The columns that its component gets.
    pub fn rows(&self) -> Schema {
        let inputs = self.inputs.iter();
        let inputs = inputs.map(|input| Field::new(&input.name, input.data_type));
        let request = self.request.iter();
        let request = request.map(|column| Field::new(&column.name, column.data_type));
        Schema::new(inputs.chain(request))
    }
}

impl AnyView {
    pub fn name(&self) -> &str {
        match self {
            Self::Source(view) => &view.name,
            Self::Derived(view) => &view.name,
        }
    }

    pub fn features(&self) -> &[Feature] {
        match self {
            Self::Source(view) => &view.features,
            Self::Derived(view) => &view.features,
        }
    }

    /// Names what it means.
    pub fn version(&self) -> Digest {
        match self {
            Self::Source(view) => view.version(),
            Self::Derived(view) => view.version(),
        }
    }
}

/// What a view calls its inputs, and the references: `view:feature`, or in a list `view` for all features.
fn references(keys: &DerivedKeys) -> Vec<(Option<&str>, &str)> {
    match keys.views.as_ref().map(Spanned::get_ref) {
        None => Vec::new(),
        Some(InputKeys::Same(references)) => references
            .iter()
            .map(|reference| (None, reference.as_str()))
            .collect(),
        Some(InputKeys::Named(references)) => references
            .iter()
            .map(|(name, reference)| (Some(name.as_str()), reference.as_str()))
            .collect(),
    }
}

fn view_of(reference: &str) -> &str {
    reference
        .split_once(':')
        .map_or(reference, |(view, _)| view)
}

type Derived<'f, 't> = (&'f Section<'t, DerivedKeys>, &'f DerivedKeys);

impl Checked<'_, '_> {
    /// Checks all views of views, each after those that it is made of.
    pub(super) fn derived(&mut self, file: &File<'_>) {
        let sections = file.derived.iter();
        let mut waiting: Vec<Derived<'_, '_>> = sections
            .filter_map(|section| Some((section, section.keys.as_ref()?)))
            .collect();
        while !waiting.is_empty() {
            let names: BTreeSet<&str> = waiting.iter().map(|(one, _)| one.name.as_str()).collect();
            let is_ready = |(_, keys): &Derived<'_, '_>| {
                let mut views = references(keys).into_iter().map(|(_, one)| view_of(one));
                views.all(|view| !names.contains(view))
            };
            let Some(ready) = waiting.iter().position(is_ready) else {
                self.cycle(&waiting);
                return;
            };
            let (section, keys) = waiting.remove(ready);
            self.derived_view(section, keys, file);
        }
    }

    /// Tells a way round, of views that all wait for one another.
    fn cycle(&mut self, waiting: &[Derived<'_, '_>]) {
        let by_name: BTreeMap<&str, &Derived<'_, '_>> = waiting
            .iter()
            .map(|one| (one.0.name.as_str(), one))
            .collect();
        let mut way: Vec<&str> = Vec::new();
        let mut next = waiting.first().map(|(section, _)| section.name.as_str());
        while let Some(name) = next {
            if let Some(start) = way.iter().position(|known| *known == name) {
                way.drain(..start);
                way.push(name);
                break;
            }
            way.push(name);
            let keys = by_name.get(name).map(|(_, keys)| references(keys));
            let mut views = keys.into_iter().flatten().map(|(_, one)| view_of(one));
            next = views.find(|view| by_name.contains_key(view));
        }
        let (Some(first), Some(then)) = (way.first(), way.get(1)) else {
            return;
        };
        if let Some((section, keys)) = by_name.get(first) {
            let mut all = references(keys).into_iter().map(|(_, one)| one);
            let reference = all.find(|one| view_of(one) == *then).unwrap_or(*then);
            let span = locate(&section.value, "views", &format!("`{reference}`"));
            let message = format!("view `{first}` is made of itself: {}", way.join(" → "));
            self.wrong(
                span,
                message,
                "take one of these out of the other's `views`",
            );
        }
    }

    fn derived_view(
        &mut self,
        section: &Section<'_, DerivedKeys>,
        keys: &DerivedKeys,
        file: &File<'_>,
    ) {
        let name = &section.name;
        let Some(inputs) = self.inputs(section, keys, file) else {
            return;
        };
        if inputs.is_empty() && keys.request.is_empty() {
            let message = format!("view `{name}` is made of nothing");
            let hint = "name features with `views`, or columns of a request with `request`";
            self.wrong(section.value.span(), message, hint);
            return;
        }
        let mut view = DerivedView {
            name: name.clone(),
            inputs,
            request: Vec::new(),
            transform: Manifest::new(Vec::new()),
            features: Vec::new(),
        };
        for (column, data_type) in &keys.request {
            if view
                .inputs
                .iter()
                .any(|input| &input.name == column.get_ref())
            {
                let message = format!("view `{name}` gets two columns `{}`", column.get_ref());
                self.wrong(column.span(), message, RENAME);
                return;
            }
            view.request.push(Column {
                name: column.get_ref().clone(),
                data_type: *data_type,
            });
        }
        let transform = TransformKeys {
            plugin: keys.plugin.as_ref(),
            package: keys.package.as_ref(),
        };
        let place = (self.tools, self.folder);
        let parts = &mut self.definitions.parts;
        let checked = transform::check(name, transform, &section.value, &view.rows(), place, parts);
        let Some(manifest) = self.report.ok(checked) else {
            return;
        };
        let mut seen = BTreeSet::new();
        for (feature, column) in named_features(keys.features.as_ref(), Some(&manifest)) {
            let span = locate(&section.value, "features", &format!("`{column}`"));
            let Some(field) = manifest.output.field(&column) else {
                let names: Vec<_> = manifest.output.names().collect();
                let message = format!("view `{name}`: its component does not answer `{column}`");
                self.unknown(span, message, &column, names, "it answers");
                continue;
            };
            if !seen.insert(feature.clone()) {
                let message = format!("view `{name}` has two features `{feature}`");
                self.wrong(span, message, "take one of them out");
                continue;
            }
            view.features.push(Feature {
                name: feature,
                data_type: field.data_type,
                column,
            });
        }
        view.transform = manifest;
        self.definitions.derived.insert(name.clone(), view);
        self.about(Kind::View, name, keys.about());
    }

    /// The features that a view is made of; none if one of them is wrong.
    fn inputs(
        &mut self,
        section: &Section<'_, DerivedKeys>,
        keys: &DerivedKeys,
        file: &File<'_>,
    ) -> Option<Vec<DerivedInput>> {
        let name = &section.name;
        let mut inputs: Vec<DerivedInput> = Vec::new();
        let mut is_whole = true;
        for (renamed, reference) in references(keys) {
            let span = locate(&section.value, "views", &format!("`{reference}`"));
            let view_name = view_of(reference);
            let wanted = reference.split_once(':').map(|(_, feature)| feature);
            let Some(view) = self.definitions.view(view_name) else {
                // A view that is wrong is reported where it stands.
                if file.view_names().all(|known| known != view_name) {
                    let names: Vec<_> = file.view_names().filter(|known| known != name).collect();
                    let message =
                        format!("view `{name}` is made of `{view_name}`, which is no view");
                    self.unknown(span, message, view_name, names, "the views are");
                }
                is_whole = false;
                continue;
            };
            if let (Some(_), None) = (renamed, wanted) {
                let message = format!("view `{name}`: `{reference}` does not say which feature");
                self.wrong(span, message, "write `view:feature`");
                is_whole = false;
                continue;
            }
            let names = || view.features().iter().map(|feature| feature.name.as_str());
            if let Some(wanted) = wanted
                && names().all(|known| known != wanted)
            {
                let message = format!(
                    "view `{name}` is made of feature `{wanted}`, which view `{view_name}` does not define"
                );
                let names: Vec<_> = names().collect();
                self.unknown(span, message, wanted, names, "its features are");
                is_whole = false;
                continue;
            }
            let chosen = view.features().iter();
            for feature in chosen.filter(|one| wanted.is_none_or(|wanted| wanted == one.name)) {
                let input = renamed.unwrap_or(&feature.name);
                if inputs.iter().any(|other| other.name == input) {
                    let message = format!("view `{name}` gets two columns `{input}`");
                    self.wrong(span.clone(), message, RENAME);
                    is_whole = false;
                    continue;
                }
                inputs.push(DerivedInput {
                    name: input.to_owned(),
                    view: view_name.to_owned(),
                    version: view.version(),
                    feature: feature.name.clone(),
                    data_type: feature.data_type,
                });
            }
        }
        is_whole.then_some(inputs)
    }
}

const RENAME: &str = "give them other names: views = { name = \"view:feature\" }";
