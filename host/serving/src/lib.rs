//! Prediction from a package, and the protocols that clients speak.
