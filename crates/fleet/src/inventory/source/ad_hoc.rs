//! Nodes that were named on the command line.

use async_trait::async_trait;
use towline_core::node::Node;

use super::Source;
use crate::inventory::{Declared, InventoryError, Origin, Part};

/// Nodes that stand in no file: `root@10.0.0.7:2222`.
#[derive(Clone, Debug, Default)]
pub struct AdHocNodes(pub Vec<Node>);

#[async_trait]
impl Source for AdHocNodes {
    async fn load(&self) -> Result<Part, InventoryError> {
        let origin = Origin {
            source: "the command line".into(),
            place: None,
        };
        let nodes = self.0.iter().map(|node| Declared {
            node: node.clone(),
            elevate: None,
            origin: origin.clone(),
        });
        Ok(Part {
            nodes: nodes.collect(),
            ..Part::default()
        })
    }
}
