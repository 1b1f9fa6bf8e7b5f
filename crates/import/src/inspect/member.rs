//! One member of an archive.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, DeserializeSeed};
use zip::ZipArchive;

use super::BareNumbers;
use crate::{ImportError, Place};

/// How much of a member is read at once.
const PIECE: usize = 64 * 1024;

/// An archive whose members are JSON texts. Of members with one name, the last counts.
pub(super) struct Archive {
    path: PathBuf,
    zip: ZipArchive<BufReader<fs_err::File>>,
    /// Bytes of the archive read so far, as the members lie in it.
    pub(super) bytes: u64,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let place = Place::file(path);
        let file = fs_err::File::open(path).map_err(|error| place.caused("cannot be read", error))?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| {
            place.caused("cannot be opened as an archive; expected a whole `.eval`, which ends with the list of its members", error)
        })?;
        Ok(Self { path: path.to_owned(), zip, bytes: 0 })
    }

    /// Returns the names of the members, in the archive's order.
    pub(super) fn names(&self) -> Vec<String> {
        self.zip.file_names().map(str::to_owned).collect()
    }

    /// Returns whether there is a member of a name.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// Returns the place of a member.
    pub(super) fn place(&self, name: &str) -> Place {
        Place::within(&self.path, format!("member {name}"))
    }

    /// Reads a member.
    pub(super) fn read<T: DeserializeOwned>(&mut self, name: &str, what: &str) -> Result<T, ImportError> {
        self.read_into(name, what, std::marker::PhantomData::<T>)
    }

    /// Reads a member into something.
    pub(super) fn read_into<T, S: for<'de> DeserializeSeed<'de, Value = T>>(
        &mut self,
        name: &str,
        what: &str,
        seed: S,
    ) -> Result<T, ImportError> {
        let place = self.place(name);
        let member = self.zip.by_name(name).map_err(|error| {
            place.caused(
                "cannot be opened; expected one that is stored, deflated or compressed with zstd",
                error,
            )
        })?;
        let compressed = member.compressed_size();
        let member = BareNumbers::new(BufReader::with_capacity(PIECE, member));
        let mut text = serde_json::Deserializer::from_reader(BufReader::with_capacity(PIECE, member));
        let wrong = |error| place.caused(format!("is not what was expected, {what}"), error);
        let value = seed.deserialize(&mut text).map_err(wrong)?;
        // Reading to the end also checks what the archive says of the member.
        text.end().map_err(wrong)?;
        self.bytes += compressed;
        Ok(value)
    }
}
