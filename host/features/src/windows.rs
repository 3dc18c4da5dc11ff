//! Windowed aggregates: what happened to an entity in (at − over, at], as far as it was known at `at`.
//!
//! ```text
//!             inputs ──── words              columns and expressions; values as integers
//!                           │
//!  offline: sweep           │    online: state ── tile
//!  rows come and go as      │    mergeable states of stretches of time,
//!  the instants move on     │    and the rows where a window cuts one
//!                 └──────── value ────────┘
//! ```
//!
//! Both ways end in the same exact quantities, from which the value is computed in one place, so they give
//! the same bits in whatever order rows came: counts and sums are whole numbers or exact sums, rounded once;
//! extremes, first and last follow a total order; sketches are functions of the set of values.
//!
//! Nulls are no values. In an empty window, `count` and `distinct` are 0 and all else is null. A NaN makes a sum
//! or mean NaN, and is no value for `min`, `max` and `quantile`; infinities are values. A sum of integers that
//! int64 does not hold is null.

mod distinct;
mod history;
mod layout;
mod online;
mod spread;
mod state;
mod sweep;
mod tile;
mod total;
mod words;

pub(crate) use history::WindowHistory;
pub(crate) use layout::Layout;
pub(crate) use online::{catch_up, prune, read};
