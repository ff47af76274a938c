//! The bank engine: decides who may open which compartment. Under construction.
pub mod io;
pub mod screen;
