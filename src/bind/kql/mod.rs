//! KQL trees to the typed middle.
