//! OData v4 URL options: text to tree.
