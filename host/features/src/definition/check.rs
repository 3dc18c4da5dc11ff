//! From a feature file to definitions that cannot be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_dataset::{Catalog, Dataset};
use trueline_declaration::Diagnostics;
use trueline_declaration::source::{Problem, Report, Source as Text, Span};
use trueline_declaration::values::locate;
use trueline_runtime::Manifest;
use trueline_table::{DataType, Field, Schema};

use super::file::{
    EntityKeys, FeatureKeys, File, Names, Paths, Section, ServiceKeys, SourceKeys, ViewKeys,
};
use super::transform::{self, Tools, TransformKeys};
use super::{
    Column, Definitions, Entity, Feature, JoinKey, Kind, Load, Service, ServiceFeature, Source,
    View,
};
use crate::online::{Address, PASSWORD_VARIABLE};
use crate::{duration, times};

/// [`check_with`] components by path only.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(path: &Path) -> Result<Definitions, Diagnostics> {
    let tools = Tools {
        plugins: &transform::Paths,
        runtime: &transform::fresh_runtime,
    };
    check_with(path, &tools)
}

/// Reads a feature file, opens the files of its sources, asks what computes features what it answers, and
/// checks every name and type.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check_with(path: &Path, tools: &Tools<'_>) -> Result<Definitions, Diagnostics> {
    let text = Text::read(path, "feature file")?;
    let mut report = Report::new(&text);
    let Some(file) = File::read(&text, &mut report) else {
        return Err(report.into_diagnostics());
    };
    let mut checked = Checked {
        report: &mut report,
        definitions: Definitions::default(),
        tools,
        folder: text.folder(),
    };
    for section in &file.entities {
        checked.entity(section);
    }
    for section in &file.sources {
        checked.source(section, text.folder());
    }
    for section in &file.views {
        checked.view(section, &file);
    }
    checked.derived(&file);
    for section in &file.services {
        checked.service(section, &file);
    }
    checked.online(&file);
    let definitions = checked.definitions;
    if report.is_empty() {
        Ok(definitions)
    } else {
        Err(report.into_diagnostics())
    }
}

pub(super) struct Checked<'r, 's> {
    pub(super) report: &'r mut Report<'s>,
    pub(super) definitions: Definitions,
    pub(super) tools: &'r Tools<'r>,
    pub(super) folder: &'r Path,
}

impl Checked<'_, '_> {
    pub(super) fn wrong(&mut self, span: Span, message: String, hint: impl Into<String>) {
        self.report.add(Problem::new(span, message).hint(hint));
    }

