//! Expected calibration error, to be filled in.
