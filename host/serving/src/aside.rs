//! What happens beside the answers: a sample of them is recorded, and a challenger answers as well.
//!
//! Clients wait for none of it. A thread of its own takes what was answered from a bounded queue; when
//! that is full, further answers are passed over and counted.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use arrow::array::RecordBatch;

use crate::Model;
use crate::challenger::Challenger;
use crate::recorder::Recorder;

/// Answers that may wait to be looked at.
const QUEUE_LENGTH: usize = 1024;

/// A request that was answered.
pub(crate) struct Answered {
    pub(crate) model: Arc<Model>,
    pub(crate) rows: RecordBatch,
    pub(crate) answers: RecordBatch,
}

/// Where answers are looked at. Ends with the service.
pub(crate) struct Aside {
    queue: SyncSender<Answered>,
    challenger: Option<Arc<Challenger>>,
}

impl Aside {
    pub(crate) fn start(
        recorder: Option<Recorder>,
        challenger: Option<Arc<Challenger>>,
    ) -> std::io::Result<Self> {
        let (queue, answered) = sync_channel(QUEUE_LENGTH);
        let beside = challenger.clone();
        let thread = std::thread::Builder::new().name("trueline-aside".to_owned());
        thread.spawn(move || look(&answered, recorder, beside.as_deref()))?;
        Ok(Self { queue, challenger })
    }

    /// Looks at an answer later; answers with whether there was room to remember it.
    pub(crate) fn remember(&self, answered: Answered) -> bool {
        !matches!(self.queue.try_send(answered), Err(TrySendError::Full(_)))
    }

    pub(crate) fn challenger(&self) -> Option<&Challenger> {
        self.challenger.as_deref()
    }
}

fn look(
    answers: &Receiver<Answered>,
    mut recorder: Option<Recorder>,
    challenger: Option<&Challenger>,
) {
    for answered in answers {
        if let Some(open) = &mut recorder
            && let Err(error) = open.record(&answered)
        {
            eprintln!("trueline: answers are recorded no longer: {error}");
            recorder = None;
        }
        if let Some(challenger) = challenger {
            challenger.compare(&answered);
        }
    }
}
