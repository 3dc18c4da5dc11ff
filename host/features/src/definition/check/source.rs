//! Sources: their files or columns, and their times.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use trueline_dataset::{Catalog, Dataset};
use trueline_declaration::source::Problem;
use trueline_declaration::values::locate;
use trueline_table::{DataType, Field, Schema};

use super::Checked;
use crate::definition::file::{Paths, Section, SourceKeys, StreamKeys};
use crate::definition::{Column, Kind, Load, Source, Stream, expectations};
use crate::online::{Address, STREAM_PASSWORD};
use crate::times;

impl Checked<'_, '_> {
    pub(super) fn source(&mut self, section: &Section<'_, SourceKeys>) {
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
                match open(name, &load, self.folder) {
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
                let hint = "name its files with `path`, or, if rows are pushed or come from a stream, `columns = { … }` with their types";
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
        let stream = keys
            .stream
            .as_ref()
            .and_then(|keys| self.stream(name, keys));
        let parts = &mut self.definitions.parts;
        let expect = expectations::check(name, &section.value, &schema, self.tools, parts);
        let expect = self.report.ok(expect).flatten();
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
            stream,
            expect,
        };
        self.definitions.sources.insert(name.clone(), source);
        self.about(Kind::Source, name, keys.about());
    }

    fn stream(&mut self, source: &str, keys: &StreamKeys) -> Option<Stream> {
        let redis = &keys.redis;
        match Address::parse(redis.get_ref()) {
            // Definitions are kept, and shown to whoever asks.
            Ok(address) if address.has_password() => {
                let message =
                    format!("source `{source}`: the address of the stream has a password in it");
                let hint = format!("leave it out, and set {STREAM_PASSWORD} in the environment");
                self.wrong(redis.span(), message, hint);
                None
            }
            Ok(_) => Some(Stream {
                redis: redis.get_ref().clone(),
                key: keys.key.get_ref().clone(),
                field: keys.field.clone(),
            }),
            Err(error) => {
                let hint = error.hint().unwrap_or_default().to_owned();
                self.wrong(redis.span(), format!("source `{source}`: {error}"), hint);
                None
            }
        }
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
