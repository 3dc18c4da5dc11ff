//! The store as its users see it, in real folders.

mod cases;
mod definitions;
mod flights;
mod http;
mod losses;
mod oracle;
mod overview;
mod pushes;
mod quarantine;
mod redis;
mod reported;
mod skew;
mod streams;
mod support;
mod transforms;
mod twin;
mod windows;
