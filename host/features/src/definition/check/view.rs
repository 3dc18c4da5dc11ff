//! Views of sources: join keys, times to live, versions.

use std::collections::BTreeMap;

use toml::Spanned;
use trueline_declaration::source::Span;
use trueline_table::{DataType, Schema};

use super::{Checked, same_key_type};
use crate::definition::file::{File, Names, Section, ViewKeys};
use crate::definition::{JoinKey, Kind, View};
use crate::duration;

impl Checked<'_, '_> {
    pub(super) fn view(&mut self, section: &Section<'_, ViewKeys>, file: &File<'_>) {
        let Some(keys) = &section.keys else { return };
        let name = &section.name;
        let join_types = self.join_types(name, &keys.entity, file);
        let source_name = keys.source.get_ref();
        let Some(source) = self.definitions.sources.get(source_name).cloned() else {
            // A source that is wrong is reported where it stands.
            if file
                .sources
                .iter()
                .all(|source| &source.name != source_name)
            {
                let names: Vec<_> = file.sources.iter().map(|one| one.name.as_str()).collect();
                let message = format!("view `{name}` reads `{source_name}`, which is no source");
                self.unknown(
                    keys.source.span(),
                    message,
                    source_name,
                    names,
                    "the sources are",
                );
            }
            return;
        };
        let Some(join_types) = join_types else { return };
        let schema = source.schema();
        for (key, column) in &keys.keys {
            if !join_types.contains_key(key.get_ref()) {
                let names: Vec<_> = join_types.keys().map(String::as_str).collect();
                let message = format!("view `{name}` has no join key `{}`", key.get_ref());
                self.unknown(
                    column.span(),
                    message,
                    key.get_ref(),
                    names,
                    "its join keys are",
                );
            }
        }
        let mut join_keys = Vec::new();
        for (key, data_type) in join_types {
            let renamed = keys
                .keys
                .iter()
                .find(|(renamed, _)| renamed.get_ref() == &key);
            let (column, span) = match renamed {
                Some((_, column)) => (column.get_ref().clone(), column.span()),
                None => (key.clone(), keys.entity.span()),
            };
            let owner = format!("view `{name}`, join key `{key}`");
            if let Some(found) = self.column(&owner, &column, &source.name, &schema, &span)
                && !same_key_type(found, data_type)
            {
                let message = format!(
                    "{owner}: column `{column}` of source `{}` is {found}, the entity's key is {data_type}",
                    source.name
                );
                self.wrong(span, message, "make the two types equal");
            }
            join_keys.push(JoinKey {
                name: key,
                data_type,
                column,
            });
        }
        let Some((transform, schema)) = self.computed(section, keys, schema) else {
            return;
        };
        let (features, aggregates) = match (&keys.features, &keys.aggregate) {
            (_, Some(_)) if transform.is_some() => {
                let message =
                    format!("view `{name}` is computed by a component, and has aggregates");
                let hint = "define a view of the rows, and one of the aggregates";
                self.wrong(section.value.span(), message, hint);
                return;
            }
            (Some(named), None) => {
                let named = (Some(named), transform.as_ref());
                let features = self.features(section, named, &join_keys, (&source, &schema));
                (features, None)
            }
            (None, None) if transform.is_some() => {
                let named = (None, transform.as_ref());
                let features = self.features(section, named, &join_keys, (&source, &schema));
                (features, None)
            }
            (None, Some(table)) if !table.is_empty() => {
                if let Some(ttl) = &keys.ttl {
                    let message = format!("view `{name}` has aggregates and a ttl");
                    let hint = "take the ttl out: a window says how old a row may be";
                    self.wrong(ttl.span(), message, hint);
                }
                let (features, aggregates) = self.aggregates(name, table, &join_keys, &source);
                (features, Some(aggregates))
            }
            (Some(named), Some(_)) => {
                let message = format!("view `{name}` has columns and aggregates as features");
                let hint = "define a view of the columns, and one of the aggregates";
                self.wrong(named.span(), message, hint);
                return;
            }
            (None, _) => {
                let message = format!("view `{name}` has no features");
                let hint = format!(
                    "list columns of its source, features = [\"...\"], or write [view.{name}.aggregate]"
                );
                self.wrong(section.value.span(), message, hint);
                return;
            }
        };
        let ttl_us = keys.ttl.as_ref().and_then(|ttl| {
            let parsed = duration::parse(ttl.get_ref());
            if parsed.is_none() {
                let message = format!("view `{name}`: `{}` is not a duration", ttl.get_ref());
                self.wrong(ttl.span(), message, duration::HINT);
            }
            parsed
        });
        let view = View {
            name: name.clone(),
            entities: names_of(keys.entity.get_ref()).to_vec(),
            keys: join_keys,
            source: source.name,
            event_time: source.event_time,
            created: source.created,
            features,
            aggregates,
            ttl_us,
            transform,
        };
        self.definitions.views.insert(name.clone(), view);
        self.about(Kind::View, name, keys.about());
    }

    /// The join keys of a view's entities; none if one of them is unknown or wrong.
    fn join_types(
        &mut self,
        view: &str,
        entities: &Spanned<Names>,
        file: &File<'_>,
    ) -> Option<BTreeMap<String, DataType>> {
        let mut types = BTreeMap::new();
        let mut is_whole = true;
        for entity in names_of(entities.get_ref()) {
            match self.definitions.entities.get(entity) {
                Some(entity) => types.extend(entity.keys.clone()),
                None => {
                    is_whole = false;
                    if file.entities.iter().all(|known| &known.name != entity) {
                        let names: Vec<_> =
                            file.entities.iter().map(|one| one.name.as_str()).collect();
                        let message = format!("view `{view}` is of `{entity}`, which is no entity");
                        self.unknown(entities.span(), message, entity, names, "the entities are");
                    }
                }
            }
        }
        is_whole.then_some(types)
    }

    pub(super) fn column(
        &mut self,
        owner: &str,
        column: &str,
        source: &str,
        schema: &Schema,
        span: &Span,
    ) -> Option<DataType> {
        let found = schema.field(column).map(|field| field.data_type);
        if found.is_none() {
            let names: Vec<_> = schema.names().collect();
            let message = format!("{owner}: source `{source}` has no column `{column}`");
            self.unknown(span.clone(), message, column, names, "its columns are");
        }
        found
    }
}

fn names_of(names: &Names) -> &[String] {
    match names {
        Names::One(name) => std::slice::from_ref(name),
        Names::Many(names) => names,
    }
}
