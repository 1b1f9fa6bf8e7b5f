//! Spiegelhalter's test, to be filled in.
