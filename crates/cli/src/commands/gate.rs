//! `retrial gate`: placeholder.

use retrial_spec::Exit;

use crate::args::GateArgs;
use crate::failure::Failure;

pub(crate) fn gate(_args: &GateArgs) -> Result<Exit, Failure> {
    Err(Failure::Usage("not built yet".to_owned()))
}
