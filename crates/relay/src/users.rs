//! Users inside the sandbox: by ids, or by name from `/etc/passwd`. Groups beyond the first are never taken on.

use std::fs;

use crate::protocol::User;
use crate::sys;

/// The user and group ids to act as, or `None` where the sandbox has a single user.
pub(crate) fn resolve(user: &User) -> Result<Option<(u32, u32)>, String> {
    if sys::user_id() != 0 {
        return Ok(None);
    }
    match user {
        User::Id { uid, gid } => Ok(Some((*uid, *gid))),
        User::Name(name) => {
            let passwd = fs::read("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
            find(&passwd, name)
                .map(Some)
                .ok_or_else(|| format!("no user `{}` in /etc/passwd", String::from_utf8_lossy(name)))
        }
    }
}

fn find(passwd: &[u8], name: &[u8]) -> Option<(u32, u32)> {
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        if fields.next()? != name {
            return None;
        }
        let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
        let _password: Option<u32> = number();
        Some((number()?, number()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\nnod:x:7:7::/:/bin/sh\nnode:x:1000:1001::/:/bin/sh\n";
        assert_eq!(find(passwd, b"node"), Some((1000, 1001)));
        assert_eq!(find(passwd, b"nobody"), None);
        assert_eq!(find(b"bad:line\nbad:x:y:z\n", b"bad"), None);
    }
}
