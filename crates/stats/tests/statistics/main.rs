//! What must hold where no reference value exists.

#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod properties;
