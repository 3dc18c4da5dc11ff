//! Which features are asked for, and what their names mean.

use rusqlite::Connection;
use trueline_dataset::suggest::list_some;
use trueline_table::{DataType, Digest, Field, Schema};

use crate::definition::{Definitions, View};
use crate::registry::{self, Revision};
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
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The service's name and version, if it is one.
    pub(crate) service: Option<(String, Digest)>,
    pub(crate) views: Vec<ResolvedView>,
    /// The features in the order asked for.
    pub(crate) features: Vec<ResolvedFeature>,
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

/// A feature of one of the views.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedFeature {
    /// Which of the views.
    pub(crate) view: usize,
    /// Which of those that are wanted of it.
    pub(crate) wanted: usize,
    /// Which of all that it has.
    pub(crate) column: usize,
    pub(crate) name: String,
    pub(crate) full_name: String,
    pub(crate) data_type: DataType,
}

impl Resolved {
    pub(crate) fn new(
        connection: &Connection,
        revision: &Revision,
        selection: &Selection,
    ) -> Result<Self> {
        let mut resolved = Self {
            service: None,
            views: Vec::new(),
            features: Vec::new(),
        };
        match selection {
            Selection::Service(name) => {
                let service = registry::service(connection, revision, name)?;
                for feature in &service.features {
                    let view = registry::view(connection, &feature.version)?;
                    resolved.add(view, &revision.definitions, &feature.feature)?;
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
                    let views = &revision.definitions.views;
                    let view = views.get(name).ok_or_else(|| {
                        registry::unknown("feature view", name, views.keys().map(String::as_str))
                    })?;
                    let features: Vec<&str> = match feature {
                        Some(feature) => vec![feature],
                        None => view.features.iter().map(|one| one.name.as_str()).collect(),
                    };
                    for feature in features {
                        resolved.add(view.clone(), &revision.definitions, feature)?;
                    }
                }
            }
        }
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
        let mut resolved = Self {
            service: Some((service.name.clone(), service.version())),
            views: Vec::new(),
            features: Vec::new(),
        };
        for feature in &service.features {
            let views = &definitions.views;
            let view = views.get(&feature.view).ok_or_else(|| {
                registry::unknown(
                    "feature view",
                    &feature.view,
                    views.keys().map(String::as_str),
                )
            })?;
            resolved.add(view.clone(), definitions, &feature.feature)?;
        }
        Ok(resolved)
    }

    fn add(&mut self, view: View, in_force: &Definitions, feature: &str) -> Result<()> {
        let names = || view.features.iter().map(|feature| feature.name.as_str());
        let Some(column) = names().position(|name| name == feature) else {
            let name = format!("{}:{feature}", view.name);
            return Err(registry::unknown("feature", &name, names()));
        };
        let version = view.version();
        let data_type = view.features[column].data_type;
        let full_name = format!("{}__{feature}", view.name);
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
        let wanted = match all_wanted.iter().position(|known| known == feature) {
            Some(wanted) => wanted,
            None => {
                all_wanted.push(feature.to_owned());
                all_wanted.len() - 1
            }
        };
        self.features.push(ResolvedFeature {
            view: index,
            wanted,
            column,
            name: feature.to_owned(),
            full_name,
            data_type,
        });
        Ok(())
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
}
