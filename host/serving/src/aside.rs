//! What happens beside the answers: a sample of them is recorded, and a challenger answers as well.
//!
//! Clients wait for none of it. A thread of its own takes what was answered from a bounded queue; when
//! that is full, further answers are passed over and counted.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;

use crate::Model;
use crate::challenger::{Challenger, Report};
use crate::recorder::Recorder;

/// Answers that may wait to be looked at.
const QUEUE_LENGTH: usize = 1024;
/// How often is told how a challenger does.
const REPORT_PERIOD: Duration = Duration::from_secs(2);

/// A request that was answered.
pub(crate) struct Answered {
    pub(crate) model: Arc<Model>,
    pub(crate) rows: RecordBatch,
    pub(crate) answers: RecordBatch,
}

enum Message {
    Answered(Answered),
    /// Nothing follows.
    End,
}

/// Where answers are looked at. Ends with the service.
pub(crate) struct Aside {
    queue: SyncSender<Message>,
    challenger: Option<Arc<Challenger>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Aside {
    pub(crate) fn start(
        recorder: Option<Recorder>,
        challenger: Option<Arc<Challenger>>,
        report: Option<Report>,
    ) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE_LENGTH);
        let looker = Looker {
            recorder,
            challenger: challenger.clone(),
            report,
        };
        let thread = std::thread::Builder::new().name("trueline-aside".to_owned());
        let thread = thread.spawn(move || looker.look(&messages))?;
        Ok(Self {
            queue,
            challenger,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Looks at an answer later; answers with whether there was room to remember it.
    pub(crate) fn remember(&self, answered: Answered) -> bool {
        let sent = self.queue.try_send(Message::Answered(answered));
        !matches!(sent, Err(TrySendError::Full(_)))
    }

    pub(crate) fn challenger(&self) -> Option<&Challenger> {
        self.challenger.as_deref()
    }

    /// Waits until all that was remembered has been looked at.
    pub(crate) fn finish(&self) {
        let thread = self.thread.lock();
        let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && self.queue.send(Message::End).is_ok()
        {
            // If it panicked, it said so itself.
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Looker {
    recorder: Option<Recorder>,
    challenger: Option<Arc<Challenger>>,
    report: Option<Report>,
}

impl Looker {
    fn look(mut self, messages: &Receiver<Message>) {
        let mut reported = Instant::now();
        loop {
            let until = (reported + REPORT_PERIOD).saturating_duration_since(Instant::now());
            match messages.recv_timeout(until) {
                Ok(Message::Answered(answered)) => self.at(&answered),
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if reported.elapsed() >= REPORT_PERIOD {
                self.tell();
                reported = Instant::now();
            }
        }
        self.tell();
    }

    fn at(&mut self, answered: &Answered) {
        if let Some(open) = &mut self.recorder
            && let Err(error) = open.record(answered)
        {
            eprintln!("trueline: answers are recorded no longer: {error}");
            self.recorder = None;
        }
        if let Some(challenger) = &self.challenger {
            challenger.compare(answered);
        }
    }

    fn tell(&mut self) {
        if let (Some(challenger), Some(report)) = (&self.challenger, &mut self.report) {
            for comparison in challenger.changed() {
                report(&comparison);
            }
        }
    }
}
