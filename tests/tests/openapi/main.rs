//! The API as its document has it: whatever the engine does, the document says.

mod conformance;
mod document;
mod fuzz;
mod life;
mod matrix;
mod world;
