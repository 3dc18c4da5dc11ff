//! The real `trueline` binary, from outside: what it answers, how it ends, and what it leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod cache;
mod categories;
mod champion;
mod fan_out;
mod faults;
mod features;
mod first_stage;
mod home;
mod integrity;
mod json;
mod logs;
mod outcomes;
mod reproduce;
mod rules;
mod serve;
mod serve_limits;
mod serve_models;
mod steps;
mod studies;
mod trips;
mod unsound;
mod ways;
mod wrong_files;