    /// The hint for a name that is none of those that exist.
    pub(super) fn unknown<'n>(
        &mut self,
        span: Span,
        message: String,
        name: &str,
        names: impl IntoIterator<Item = &'n str> + Clone,
        whose: &str,
    ) {
        let hint = did_you_mean(name, names.clone())
            .unwrap_or_else(|| format!("{whose} {}", list_some(names)));
        self.wrong(span, message, hint);
    }

    fn entity(&mut self, section: &Section<'_, EntityKeys>) {
        let Some(keys) = &section.keys else { return };
        let name = &section.name;
        if keys.keys.is_empty() {
            let span = section.value.span();
            let message = format!("entity `{name}` has no key");
            self.wrong(
                span,
                message,
                "name what identifies one: keys = { user_id = \"int64\" }",
            );
        }
        for (key, data_type) in &keys.keys {
            if !is_key_type(*data_type.get_ref()) {
                let message = format!(
                    "entity `{name}`: `{}` cannot be a key, as it is {}",
                    key.get_ref(),
                    data_type.get_ref()
                );
                let hint = "keys are boolean, int32, int64, utf8, binary, timestamp or date: equal keys must have equal bytes";
                self.wrong(data_type.span(), message, hint);
            }
        }
        let types = keys
            .keys
            .iter()
            .map(|(key, data_type)| (key.get_ref().clone(), *data_type.get_ref()));
        let entity = Entity {
            name: name.clone(),
            keys: types.collect(),
        };
        self.definitions.entities.insert(name.clone(), entity);
        self.about(Kind::Entity, name, keys.about());
    }

    fn online(&mut self, file: &File<'_>) {
        let Some(keys) = &file.online else { return };
        let store = &keys.store;
        match Address::parse(store.get_ref()) {
            // Definitions are kept, and shown to whoever asks.
            Ok(address) if address.has_password() => self.wrong(
                store.span(),
                "the address of the online store has a password in it".to_owned(),
                format!("leave it out, and set {PASSWORD_VARIABLE} in the environment"),
            ),
            Ok(_) => self.definitions.online = Some(store.get_ref().clone()),
            Err(error) => {
                let hint = error.hint().unwrap_or_default().to_owned();
                self.wrong(store.span(), error.to_string(), hint);
            }
        }
    }

    pub(super) fn about(&mut self, kind: Kind, name: &str, about: super::About) {
        let about_kind = self.definitions.about.entry(kind).or_default();
        about_kind.insert(name.to_owned(), about);
    }

    fn source(&mut self, section: &Section<'_, SourceKeys>, folder: &Path) {
        let Some(keys) = &section.keys else { return };
        let name = &section.name;
        let types: BTreeMap<String, DataType> = keys
            .columns
            .iter()
            .map(|(column, data_type)| (column.get_ref().clone(), *data_type))
            .collect();
        let (schema, load) = match &keys.path {
            Some(path) => {
                let load = Load {
                    path: match path.get_ref() {
                        Paths::One(path) => vec![path.clone()],
                        Paths::Many(paths) => paths.clone(),
                    },
                    format: keys.format,
                    condition: keys.condition.as_ref().map(|text| text.get_ref().clone()),
                    types,
                };
                match open(name, &load, folder) {
                    Ok(dataset) => (dataset.schema().clone(), Some(load)),
                    Err(error) => {
                        let problem = dataset_problem(section, path, &error);
                        self.report.add(problem);
                        return;
                    }
                }
            }
            None if types.is_empty() => {
                let message = format!("source `{name}` has neither files nor columns");
                let hint = "name its files with `path`, or, if rows are pushed, `columns = { … }` with their types";
                self.wrong(section.value.span(), message, hint);
                return;
            }
            None => {
                let fields = types.iter().map(|(name, kind)| Field::new(name, *kind));
                (Schema::new(fields), None)
            }
        };
        for column in schema.names().filter(|column| column.starts_with("__")) {
            let message = format!("source `{name}` has a column `{column}`");
            let hint =
                "names that begin with two underscores are the store's own: rename the column";
            self.wrong(section.value.span(), message, hint);
        }
        if let Some(event_time) = &keys.event_time {
            self.event_time(name, event_time, &schema);
        }
        if let Some(created) = &keys.created {
            self.time_column(name, created, &schema);
        }
        let columns = schema.fields.iter().map(|field| Column {
            name: field.name.clone(),
            data_type: field.data_type,
        });
        let source = Source {
            name: name.clone(),
            columns: columns.collect(),
            event_time: keys.event_time.as_ref().map(|time| time.get_ref().clone()),
            created: keys.created.as_ref().map(|column| column.get_ref().clone()),
            load,
        };
        self.definitions.sources.insert(name.clone(), source);
        self.about(Kind::Source, name, keys.about());
    }

    /// A column, or an expression that is a time.
    fn event_time(&mut self, source: &str, event_time: &Spanned<String>, schema: &Schema) {
        let text = event_time.get_ref();
        if schema.field(text).is_some() || times::is_name(text) {
            self.time_column(source, event_time, schema);
        } else if let Err((problem, hint)) = times::check(text, schema) {
            let message = format!("source `{source}`, event time: {problem}");
            self.wrong(event_time.span(), message, hint);
        }
    }

    fn time_column(&mut self, source: &str, column: &Spanned<String>, schema: &Schema) {
        match schema.field(column.get_ref()) {
            None => {
                let message = format!("source `{source}` has no column `{}`", column.get_ref());
                self.unknown(
                    column.span(),
                    message,
                    column.get_ref(),
                    schema.names().collect::<Vec<_>>(),
                    "its columns are",
                );
            }
            Some(field) if !matches!(field.data_type, DataType::Timestamp | DataType::Date) => {
                let message = format!(
                    "source `{source}`: `{}` is {}, not a time",
                    field.name, field.data_type
                );
                let hint = format!("declare it: columns = {{ {} = \"timestamp\" }}", field.name);
                self.wrong(column.span(), message, hint);
            }
            Some(_) => {}
        }
    }

    fn view(&mut self, section: &Section<'_, ViewKeys>, file: &File<'_>) {
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

    /// The features of a view that are columns of its source, or of what computes it.
    fn features(
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
    fn computed(
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

    fn column(
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

    fn service(&mut self, section: &Section<'_, ServiceKeys>, file: &File<'_>) {
        let Some(keys) = &section.keys else { return };
        let name = &section.name;
        let mut features: Vec<ServiceFeature> = Vec::new();
        for entry in &keys.features {
            let text = entry.get_ref();
            let (view_name, wanted) = match text.split_once(':') {
                Some((view, feature)) => (view, Some(feature)),
                None => (text.as_str(), None),
            };
            let Some(view) = self.definitions.view(view_name) else {
                if file.view_names().all(|name| name != view_name) {
                    let names: Vec<_> = file.view_names().collect();
                    let message =
                        format!("service `{name}` reads `{view_name}`, which is no feature view");
                    self.unknown(entry.span(), message, view_name, names, "the views are");
                }
                continue;
            };
            let version = view.version();
            let chosen: Vec<_> = view
                .features()
                .iter()
                .filter(|feature| wanted.is_none_or(|wanted| feature.name == wanted))
                .collect();
            if let (Some(wanted), true) = (wanted, chosen.is_empty()) {
                let names: Vec<_> = view
                    .features()
                    .iter()
                    .map(|one| one.name.as_str())
                    .collect();
                let message = format!(
                    "service `{name}` reads feature `{wanted}`, which view `{view_name}` does not define"
                );
                self.unknown(entry.span(), message, wanted, names, "its features are");
            }
            for feature in chosen {
                let taken = features
                    .iter()
                    .any(|other| other.view == view_name && other.feature == feature.name);
                if taken {
                    let message =
                        format!("service `{name}` has `{view_name}:{}` twice", feature.name);
                    self.wrong(entry.span(), message, "take one of them out");
                    continue;
                }
                features.push(ServiceFeature {
                    view: view_name.to_owned(),
                    version,
                    feature: feature.name.clone(),
                    data_type: feature.data_type,
                });
            }
        }
        if keys.features.is_empty() {
            let message = format!("service `{name}` has no features");
            self.wrong(
                section.value.span(),
                message,
                "list views, or features as `view:feature`",
            );
        }
        let service = Service {
            name: name.clone(),
            features,
        };
        self.definitions.services.insert(name.clone(), service);
        self.about(Kind::Service, name, keys.about());
    }
}

/// The features of a view with their columns: those that are listed, else all that computes it answers.
pub(super) fn named_features(
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

/// Opens the files of a source.
pub(crate) fn open(name: &str, load: &Load, folder: &Path) -> trueline_dataset::Result<Dataset> {
    let spec = load.dataset(load.path.clone());
    let catalog = Catalog::new(folder, BTreeMap::from([(name.to_owned(), spec)]));
    catalog.open(name)
}

/// What is wrong with a source's files, at the key that it is about.
fn dataset_problem(
    section: &Section<'_, SourceKeys>,
    path: &Spanned<Paths>,
    error: &trueline_dataset::Error,
) -> Problem {
    use trueline_dataset::Error;
    let (span, problem) = match error {
        Error::Spec { key, problem, .. } => {
            // What a dataset calls types, a source calls columns.
            let key = if key == "types" { "columns" } else { key };
            (locate(&section.value, key, problem), problem.clone())
        }
        Error::Expression { key, source, .. } => {
            (locate(&section.value, key, ""), source.to_string())
        }
        Error::File {
            path: file,
            problem,
            ..
        } => (path.span(), format!("{}: {problem}", file.display())),
        other => (path.span(), other.to_string()),
    };
    let problem = Problem::new(span, format!("source `{}`: {problem}", section.name));
    match error.hint() {
        Some(hint) => problem.hint(hint.replace("pipeline file", "feature file")),
        None => problem,
    }
}

fn names_of(names: &Names) -> &[String] {
    match names {
        Names::One(name) => std::slice::from_ref(name),
        Names::Many(names) => names,
    }
}

/// Types whose equal values have equal bytes, and that people identify things by.
fn is_key_type(data_type: DataType) -> bool {
    use DataType::{Binary, Boolean, Date, Int32, Int64, Timestamp, Utf8};
    matches!(
        data_type,
        Boolean | Int32 | Int64 | Utf8 | Binary | Timestamp | Date
    )
}

/// Whether a column can be matched with a key: whole numbers of both widths can.
pub(crate) fn same_key_type(column: DataType, key: DataType) -> bool {
    let is_whole = |data_type| matches!(data_type, DataType::Int32 | DataType::Int64);
    column == key || is_whole(column) && is_whole(key)
}
