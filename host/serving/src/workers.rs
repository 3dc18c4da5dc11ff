//! Threads that compute what would hold up an event loop, and the queue before them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::problem::Problem;

/// A pool with a bounded queue. It ends when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Workers {
    shared: Arc<Shared>,
    /// Tells the threads that nobody is left who could give them work.
    _owner: Arc<Owner>,
}

struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
    length_max: usize,
    wait_max: Duration,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

struct Job {
    until: Instant,
    /// Called with whether it is still in time.
    run: Box<dyn FnOnce(bool) + Send>,
}

struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.more.notify_all();
    }
}

impl Workers {
    pub(crate) fn start(
        threads: usize,
        length_max: usize,
        wait_max: Duration,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            more: Condvar::new(),
            length_max,
            wait_max,
        });
        for number in 0..threads.max(1) {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name(format!("trueline-worker-{number}"));
            thread.spawn(move || shared.work())?;
        }
        Ok(Self {
            _owner: Arc::new(Owner(shared.clone())),
            shared,
        })
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.lock().jobs.len()
    }

    /// Computes something on one of the threads.
    ///
    /// # Errors
    /// 503 if the queue is full, or if its turn does not come in time.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        let run = move |in_time: bool| {
            // Whoever asked may have gone; then nobody wants the answer, or even the computing.
            if in_time && !answer.is_closed() {
                let _ = answer.send(compute());
            }
        };
        self.shared.push(Box::new(run))?;
        answered
            .await
            .map_err(|_| Problem::overloaded("the request has waited too long"))
    }
}

impl Shared {
    /// A poisoned lock holds a queue like any other: no job runs while it is held.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, run: Box<dyn FnOnce(bool) + Send>) -> Result<(), Problem> {
        let until = Instant::now() + self.wait_max;
        let mut queue = self.lock();
        if queue.jobs.len() >= self.length_max {
            return Err(Problem::overloaded("too many requests are waiting"));
        }
        queue.jobs.push_back(Job { until, run });
        drop(queue);
        self.more.notify_one();
        Ok(())
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            let in_time = Instant::now() <= job.until;
            // A panic ends the request, which is told that it waited in vain, and not the thread.
            let run = std::panic::AssertUnwindSafe(|| (job.run)(in_time));
            let _ = std::panic::catch_unwind(run);
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.is_closed {
                return None;
            }
            queue = self
                .more
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
