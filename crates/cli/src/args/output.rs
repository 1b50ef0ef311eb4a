//! In which form results are shown.

use clap::{Args, ValueEnum};

/// Flags for the form of the output.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// In which form
    #[arg(long = "output", value_enum, value_name = "FORM", default_value_t)]
    pub(crate) format: Format,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Auto,
    /// For people and simple tools: no colour, no drawing
    Plain,
    /// JSON for programs, stable, with a schema
    Json,
}
