//! The user that a server runs as: the current user, unless that is root.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use crate::ServersError;

/// User that a server runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunAs {
    CurrentUser,
    /// Another user, because the current user is root.
    User {
        uid: u32,
        gid: u32,
    },
}

impl RunAs {
    /// Returns the current user; for root, the first existing user of `names`.
    pub(crate) fn first_of(names: &[&str]) -> Result<RunAs, ServersError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(RunAs::CurrentUser);
        }
        let passwd = Path::new("/etc/passwd");
        let users = fs::read_to_string(passwd).map_err(ServersError::file("read", passwd))?;
        let found = names.iter().find_map(|name| user(&users, name));
        found.ok_or_else(|| ServersError::NoUser { names: names.join(" or ") })
    }

    /// Returns the `setpriv` arguments that switch to this user.
    pub(crate) fn setpriv_args(self) -> Vec<String> {
        match self {
            RunAs::CurrentUser => Vec::new(),
            RunAs::User { uid, gid } => {
                vec![format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]
            }
        }
    }

    /// Makes this user the owner of `path` and everything below it. For [`RunAs::CurrentUser`], only checks
    /// that the user owns `path`.
    pub(crate) fn own(self, path: &Path) -> Result<(), ServersError> {
        let owner = fs::symlink_metadata(path).map_err(ServersError::file("inspect", path))?.uid();
        match self {
            RunAs::CurrentUser if owner == rustix::process::geteuid().as_raw() => Ok(()),
            RunAs::CurrentUser => Err(ServersError::NotOwned { path: path.to_owned(), uid: owner }),
            RunAs::User { uid, .. } if owner == uid => Ok(()),
            // The directory itself is changed last, so that an interrupted run is repeated.
            RunAs::User { uid, gid } => chown_recursively(path, uid, gid),
        }
    }
}

fn chown_recursively(path: &Path, uid: u32, gid: u32) -> Result<(), ServersError> {
    if fs::symlink_metadata(path).map_err(ServersError::file("inspect", path))?.is_dir() {
        for entry in fs::read_dir(path).map_err(ServersError::file("list", path))? {
            chown_recursively(&entry.map_err(ServersError::file("list", path))?.path(), uid, gid)?;
        }
    }
    lchown(path, Some(uid), Some(gid)).map_err(ServersError::file("change the owner of", path))
}

fn user(passwd: &str, name: &str) -> Option<RunAs> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name);
        found.then_some(fields)
    })?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    (uid != 0).then_some(RunAs::User { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_as_user_matches_full_name_and_is_never_root() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:7::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        assert_eq!(user(passwd, "postgres"), Some(RunAs::User { uid: 101, gid: 104 }));
        assert_eq!(user(passwd, "root"), None);
        assert_eq!(user(passwd, "nobody"), None);
    }
}
