//! What all connections share: the model that answers at the moment, and what guards it.

use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;

use crate::aside::{Answered, Aside};
use crate::challenger::{Challenger, Report};
use crate::front::Front;
use crate::metrics::Metrics;
use crate::recorder::{Recorder, Recording};
use crate::workers::Workers;
use crate::{Model, Settings};

/// A served package. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    front: Arc<Front>,
    model: RwLock<Arc<Model>>,
    /// What happens beside the answers, if anything.
    aside: Option<Aside>,
}

/// A package in the shadow, and who is told how it does.
pub struct Shadow {
    pub model: Model,
    /// Called now and then with each comparison that has changed, and at the end. It may take its time.
    pub report: Option<Report>,
}

impl Service {
    /// Serves a model.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn new(model: Model, settings: Settings) -> std::io::Result<Self> {
        Self::with(model, settings, None, None)
    }

    /// Serves a model, with a sample of its answers recorded, and a challenger that answers beside it.
    ///
    /// # Errors
    /// If threads cannot be started, or the recording not be written.
    pub fn with(
        model: Model,
        settings: Settings,
        recording: Option<Recording>,
        challenger: Option<Shadow>,
    ) -> std::io::Result<Self> {
        let front = Front::start(settings)?;
        let recorder = recording.map(Recorder::open).transpose()?;
        let (challenger, report) = match challenger {
            Some(Shadow { model, report }) => (Some(Arc::new(Challenger::new(model))), report),
            None => (None, None),
        };
        let aside = (recorder.is_some() || challenger.is_some())
            .then(|| Aside::start(recorder, challenger, report))
            .transpose()?;
        Ok(Self::behind(front, model, aside))
    }

    /// A model among others behind one front.
    pub(crate) fn behind(front: Arc<Front>, model: Model, aside: Option<Aside>) -> Self {
        front.metrics.serves(&model);
        Self {
            inner: Arc::new(Inner {
                front,
                model: RwLock::new(Arc::new(model)),
                aside,
            }),
        }
    }

    /// The model that answers now.
    pub fn model(&self) -> Arc<Model> {
        let model = self.inner.model.read();
        // Only whole models are ever put there.
        model.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets another model answer from now on. Requests that have begun end with the one they began with.
    pub fn swap(&self, model: Model) {
        let model = Arc::new(model);
        let slot = self.inner.model.write();
        let mut slot = slot.unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *slot, model.clone());
        drop(slot);
        self.metrics().swapped(&before, &model);
    }

    /// Lets another model answer in the shadow from now on, if one does.
    pub fn swap_challenger(&self, model: Model) {
        if let Some(challenger) = self.challenger() {
            challenger.swap(model);
        }
    }

    /// How it was set up.
    pub fn settings(&self) -> &Settings {
        &self.inner.front.settings
    }

    pub(crate) fn front(&self) -> &Arc<Front> {
        &self.inner.front
    }

    pub(crate) fn challenger(&self) -> Option<&Challenger> {
        self.inner.aside.as_ref()?.challenger()
    }

    /// Counts what was answered, and hands it to whatever happens beside the answers.
    pub(crate) fn answered(
        &self,
        model: &Arc<Model>,
        rows: Option<RecordBatch>,
        answers: &RecordBatch,
    ) {
        self.metrics().rows(answers.num_rows());
        if let (Some(aside), Some(rows)) = (&self.inner.aside, rows) {
            let answered = Answered {
                model: model.clone(),
                rows,
                answers: answers.clone(),
            };
            if !aside.remember(answered) {
                self.metrics().passed_over();
            }
        }
    }

    /// Rows that will be wanted once they are answered, for [`answered`](Self::answered).
    pub(crate) fn keep(&self, rows: &RecordBatch) -> Option<RecordBatch> {
        self.inner.aside.as_ref().map(|_| rows.clone())
    }

    /// Waits until all that was answered has been recorded and compared.
    pub(crate) fn finish(&self) {
        if let Some(aside) = &self.inner.aside {
            aside.finish();
        }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.front.metrics
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.inner.front.workers
    }
}
