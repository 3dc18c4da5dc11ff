//! Studies: which parameters to try next, and which trials to stop early.
//!
//! A [`Study`] is a [`Space`] of parameters, a [`Sampler`] and a seed. [`Study::suggest`] answers with the
//! parameters of a trial from the number of the trial and what came of those before it, and of nothing else:
//! no clock, no order in which trials happened to end, no generator that moves on. So the same study gives the
//! same trials, after a crash as well, and however many of them run at once.
//!
//! Trials that run at once cannot know of each other. A study says how many may, [`Study::parallel`], and a
//! trial is suggested from the results of all but the last so many before it, whether or not these have come
//! to an end: see [`Study::known`]. [`Asha`] decides in the same way, from the curves of the same trials.
//!
//! Logarithms, exponentials and the error function are those of the `libm` crate, compiled from Rust: the
//! bits of a suggestion do not depend on the system that it is computed on.
//!
//! ```
//! use serde_json::json;
//! use trueline_study::{Domain, Goal, Sampler, Seen, Space, Study, Tpe};
//!
//! let mut space = Space::new();
//! space.insert("x".to_owned(), Domain::Float { low: -5.0, high: 5.0, log: false, step: None });
//! let study = Study { space, sampler: Sampler::Tpe(Tpe::default()), goal: Goal::Min, seed: 7, parallel: 1 };
//! let mut trials: Vec<Seen> = Vec::new();
//! for number in 0..30 {
//!     let point = study.suggest(number, &trials);
//!     let x = point["x"].as_f64().unwrap_or(f64::NAN);
//!     trials.push(Seen { point, value: Some(x * x), curve: Vec::new() });
//! }
//! assert!(study.goal.best(&trials).is_some_and(|best| trials[best].value < Some(0.1)));
//! ```

mod asha;
mod parzen;
mod random;
mod space;
mod split_mix;
mod study;
mod tpe;

pub use asha::{Asha, Rung, Stops};
pub use space::{Domain, Point, Space, grid};
pub use split_mix::SplitMix64;
pub use study::{Goal, Sampler, Seen, Study};
pub use tpe::Tpe;
