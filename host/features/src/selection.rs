//! Which features are asked for, and what their names mean.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use rusqlite::Connection;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_table::{DataType, Digest, Field, Schema};

use crate::definition::{AnyView, Definitions, DerivedView, View};
use crate::registry::{self, Revision};
use crate::transform::{Transforms, predict};
use crate::{Error, Result};

/// The features that are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selection {
    /// Those of a service: `name`, or `name@version` for an old version of it.
    Service(String),
    /// `view:feature` or, for all of its features, `view`.
    Features(Vec<String>),
}

/// What a selection means.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The service's name and version, if it is one.
    pub(crate) service: Option<(String, Digest)>,
    /// Those that rows are kept of.
    pub(crate) views: Vec<ResolvedView>,
    /// Those that are computed of these, each after those that it is made of.
    pub(crate) derived: Vec<ResolvedDerived>,
    /// The features in the order asked for.
    pub(crate) features: Vec<ResolvedFeature>,
    /// Whether it has been read online by this process: whatever computes it is compiled then.
    pub(crate) was_answered: AtomicBool,
}

/// A version of a view.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedView {
    pub(crate) view: View,
    pub(crate) version: Digest,
    /// The features that are asked for, in the order in which they first are.
    pub(crate) wanted: Vec<String>,
    /// Whether it is in force, so that each row that is taken in goes to it at once.
    pub(crate) is_current: bool,
}

/// A version of a view that is computed when it is read.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedDerived {
    pub(crate) view: DerivedView,
    pub(crate) version: Digest,
    /// What it is made of, in the order of its inputs.
    pub(crate) inputs: Vec<ResolvedFeature>,
}

/// A feature of one of the views.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedFeature {
    /// Which of the views: first those of sources, then those that are computed.
    pub(crate) view: usize,
    /// Which of those that are wanted of it.
    pub(crate) wanted: usize,
    /// Which of all that it has.
    pub(crate) column: usize,
    pub(crate) name: String,
    pub(crate) full_name: String,
    pub(crate) data_type: DataType,
}

/// Finds a version of a view that another one, or a service, names.
type Find<'f> = &'f dyn Fn(&str, &Digest) -> Result<AnyView>;

impl Resolved {
    pub(crate) fn new(
        connection: &Connection,
        revision: &Revision,
        selection: &Selection,
    ) -> Result<Self> {
        let definitions = &revision.definitions;
        let find: Find<'_> = &|_, version| registry::view(connection, version);
        let mut resolved = Self::default();
        match selection {
            Selection::Service(name) => {
                let service = registry::service(connection, revision, name)?;
                for feature in &service.features {
                    let view = find(&feature.view, &feature.version)?;
                    resolved.add(view, definitions, &feature.feature, find)?;
                }
                let version = service.version();
                resolved.service = Some((service.name, version));
            }
            Selection::Features(references) => {
                for reference in references {
                    let (name, feature) = match reference.split_once(':') {
                        Some((name, feature)) => (name, Some(feature)),
                        None => (reference.as_str(), None),
                    };
                    let view = definitions.view(name).ok_or_else(|| {
                        registry::unknown("feature view", name, definitions.view_names())
                    })?;
                    let features: Vec<String> = match feature {
                        Some(feature) => vec![feature.to_owned()],
                        None => view.features().iter().map(|one| one.name.clone()).collect(),
                    };
                    for feature in features {
                        resolved.add(view.clone(), definitions, &feature, find)?;
                    }
                }
            }
        }
        resolved.place_derived();
        Ok(resolved)
    }

