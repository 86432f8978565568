//! Answers as bytes: one file a format.
