//! Keys of schema 1.0, read as what they are called today.

use crate::{Document, Fault};

use super::environment::{EnvironmentTable, NetworkMode};

impl EnvironmentTable {
    /// Takes over the older keys of the table at the pointer `table`; returns a fault for each that cannot be.
    pub(super) fn take_old_keys(&mut self, document: &Document, table: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut take = |old: Option<String>, key: &str, new: &mut Option<u64>, least: u64| {
            let Some(size) = old else { return };
            let fault = |message| document.fault(&format!("{table}/{key}"), message, None);
            match (megabytes(&size), *new) {
                (None, _) => {
                    faults.push(fault(format!("`{size}` is no size such as `2G`, `512M` or `65536K`")));
                }
                (Some(old), Some(new)) if old != new => {
                    faults.push(fault(format!("`{key}` says {old} MB and `{key}_mb` says {new} MB")));
                }
                (Some(old), _) if old < least => {
                    faults.push(fault(format!("`{size}` is {old} MB; the least allowed is {least} MB")));
                }
                (Some(old), _) => *new = Some(old),
            }
        };
        take(self.memory.take(), "memory", &mut self.memory_mb, 16);
        take(self.storage.take(), "storage", &mut self.storage_mb, 0);
        let says = |key: &str| document.root().pointer(&format!("{table}/{key}")).is_some();
        if let (Some(allowed), false) =
            (self.allow_internet.take(), says("network_mode") || says("allowed_hosts"))
        {
            self.network_mode = if allowed { NetworkMode::Public } else { NetworkMode::NoNetwork };
        }
        faults
    }
}

/// Reads a size with its suffix as whole megabytes; nothing for what is no size.
fn megabytes(size: &str) -> Option<u64> {
    let size = size.trim();
    let (number, factor) =
        [("G", 1024.0), ("M", 1.0), ("K", 1.0 / 1024.0)].into_iter().find_map(|(suffix, factor)| {
            let upper = size.strip_suffix(suffix);
            upper.or_else(|| size.strip_suffix(&suffix.to_lowercase())).map(|number| (number, factor))
        })?;
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let megabytes = number.parse::<f64>().ok().filter(|_| is_plain)? * factor;
    // Above, a size in bytes would not be a number of 64 bits.
    (megabytes <= f64::from(u32::MAX)).then_some(megabytes as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_with_suffixes_are_whole_megabytes() {
        for (size, expected) in [
            ("2G", Some(2048)),
            ("1.5g", Some(1536)),
            ("512M", Some(512)),
            ("65536K", Some(64)),
            ("1K", Some(0)),
            ("2", None),
            ("2GB", None),
            ("G", None),
            ("-1G", None),
            ("nanG", None),
            ("infM", None),
            ("1e3M", None),
            ("99999999999999G", None),
            ("", None),
        ] {
            assert_eq!(megabytes(size), expected, "{size}");
        }
    }

    proptest! {
        #[test]
        fn whole_sizes_are_exact_and_no_text_makes_it_panic(number in 0_u64..4_000_000, text in ".{0,12}") {
            prop_assert_eq!(megabytes(&format!("{number}M")), Some(number));
            prop_assert_eq!(megabytes(&format!("{number}G")).is_some(), u32::try_from(number * 1024).is_ok());
            megabytes(&text);
        }
    }
}
