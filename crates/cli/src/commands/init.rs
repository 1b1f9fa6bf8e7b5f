//! `retrial init`: placeholder.

use retrial_spec::Exit;

use crate::args::InitArgs;
use crate::failure::Failure;

pub(crate) fn init(_args: &InitArgs) -> Result<Exit, Failure> {
    Err(Failure::Usage("not built yet".to_owned()))
}
