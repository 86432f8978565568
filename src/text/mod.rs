//! The user's text: where things stand in it, and what to say when something there is wrong. `std` only.
pub mod codes;
pub mod diagnostic;
pub mod nearest;
pub mod render;
pub mod source;
pub mod span;

pub use codes::Code;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use source::{Place, Source};
pub use span::Span;
