//! Asking for the features of one entity in as few words as it takes.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::Result;
use crate::http::{columns, values};
use crate::read::{Answer, Status};
use crate::selection::Selection;
use crate::store::FeatureStore;

/// A question that is being put together.
#[derive(Clone)]
#[must_use]
pub struct Ask<'s> {
    store: &'s FeatureStore,
    selection: Selection,
    values: Map<String, Value>,
    now_us: Option<i64>,
}

/// The features of one entity.
#[derive(Debug)]
pub struct Features {
    answer: Answer,
}

impl FeatureStore {
    /// Asks for the features of a service; `name@version` stands for an old version of it.
    ///
    /// ```no_run
    /// use trueline_features::FeatureStore;
    ///
    /// let store = FeatureStore::open(".trueline".as_ref())?;
    /// let features = store.service("checkout").of("entity_id", "user_123").get()?;
    /// if let Some(clicks) = features.value("clicks_7d") {
    ///     println!("{clicks}");
    /// }
    /// # Ok::<(), trueline_features::Error>(())
    /// ```
    pub fn service(&self, name: &str) -> Ask<'_> {
        Ask {
            store: self,
            selection: Selection::Service(name.to_owned()),
            values: Map::new(),
            now_us: None,
        }
    }
}

impl Ask<'_> {
    /// Names a join key, or a column that a view reads of the request, with its value.
    pub fn of(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.values.insert(column.to_owned(), value.into());
        self
    }

    /// Asks what they are at an instant, in microseconds since 1970 UTC; by default at present. The past is not
    /// kept online: [`history`](FeatureStore::history) knows it.
    pub fn at_us(mut self, now_us: i64) -> Self {
        self.now_us = Some(now_us);
        self
    }

    /// Reads them.
    ///
    /// # Errors
    /// If there is no such service, a column is missing or its value is of another type, or the store cannot
    /// be read.
    pub fn get(self) -> Result<Features> {
        let wanted = self.store.request_columns(&self.selection)?;
        let lists = self.values.into_iter();
        let lists = lists.map(|(column, value)| (column, Value::Array(vec![value])));
        let entity = columns::rows(&wanted, &lists.collect(), "the request")?;
        let now_us = self.now_us.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
        });
        let answer = self.store.get_features(&self.selection, &entity, now_us)?;
        Ok(Features { answer })
    }
}

impl Features {
    /// The value of a feature, by its name or as `view__feature`; nothing if there is none.
    pub fn value(&self, name: &str) -> Option<Value> {
        let column = self.column(name)?;
        let value = values::json(self.answer.rows.column(column), 0);
        (!value.is_null()).then_some(value)
    }

    /// Why a value is what it is.
    pub fn status(&self, name: &str) -> Option<Status> {
        self.column(name)
            .map(|column| self.answer.status(column, 0))
    }

    /// All of it, as Arrow.
    pub fn into_answer(self) -> Answer {
        self.answer
    }

    fn column(&self, name: &str) -> Option<usize> {
        let is = |full: bool| {
            let mut features = self.answer.features.iter();
            features.position(|one| {
                if full {
                    one.full_name == name
                } else {
                    one.name == name
                }
            })
        };
        is(false).or_else(|| is(true))
    }
}
