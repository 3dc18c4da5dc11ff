//! The store from outside: whole lives of runs and packages, several processes, a long history.

mod cache;
mod processes;
mod registry;
mod runs;
mod scale;
