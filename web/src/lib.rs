//! The pages over the run store.