    /// What a service of these definitions means once they are in force.
    ///
    /// # Errors
    /// If they have no such service.
    pub(crate) fn of_service(definitions: &Definitions, name: &str) -> Result<Self> {
        let services = &definitions.services;
        let service = services.get(name).ok_or_else(|| {
            registry::unknown("feature service", name, services.keys().map(String::as_str))
        })?;
        let find: Find<'_> = &|name, _| {
            let unknown = || registry::unknown("feature view", name, definitions.view_names());
            definitions.view(name).ok_or_else(unknown)
        };
        let mut resolved = Self {
            service: Some((service.name.clone(), service.version())),
            ..Self::default()
        };
        for feature in &service.features {
            let view = find(&feature.view, &feature.version)?;
            resolved.add(view, definitions, &feature.feature, find)?;
        }
        resolved.place_derived();
        Ok(resolved)
    }

    fn add(
        &mut self,
        view: AnyView,
        in_force: &Definitions,
        feature: &str,
        find: Find<'_>,
    ) -> Result<()> {
        let feature = self.feature(view, in_force, feature, find)?;
        self.features.push(feature);
        Ok(())
    }

    /// A feature of a view, which is added with all that it is made of. Until all views are known, those that
    /// are computed are counted from [`DERIVED`].
    fn feature(
        &mut self,
        view: AnyView,
        in_force: &Definitions,
        feature: &str,
        find: Find<'_>,
    ) -> Result<ResolvedFeature> {
        let names = || view.features().iter().map(|feature| feature.name.as_str());
        let Some(column) = names().position(|name| name == feature) else {
            let name = format!("{}:{feature}", view.name());
            return Err(registry::unknown("feature", &name, names()));
        };
        let data_type = view.features()[column].data_type;
        let full_name = format!("{}__{feature}", view.name());
        let (view, wanted) = match view {
            AnyView::Source(view) => self.wanted(view, in_force, feature),
            AnyView::Derived(view) => (DERIVED + self.computed(view, in_force, find)?, column),
        };
        Ok(ResolvedFeature {
            view,
            wanted,
            column,
            name: feature.to_owned(),
            full_name,
            data_type,
        })
    }

    fn wanted(&mut self, view: View, in_force: &Definitions, feature: &str) -> (usize, usize) {
        let version = view.version();
        let index = match self.views.iter().position(|known| known.version == version) {
            Some(index) => index,
            None => {
                let in_force = in_force.views.get(&view.name);
                self.views.push(ResolvedView {
                    is_current: in_force == Some(&view),
                    view,
                    version,
                    wanted: Vec::new(),
                });
                self.views.len() - 1
            }
        };
        let all_wanted = &mut self.views[index].wanted;
        match all_wanted.iter().position(|known| known == feature) {
            Some(wanted) => (index, wanted),
            None => {
                all_wanted.push(feature.to_owned());
                (index, all_wanted.len() - 1)
            }
        }
    }

    fn computed(
        &mut self,
        view: DerivedView,
        in_force: &Definitions,
        find: Find<'_>,
    ) -> Result<usize> {
        let version = view.version();
        if let Some(known) = self
            .derived
            .iter()
            .position(|known| known.version == version)
        {
            return Ok(known);
        }
        let mut inputs = Vec::with_capacity(view.inputs.len());
        for input in &view.inputs {
            let of = find(&input.view, &input.version)?;
            inputs.push(self.feature(of, in_force, &input.feature, find)?);
        }
        self.derived.push(ResolvedDerived {
            view,
            version,
            inputs,
        });
        Ok(self.derived.len() - 1)
    }

    /// Lets the views that are computed stand behind the others.
    fn place_derived(&mut self) {
        let first = self.views.len();
        let inputs = self.derived.iter_mut().flat_map(|view| &mut view.inputs);
        for feature in inputs.chain(&mut self.features) {
            if feature.view >= DERIVED {
                feature.view = first + feature.view - DERIVED;
            }
        }
    }

    /// The features that are asked for, of some rows. `of_view` has those of views of sources; what is computed
    /// of them and of columns of `rows` is computed here.
    ///
    /// # Errors
    /// If `rows` lacks a column that a computed view needs, or what computes it fails.
    pub(crate) fn columns(
        &self,
        transforms: &Transforms,
        rows: &RecordBatch,
        whose: &str,
        of_view: impl Fn(&ResolvedFeature) -> ArrayRef,
    ) -> Result<Vec<ArrayRef>> {
        let computed = self.compute(transforms, rows, whose, &of_view)?;
        let features = self.features.iter();
        Ok(features
            .map(|feature| self.column(feature, &of_view, &computed))
            .collect())
    }

    /// A feature of one of the views, given what was [`computed`](Self::compute).
    pub(crate) fn column(
        &self,
        feature: &ResolvedFeature,
        of_view: impl Fn(&ResolvedFeature) -> ArrayRef,
        computed: &[Vec<ArrayRef>],
    ) -> ArrayRef {
        match feature.view.checked_sub(self.views.len()) {
            None => of_view(feature),
            Some(index) => computed[index][feature.column].clone(),
        }
    }

    /// All features of each of the views that are computed.
    ///
    /// # Errors
    /// As [`columns`](Self::columns).
    pub(crate) fn compute(
        &self,
        transforms: &Transforms,
        rows: &RecordBatch,
        whose: &str,
        of_view: impl Fn(&ResolvedFeature) -> ArrayRef,
    ) -> Result<Vec<Vec<ArrayRef>>> {
        let mut computed: Vec<Vec<ArrayRef>> = Vec::with_capacity(self.derived.len());
        for ResolvedDerived { view, inputs, .. } in &self.derived {
            let mut columns: Vec<ArrayRef> = inputs
                .iter()
                .map(|input| self.column(input, &of_view, &computed))
                .collect();
            for wanted in &view.request {
                columns.push(requested(
                    rows,
                    &wanted.name,
                    wanted.data_type,
                    view,
                    whose,
                )?);
            }
            let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
            let schema = view.rows().to_arrow();
            let inputs = RecordBatch::try_new_with_options(schema, columns, &options)?;
            let transform = transforms.load(&view.transform, &view.name)?;
            let answer = predict(&transform, &inputs, &view.name)?;
            let features = view.features.iter();
            let answered = features.filter_map(|feature| answer.column_by_name(&feature.column));
            computed.push(answered.cloned().collect());
        }
        Ok(computed)
    }

    /// The columns of the features. Names are their own, or with their view's before them.
    ///
    /// # Errors
    /// If two have one name, or one that is `taken`.
    pub(crate) fn schema(&self, full_names: bool, taken: &[&str]) -> Result<Schema> {
        let mut schema = Schema::default();
        for feature in &self.features {
            let name = if full_names {
                &feature.full_name
            } else {
                &feature.name
            };
            if schema.field(name).is_some() || taken.contains(&name.as_str()) {
                return Err(Error::input(
                    format!("two columns would be called `{name}`"),
                    if full_names {
                        "take one of them out, or rename the column of the spine"
                    } else {
                        "ask for full names, which have their view's before them: view__feature"
                    },
                ));
            }
            schema.fields.push(Field::new(name, feature.data_type));
        }
        Ok(schema)
    }

    /// The columns that identify what is described.
    ///
    /// # Errors
    /// If two views call keys of different types alike.
    pub(crate) fn join_keys(&self) -> Result<Schema> {
        let field = |(name, data_type): (&str, _)| Field::new(name, data_type);
        Ok(Schema::new(self.keys()?.into_iter().map(field)))
    }

    /// The columns of a request: join keys, and behind them what computed views read of it.
    ///
    /// # Errors
    /// If two views want one as different types.
    pub(crate) fn request_columns(&self) -> Result<Schema> {
        let mut columns = self.join_keys()?;
        let request = self.request()?.into_iter();
        let request = request.map(|(name, (data_type, _))| Field::new(name, data_type));
        columns.fields.extend(request);
        Ok(columns)
    }

    /// The join keys of all views, each once.
    ///
    /// # Errors
    /// If two views call keys of different types alike.
    pub(crate) fn keys(&self) -> Result<Vec<(&str, DataType)>> {
        let mut keys: Vec<(&str, DataType)> = Vec::new();
        for key in self.views.iter().flat_map(|view| &view.view.keys) {
            match keys.iter().find(|(name, _)| *name == key.name) {
                None => keys.push((&key.name, key.data_type)),
                Some((_, other)) if *other == key.data_type => {}
                Some((_, other)) => {
                    return Err(Error::input(
                        format!("join key `{}` is {other} and {}", key.name, key.data_type),
                        format!(
                            "give the entities' keys different names; the views are {}",
                            list_some(self.views.iter().map(|view| view.view.name.as_str()))
                        ),
                    ));
                }
            }
        }
        Ok(keys)
    }

    /// What a request or a spine has to bring beside join keys, with who needs it.
    ///
    /// # Errors
    /// If two views want it as different types.
    pub(crate) fn request(&self) -> Result<BTreeMap<&str, (DataType, &DerivedView)>> {
        let keys = self.keys()?;
        let mut request: BTreeMap<&str, (DataType, &DerivedView)> = BTreeMap::new();
        for view in self.derived.iter().map(|derived| &derived.view) {
            for column in &view.request {
                let of_key = keys.iter().find(|(name, _)| *name == column.name);
                let known = request.get(column.name.as_str()).map(|(known, _)| *known);
                match known.or(of_key.map(|(_, data_type)| *data_type)) {
                    Some(known) if known == column.data_type => {}
                    Some(known) => {
                        return Err(Error::input(
                            format!(
                                "`{}` is {known}, and view `{}` wants it as {}",
                                column.name, view.name, column.data_type
                            ),
                            "ask for the features of the two in two requests, or give one column another name",
                        ));
                    }
                    None => {
                        request.insert(&column.name, (column.data_type, view));
                    }
                }
            }
        }
        Ok(request)
    }
}

