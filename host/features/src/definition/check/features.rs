//! The features of a view: columns of its source, or of what computes it.

use std::collections::BTreeSet;

use toml::Spanned;
use trueline_declaration::values::locate;
use trueline_runtime::Manifest;
use trueline_table::Schema;

use super::Checked;
use crate::definition::file::{FeatureKeys, Section, ViewKeys};
use crate::definition::transform::{self, TransformKeys};
use crate::definition::{Feature, JoinKey, Source};

impl Checked<'_, '_> {
    /// The features of a view that are columns of its source, or of what computes it.
    pub(super) fn features(
        &mut self,
        section: &Section<'_, ViewKeys>,
        (named, transform): (Option<&Spanned<FeatureKeys>>, Option<&Manifest>),
        join_keys: &[JoinKey],
        (source, schema): (&Source, &Schema),
    ) -> Vec<Feature> {
        let name = &section.name;
        let chosen = named_features(named, transform);
        if chosen.is_empty() {
            let message = format!("view `{name}` has no features");
            let span = named.map_or_else(|| section.value.span(), Spanned::span);
            self.wrong(span, message, "list columns of its source");
        }
        let mut features = Vec::new();
        let mut seen = BTreeSet::new();
        for (feature, column) in chosen {
            let span = locate(&section.value, "features", &format!("`{column}`"));
            if !seen.insert(feature.clone()) {
                let message = format!("view `{name}` has two features `{feature}`");
                self.wrong(span, message, "take one of them out");
                continue;
            }
            if join_keys.iter().any(|key| key.name == feature) {
                let message = format!("view `{name}`: `{feature}` is a join key and a feature");
                self.wrong(
                    span,
                    message,
                    "join keys are in every answer: take the feature out",
                );
                continue;
            }
            let owner = format!("view `{name}`, feature `{feature}`");
            if let Some(data_type) = self.column(&owner, &column, &source.name, schema, &span) {
                features.push(Feature {
                    name: feature,
                    data_type,
                    column,
                });
            }
        }
        features
    }

    /// What computes a view, and the columns that there are then; none if it is wrong.
    pub(super) fn computed(
        &mut self,
        section: &Section<'_, ViewKeys>,
        keys: &ViewKeys,
        mut schema: Schema,
    ) -> Option<(Option<Manifest>, Schema)> {
        let transform = TransformKeys {
            plugin: keys.plugin.as_ref(),
            package: keys.package.as_ref(),
        };
        let has_params = section.value.get_ref().get("params").is_some();
        if transform.plugin.is_none() && transform.package.is_none() && !has_params {
            return Some((None, schema));
        }
        let place = (self.tools, self.folder);
        let parts = &mut self.definitions.parts;
        let checked = transform::check(
            &section.name,
            transform,
            &section.value,
            &schema,
            place,
            parts,
        );
        let manifest = self.report.ok(checked)?;
        for field in &manifest.output.fields {
            match schema.index_of(&field.name) {
                Some(index) => schema.fields[index] = field.clone(),
                None => schema.fields.push(field.clone()),
            }
        }
        Some((Some(manifest), schema))
    }
}

/// The features of a view with their columns: those that are listed, else all that computes it answers.
pub(in crate::definition) fn named_features(
    keys: Option<&Spanned<FeatureKeys>>,
    transform: Option<&Manifest>,
) -> Vec<(String, String)> {
    match keys.map(Spanned::get_ref) {
        Some(FeatureKeys::Same(columns)) => columns
            .iter()
            .map(|name| (name.clone(), name.clone()))
            .collect(),
        Some(FeatureKeys::Named(features)) => features
            .iter()
            .map(|(feature, column)| (feature.clone(), column.clone()))
            .collect(),
        None => {
            let outputs = transform
                .into_iter()
                .flat_map(|manifest| manifest.output.names());
            outputs
                .map(|name| (name.to_owned(), name.to_owned()))
                .collect()
        }
    }
}
