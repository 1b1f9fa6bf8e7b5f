//! Values of environment variables that come from the host: `${VAR}` and `${VAR:-default}`.

/// Why a value cannot be resolved. It never tells the value of a variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostValueError {
    /// The host has no such variable, and there is no default.
    #[error("the variable `{name}` is not set on this host, and has no default")]
    Missing {
        /// The variable.
        name: String,
    },
    /// A variable stands within other text, or its name is none.
    #[error("a variable of the host has to be the whole value, as in `${{NAME}}` or `${{NAME:-default}}`")]
    Form,
}

/// Resolves a value of a task's `env`: `${NAME}` is the host's variable, `${NAME:-default}` too, or the default where it is not set;
/// any other text is itself.
///
/// # Errors
/// [`HostValueError`]; a value that holds `${` in another way is refused, for nobody can say what it means.
pub fn host_value(value: &str, host: impl Fn(&str) -> Option<String>) -> Result<String, HostValueError> {
    if !value.contains("${") {
        return Ok(value.to_owned());
    }
    let inner =
        value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).ok_or(HostValueError::Form)?;
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let is_name = starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name || default.is_some_and(|default| default.contains("${") || default.contains('}')) {
        return Err(HostValueError::Form);
    }
    host(name)
        .or_else(|| default.map(str::to_owned))
        .ok_or_else(|| HostValueError::Missing { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on_host(name: &str) -> Option<String> {
        (name == "KEY").then(|| "secret".to_owned())
    }

    #[test]
    fn variables_of_the_host_take_the_place_of_whole_values_alone() {
        let missing = |name: &str| Err(HostValueError::Missing { name: name.to_owned() });
        for (value, expected) in [
            ("plain", Ok("plain".to_owned())),
            ("$KEY", Ok("$KEY".to_owned())),
            ("", Ok(String::new())),
            ("${KEY}", Ok("secret".to_owned())),
            ("${KEY:-x}", Ok("secret".to_owned())),
            ("${OTHER:-x:-y}", Ok("x:-y".to_owned())),
            ("${OTHER:-}", Ok(String::new())),
            ("${OTHER}", missing("OTHER")),
            ("a${KEY}", Err(HostValueError::Form)),
            ("${KEY}${KEY}", Err(HostValueError::Form)),
            ("${KEY", Err(HostValueError::Form)),
            ("${}", Err(HostValueError::Form)),
            ("${1A}", Err(HostValueError::Form)),
            ("${KEY:+x}", Err(HostValueError::Form)),
        ] {
            assert_eq!(host_value(value, on_host), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_text_without_a_variable_is_itself_and_none_makes_it_panic(text in ".{0,60}") {
            let resolved = host_value(&text, on_host);
            if text.contains("${") {
                prop_assert_ne!(resolved, Ok(text));
            } else {
                prop_assert_eq!(resolved, Ok(text));
            }
        }
    }
}
