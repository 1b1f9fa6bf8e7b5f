//! Which glibc a program needs: read from the version requirements of an ELF file (System V ABI, symbol versioning).
//!
//! Only 64-bit little-endian files are read, as on every platform of recipes; anything else needs no glibc as far as this knows.

use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::File;

const SHT_GNU_VERNEED: u32 = 0x6fff_fffe;

/// Bytes of a section that are read, at most.
const SECTION_BYTES: u64 = 16 << 20;

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GlibcVersion {
    major: u32,
    minor: u32,
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// Returns the lowest glibc that has every symbol version the file asks for; none where it asks for none.
pub(super) fn needed_glibc(path: &Path) -> Option<GlibcVersion> {
    let mut file = File::open(path).ok()?;
    let header = read_at(&mut file, 0, 64)?;
    if header.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let sections_at = u64_at(&header, 40)?;
    let (size, count) = (u16_at(&header, 58)?, u16_at(&header, 60)?);
    let table = read_at(&mut file, sections_at, u64::from(size) * u64::from(count))?;
    let section = |index: usize| table.get(index * usize::from(size)..);
    let needs = (0..usize::from(count))
        .filter_map(section)
        .find(|entry| u32_at(entry, 4) == Some(SHT_GNU_VERNEED))?;
    let names = section(u32_at(needs, 40)? as usize)?;
    let names = read_at(&mut file, u64_at(names, 24)?, u64_at(names, 32)?)?;
    let needs = read_at(&mut file, u64_at(needs, 24)?, u64_at(needs, 32)?)?;
    highest(&needs, &names)
}

/// Walks the libraries (`Elf64_Verneed`) and the versions of each (`Elf64_Vernaux`).
fn highest(needs: &[u8], names: &[u8]) -> Option<GlibcVersion> {
    let mut best = None;
    let mut library = 0_usize;
    loop {
        let entry = needs.get(library..)?;
        let mut version = library.checked_add(u32_at(entry, 8)? as usize)?;
        for _ in 0..u16_at(entry, 2)? {
            let aux = needs.get(version..)?;
            best = best.max(glibc_version(names.get(u32_at(aux, 8)? as usize..)?));
            match u32_at(aux, 12)? {
                0 => break,
                next => version = version.checked_add(next as usize)?,
            }
        }
        match u32_at(entry, 12)? {
            0 => return best,
            next => library = library.checked_add(next as usize)?,
        }
    }
}

fn glibc_version(name: &[u8]) -> Option<GlibcVersion> {
    let end = name.iter().position(|&byte| byte == 0)?;
    let numbers = std::str::from_utf8(&name[..end]).ok()?.strip_prefix("GLIBC_")?;
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    Some(GlibcVersion { major: parts.next()??, minor: parts.next()?? })
}

fn read_at(file: &mut File, at: u64, length: u64) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = Vec::new();
    file.take(length.min(SECTION_BYTES)).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_program_of_this_system_needs_a_glibc_and_a_script_does_not() {
        let program = std::env::current_exe().unwrap();
        let version = needed_glibc(&program).unwrap();
        assert!(version >= GlibcVersion { major: 2, minor: 2 }, "{version}");
        assert_eq!(needed_glibc(Path::new(file!())), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(glibc_version(b"GLIBC_2.4\0") < glibc_version(b"GLIBC_2.17\0"));
        assert_eq!(glibc_version(b"GLIBC_2.2.5\0"), Some(GlibcVersion { major: 2, minor: 2 }));
        assert_eq!(glibc_version(b"GLIBC_PRIVATE\0"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_walked(needs in proptest::collection::vec(0_u8..20, 0..200), names in any::<Vec<u8>>()) {
            highest(&needs, &names);
        }
    }
}
