//! What nodes come from.

use async_trait::async_trait;

use super::{ConfigFile, InventoryError, Part};

mod ad_hoc;
mod command;

pub use self::{ad_hoc::AdHocNodes, command::CommandSource};

/// Something that knows nodes.
#[async_trait]
pub trait Source: Send + Sync {
    /// What it knows now.
    ///
    /// # Errors
    ///
    /// When it can not be asked, or what it says makes no sense.
    async fn load(&self) -> Result<Part, InventoryError>;
}

#[async_trait]
impl Source for ConfigFile {
    async fn load(&self) -> Result<Part, InventoryError> {
        Ok(self.part.clone())
    }
}
