//! What work an agent may be left alone with: sentences, a page and a summary of an autonomy report.

mod markdown;
mod page;
mod wording;

pub use markdown::markdown as autonomy_markdown;
pub use page::page as autonomy_page;
pub use wording::{
    change as autonomy_change, reason as autonomy_reason, share as autonomy_share, speaks as autonomy_speaks,
};
