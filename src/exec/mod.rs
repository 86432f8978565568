//! Running plans: sessions, limits, streams of batches.
