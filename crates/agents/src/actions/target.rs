//! Fine names: what was done, and to what class of file.

use super::file::TargetSection;

/// Characters that a fine name may have.
const NAME_CHARS: usize = 64;

/// What a file is, as far as its path tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetClass {
    Test,
    Source,
    Doc,
    Config,
}

impl TargetClass {
    fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Source => "source",
            Self::Doc => "doc",
            Self::Config => "config",
        }
    }
}

/// Tells files by their paths.
#[derive(Debug, Clone)]
pub(super) struct Targets {
    test_directories: Vec<String>,
    test_files: Vec<glob::Pattern>,
    files: Vec<(glob::Pattern, TargetClass)>,
}

impl Targets {
    pub(super) fn new(section: &TargetSection) -> Self {
        let patterns = |list: &[String]| -> Vec<glob::Pattern> {
            list.iter().filter_map(|pattern| glob::Pattern::new(pattern).ok()).collect()
        };
        let lists = [
            (&section.source, TargetClass::Source),
            (&section.doc, TargetClass::Doc),
            (&section.config, TargetClass::Config),
        ];
        let files = lists
            .into_iter()
            .flat_map(|(list, class)| patterns(list).into_iter().map(move |pattern| (pattern, class)))
            .collect();
        Self {
            test_directories: section.test_directories.clone(),
            test_files: patterns(&section.test_files),
            files,
        }
    }

    /// Returns the class of a path; `None` where the table has none for it.
    pub(super) fn class(&self, path: &str) -> Option<TargetClass> {
        let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
        let file = parts.next()?;
        let is_test = self.test_files.iter().any(|pattern| pattern.matches(file))
            || std::iter::once(file)
                .chain(parts)
                .any(|part| self.test_directories.iter().any(|dir| dir == part));
        if is_test {
            return Some(TargetClass::Test);
        }
        self.files.iter().find(|(pattern, _)| pattern.matches(file)).map(|(_, class)| *class)
    }
}

/// Returns the fine name of a deed on files: the deed, and the class of the first file that has one.
pub(super) fn name_on<'a>(deed: &str, targets: &Targets, mut files: impl Iterator<Item = &'a str>) -> String {
    let class = files.find_map(|file| targets.class(file));
    class.map_or_else(|| fine_name(deed), |class| format!("{}:{}", fine_name(deed), class.as_str()))
}

/// Makes a word fit for tables: without control characters, of bounded length, never empty.
pub(super) fn fine_name(word: &str) -> String {
    let name: String = word.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    if name.is_empty() { "?".to_owned() } else { name }
}
