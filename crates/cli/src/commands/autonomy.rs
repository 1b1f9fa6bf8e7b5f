//! `retrial autonomy`: placeholder.

use retrial_spec::Exit;

use crate::args::AutonomyArgs;
use crate::failure::Failure;

pub(crate) fn autonomy(_args: &AutonomyArgs) -> Result<Exit, Failure> {
    Err(Failure::Usage("not built yet".to_owned()))
}
