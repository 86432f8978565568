//! The typed middle to DataFusion plans.
