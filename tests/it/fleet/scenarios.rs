//! Programs that found a fault.
