//! `retrial compare`: placeholder.

use retrial_spec::Exit;

use crate::args::CompareArgs;
use crate::failure::Failure;

pub(crate) fn compare(_args: &CompareArgs) -> Result<Exit, Failure> {
    Err(Failure::Usage("not built yet".to_owned()))
}
