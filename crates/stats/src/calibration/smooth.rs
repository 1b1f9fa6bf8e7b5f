//! Smooth calibration error, to be filled in.
