//! The graph of assets and the ways between them.
use super::{ColumnDef, Table, column};
use crate::types::Type::*;

pub(super) const TABLES: &[Table] = &[
    Table { name: "ExposureGraphEdges", doc: "relations between assets", columns: EXPOSURE_GRAPH_EDGES },
    Table { name: "ExposureGraphNodes", doc: "assets", columns: EXPOSURE_GRAPH_NODES },
];

const EXPOSURE_GRAPH_EDGES: &[ColumnDef] = &[
    column("EdgeId", String, "identifier of the edge"),
    column("EdgeLabel", String, "kind of relation"),
    column("SourceNodeId", String, "identifier of the node that the edge leaves"),
    column("SourceNodeName", String, "name of the node that the edge leaves"),
    column("SourceNodeLabel", String, "kind of the node that the edge leaves"),
    column("SourceNodeCategories", Dynamic, "categories of the node that the edge leaves, JSON"),
    column("TargetNodeId", String, "identifier of the node that the edge reaches"),
    column("TargetNodeName", String, "name of the node that the edge reaches"),
    column("TargetNodeLabel", String, "kind of the node that the edge reaches"),
    column("TargetNodeCategories", Dynamic, "categories of the node that the edge reaches, JSON"),
    column("EdgeProperties", Dynamic, "facts about the edge, JSON"),
];

const EXPOSURE_GRAPH_NODES: &[ColumnDef] = &[
    column("NodeId", String, "identifier of the node"),
    column("NodeLabel", String, "kind of the node"),
    column("NodeName", String, "name of the node"),
    column("Categories", Dynamic, "stages or kinds of threat, a JSON list"),
    column("NodeProperties", Dynamic, "facts about the node, JSON"),
    column("EntityIds", Dynamic, "identifiers of the thing in other systems, JSON"),
];