/// Where the views that are computed are counted from until all others are known: nobody has so many.
const DERIVED: usize = usize::MAX / 2;

/// A column that a computed view reads of a request or a spine.
fn requested(
    rows: &RecordBatch,
    name: &str,
    data_type: DataType,
    view: &DerivedView,
    whose: &str,
) -> Result<ArrayRef> {
    let schema = rows.schema();
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let column = rows.column_by_name(name).ok_or_else(|| {
        let hint = did_you_mean(name, names())
            .unwrap_or_else(|| format!("its columns are {}", list_some(names())));
        let view = &view.name;
        Error::input(
            format!("{whose} has no column `{name}`, which view `{view}` reads"),
            hint,
        )
    })?;
    let wanted = data_type.to_arrow();
    let is_whole = |data_type: &arrow::datatypes::DataType| {
        use arrow::datatypes::DataType::{Int32, Int64};
        matches!(data_type, Int32 | Int64)
    };
    if column.data_type() == &wanted {
        return Ok(column.clone());
    }
    // Join keys of both widths are the same.
    if is_whole(column.data_type()) && is_whole(&wanted) {
        let exactly = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        return Ok(cast_with_options(column, &wanted, &exactly)?);
    }
    let found = DataType::from_arrow(column.data_type())
        .map_or_else(|| column.data_type().to_string(), |found| found.to_string());
    Err(Error::input(
        format!(
            "{whose}: `{name}` is {found}, and view `{}` reads it as {data_type}",
            view.name
        ),
        "make the column's type the one that the feature file declares",
    ))
}
