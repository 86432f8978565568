//! Operators and plug-ins that see all rows at once.
