//! To be written.

/// Flags of this chore.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the chore.
///
/// # Errors
/// Always, until it is written.
pub fn run(_args: Args) -> anyhow::Result<()> {
    anyhow::bail!("not written yet")
}
