//! `retrial history`: placeholder.

use retrial_spec::Exit;

use crate::args::HistoryArgs;
use crate::failure::Failure;

pub(crate) fn history(_args: &HistoryArgs) -> Result<Exit, Failure> {
    Err(Failure::Usage("not built yet".to_owned()))
}
