//! `retrial plan`: placeholder.

use retrial_spec::Exit;

use crate::args::PlanArgs;
use crate::failure::Failure;

pub(crate) fn plan(_args: &PlanArgs) -> Result<Exit, Failure> {
    Err(Failure::Usage("not built yet".to_owned()))
}
